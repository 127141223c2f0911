"""The providers that are set up, and the way from a model's name to the one that answers for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import gevent
import msgspec
from gevent.lock import RLock

from ..core import pricing
from ..core.errors import ConnectTimeout, HeadraceError, ModelNotFound, ModelUnavailable, UpstreamProtocolError
from .base import Provider
from .fallback.circuit_breaker import CircuitBreaker
from .fallback.router import Router
from .http.hub_local import HubLocal
from .http.time_limit import within
from .redaction import redact

log = logging.getLogger("flask_headrace")

MODEL_LIST_TTL = 300.0
"""Seconds for which a provider's list of models is remembered."""

MODEL_LIST_TIMEOUT = 4.0
"""Seconds in which a provider must have told its list."""

FAILURE_TTL = 10.0
"""Seconds for which it is remembered that a provider did not tell its list."""


MAX_MODEL_NAME_CHARS = 256
"""Characters of a model's name. Logs and metrics keep it."""

CHAIN_PROVIDER = "chain"
"""What stands in place of a provider in the list of models, where a model is a chain of them."""


class Model(msgspec.Struct, frozen=True, gc=False):
    """A model that can be asked, as `GET /api/models` lists it."""

    id: str
    provider: str
    name: str
    embedded: bool
    default: bool


class _ModelList(NamedTuple):
    """What a provider has told of its models, or why it has not, and until when (monotonic seconds) that holds."""

    expires_at: float
    names: list[str]
    error: HeadraceError | None


class ModelRegistry:
    """All providers of a service.

    Args:
        providers: In the order of preference.
        default: The model that is asked where a request names none, as `provider/name` or an alias; None takes the
            first model of the first provider.
        nothing_reason: What to tell where no provider is set up.
        aliases: Chains of their models that have a name of their own.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        default: str | None,
        no_provider_reason: str,
        aliases: Sequence[Router] = (),
    ) -> None:
        self._providers: Mapping[str, Provider] = {provider.name: provider for provider in providers}
        self._aliases: Mapping[str, Router] = {alias.name: alias for alias in aliases}
        self._default = default
        self._no_provider_reason = no_provider_reason
        self._lists: dict[str, _ModelList] = {}
        self._refresh_locks: HubLocal[None, Mapping[str, RLock]] = HubLocal(
            lambda _: {name: RLock() for name in self._providers}
        )

    def __repr__(self) -> str:
        return f"<ModelRegistry of {', '.join(self._providers) or 'nothing'}>"

    def resolve(self, model: str | None, preferred: str | None = None) -> tuple[Provider, str]:
        """Return who answers for a model and what it calls it.

        Args:
            model: `provider/name`, an alias, or a name that a provider lists; None for the default.
            preferred: The provider to ask for a name that nobody lists.

        Raises:
            ModelNotFound: no provider of that name is set up, or none has the model.
            ModelUnavailable: no provider is set up at all.
        """
        if not self._providers:
            raise ModelUnavailable(self._no_provider_reason)
        wanted = self.default_model() if model is None else model
        if len(wanted) > MAX_MODEL_NAME_CHARS:
            raise ModelNotFound(
                f"No model {wanted[:50]!r}… is set up here: its name has {len(wanted)} characters, and {MAX_MODEL_NAME_CHARS} "
                "are the most."
            )
        if wanted in self._aliases:
            return self._aliases[wanted], wanted
        name, slash, rest = wanted.partition("/")
        if slash and rest and name in self._providers:
            return self._providers[name], rest
        if provider := self._provider_listing(wanted) or self._providers.get(preferred or ""):
            return provider, wanted
        offered = ", ".join([f"{provider}/…" for provider in self._providers])
        aliases = f", or one of {', '.join(self._aliases)}" if self._aliases else ""
        raise ModelNotFound(
            f"No model {wanted!r:.102} is set up here. Name one as provider/name, with one of {offered}{aliases}."
        )

    def model_id(self, provider: Provider, name: str) -> str:
        """Return a model as readers name it: `provider/name`, or its alias."""
        return name if self._aliases.get(name) is provider else f"{provider.name}/{name}"

    def _provider_listing(self, name: str) -> Provider | None:
        # The first time there is nothing else to go by; all are asked at once.
        gevent.joinall(
            [
                gevent.spawn(self._model_names, provider)
                for key, provider in self._providers.items()
                if key not in self._lists
            ]
        )
        return next((provider for provider in self._providers.values() if name in self._cached_names(provider)), None)

    def circuit_breakers(self) -> dict[str, CircuitBreaker]:
        """Return the circuit breakers of the models that stand in chains, by `provider/name`."""
        return {link.model: link.breaker for alias in self._aliases.values() for link in alias.chain}

    def default_model(self) -> str:
        """Return the model that is asked where a request names none, as `provider/name` or an alias.

        Raises:
            ModelUnavailable: no provider is set up, or the first does not tell which models it has.
        """
        if self._default is not None:
            return self._default
        for provider in self._providers.values():
            if names := self._cached_names(provider) or self._model_names(provider):
                return f"{provider.name}/{names[0]}"
            raise ModelUnavailable(
                f"{provider.name} does not tell which models it has: name one in HEADRACE_MODEL, as {provider.name}/…."
            )
        raise ModelUnavailable(self._no_provider_reason)

    def health_check(self) -> None:
        """Return if the default model can be asked.

        Raises:
            HeadraceError: it cannot; the message says why.
        """
        provider, _ = self.resolve(None)
        provider.health_check()
        if isinstance(provider, Router):
            return
        error = self._model_list(provider).error
        # Some servers have models and no list of them; one that is not there, or knows no such key, has none.
        if error is not None and (error.is_unspent and error.status in {401, 403, 502, 504, 529}):
            raise error

    def preload(self) -> None:
        """Import what the first request would have to wait for: SDKs take a second or two."""
        for provider in self._providers.values():
            provider.preload()
        pricing.warm_up()

    def models(self) -> list[Model]:
        """Return the aliases, then the models of all providers.

        Those of a provider that does not tell are left out, but for the default.
        """
        jobs = [gevent.spawn(self._model_names, provider) for provider in self._providers.values()]
        gevent.joinall(jobs)
        try:
            default = self.default_model()
            answering, wanted = self.resolve(default)
        except HeadraceError:
            default = ""
        found = [Model(alias, CHAIN_PROVIDER, alias, False, alias == default) for alias in self._aliases]
        found += [
            _model(provider, name, default)
            for provider, job in zip(self._providers.values(), jobs, strict=True)
            for name in job.value or ()
        ]
        if default and not any(model.default for model in found):
            found.insert(0, _model(answering, wanted, default))
        return found

    def _cached_names(self, provider: Provider) -> list[str]:
        # A question does not wait for what is only out of date.
        cached = self._lists.get(provider.name)
        if cached is None:
            return []
        if time.monotonic() >= cached.expires_at:
            self._lists[provider.name] = cached._replace(expires_at=time.monotonic() + MODEL_LIST_TIMEOUT)
            # With gevent's patches a greenlet; without them, a loop that goes on when this question's has its answer.
            threading.Thread(target=self._refresh, args=(provider, cached.names), daemon=True).start()
        return cached.names

    def _refresh(self, provider: Provider, cached: list[str]) -> _ModelList:
        self._lists[provider.name] = renewed = _fetch_model_list(provider, cached)
        return renewed

    def _model_names(self, provider: Provider) -> list[str]:
        return self._model_list(provider).names

    def _model_list(self, provider: Provider) -> _ModelList:
        # Where several ask at once, one of them (of each event loop) asks the provider.
        with self._refresh_locks.get(None)[provider.name]:
            cached = self._lists.get(provider.name)
            if cached is None or time.monotonic() >= cached.expires_at:
                cached = self._refresh(provider, cached.names if cached else [])
            return cached


def _fetch_model_list(provider: Provider, cached: list[str]) -> _ModelList:
    limit = ConnectTimeout(f"{provider.name} did not tell within {MODEL_LIST_TIMEOUT:g} s which models it has.")
    try:
        with within(MODEL_LIST_TIMEOUT, lambda: limit):
            return _ModelList(time.monotonic() + MODEL_LIST_TTL, provider.models(), None)
    except HeadraceError as error:
        return _ModelList(time.monotonic() + FAILURE_TTL, cached, error)
    except Exception as error:  # a mistake in a provider of an application's own is no reason to refuse all others
        log.exception("%s failed to tell which models it has", provider.name)
        return _ModelList(
            time.monotonic() + FAILURE_TTL,
            cached,
            UpstreamProtocolError(f"{provider.name} has no list: {redact(repr(error))}"),
        )


def _model(provider: Provider, name: str, default: str) -> Model:
    id = f"{provider.name}/{name}"  # noqa: A001  # the field's name
    return Model(id, provider.name, name, provider.is_embedded, id == default)
