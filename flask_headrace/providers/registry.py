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
from .http.time_limit import limit_time
from .redaction import shown

log = logging.getLogger("flask_headrace")

LIST_LIFE = 300.0
"""Seconds for which a provider's list of models is remembered."""

LIST_LIMIT = 4.0
"""Seconds in which a provider must have told its list."""

FAILURE_LIFE = 10.0
"""Seconds for which it is remembered that a provider did not tell its list."""


LONGEST_NAME = 256
"""Characters of a model's name. Logs and metrics keep it."""

CHAIN = "chain"
"""What stands in place of a provider in the list of models, where a model is a chain of them."""


class Model(msgspec.Struct, frozen=True, gc=False):
    """A model that can be asked, as `GET /api/models` lists it."""

    id: str
    provider: str
    name: str
    embedded: bool
    default: bool


class _List(NamedTuple):
    """What a provider has told of its models, or why it has not, and until when (monotonic seconds) that holds."""

    until: float
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
        nothing_reason: str,
        aliases: Sequence[Router] = (),
    ) -> None:
        self._providers: Mapping[str, Provider] = {provider.name: provider for provider in providers}
        self._aliases: Mapping[str, Router] = {alias.name: alias for alias in aliases}
        self._default = default
        self._nothing_reason = nothing_reason
        self._lists: dict[str, _List] = {}
        self._asking: HubLocal[None, Mapping[str, RLock]] = HubLocal(
            lambda _: {name: RLock() for name in self._providers}
        )

    def __repr__(self) -> str:
        return f"<Catalogue of {', '.join(self._providers) or 'nothing'}>"

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
            raise ModelUnavailable(self._nothing_reason)
        wanted = self.default() if model is None else model
        if len(wanted) > LONGEST_NAME:
            raise ModelNotFound(
                f"No model {wanted[:50]!r}… is set up here: its name has {len(wanted)} characters, and {LONGEST_NAME} "
                "are the most."
            )
        if wanted in self._aliases:
            return self._aliases[wanted], wanted
        name, slash, rest = wanted.partition("/")
        if slash and rest and name in self._providers:
            return self._providers[name], rest
        if provider := self._lister_of(wanted) or self._providers.get(preferred or ""):
            return provider, wanted
        offered = ", ".join([f"{provider}/…" for provider in self._providers])
        aliases = f", or one of {', '.join(self._aliases)}" if self._aliases else ""
        raise ModelNotFound(
            f"No model {wanted!r:.102} is set up here. Name one as provider/name, with one of {offered}{aliases}."
        )

    def id_of(self, provider: Provider, name: str) -> str:
        """Return a model as readers name it: `provider/name`, or its alias."""
        return name if self._aliases.get(name) is provider else f"{provider.name}/{name}"

    def _lister_of(self, name: str) -> Provider | None:
        # The first time there is nothing else to go by; all are asked at once.
        gevent.joinall(
            [gevent.spawn(self._names, provider) for key, provider in self._providers.items() if key not in self._lists]
        )
        return next((provider for provider in self._providers.values() if name in self._remembered(provider)), None)

    def breakers(self) -> dict[str, CircuitBreaker]:
        """Return the circuit breakers of the models that stand in chains, by `provider/name`."""
        return {link.model: link.breaker for alias in self._aliases.values() for link in alias.chain}

    def default(self) -> str:
        """Return the model that is asked where a request names none, as `provider/name` or an alias.

        Raises:
            ModelUnavailable: no provider is set up, or the first does not tell which models it has.
        """
        if self._default is not None:
            return self._default
        for provider in self._providers.values():
            if names := self._remembered(provider) or self._names(provider):
                return f"{provider.name}/{names[0]}"
            raise ModelUnavailable(
                f"{provider.name} does not tell which models it has: name one in HEADRACE_MODEL, as {provider.name}/…."
            )
        raise ModelUnavailable(self._nothing_reason)

    def health_check(self) -> None:
        """Return if the default model can be asked.

        Raises:
            HeadraceError: it cannot; the message says why.
        """
        provider, _ = self.resolve(None)
        provider.health_check()
        if isinstance(provider, Router):
            return
        error = self._list(provider).error
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
        jobs = [gevent.spawn(self._names, provider) for provider in self._providers.values()]
        gevent.joinall(jobs)
        try:
            default = self.default()
            answering, wanted = self.resolve(default)
        except HeadraceError:
            default = ""
        found = [Model(alias, CHAIN, alias, False, alias == default) for alias in self._aliases]
        found += [
            _model(provider, name, default)
            for provider, job in zip(self._providers.values(), jobs, strict=True)
            for name in job.value or ()
        ]
        if default and not any(model.default for model in found):
            found.insert(0, _model(answering, wanted, default))
        return found

    def _remembered(self, provider: Provider) -> list[str]:
        # A question does not wait for what is only out of date.
        known = self._lists.get(provider.name)
        if known is None:
            return []
        if time.monotonic() >= known.until:
            self._lists[provider.name] = known._replace(until=time.monotonic() + LIST_LIMIT)
            # With gevent's patches a greenlet; without them, a loop that goes on when this question's has its answer.
            threading.Thread(target=self._renew, args=(provider, known.names), daemon=True).start()
        return known.names

    def _renew(self, provider: Provider, known: list[str]) -> _List:
        self._lists[provider.name] = renewed = _ask(provider, known)
        return renewed

    def _names(self, provider: Provider) -> list[str]:
        return self._list(provider).names

    def _list(self, provider: Provider) -> _List:
        # Where several ask at once, one of them (of each event loop) asks the provider.
        with self._asking.get(None)[provider.name]:
            known = self._lists.get(provider.name)
            if known is None or time.monotonic() >= known.until:
                known = self._renew(provider, known.names if known else [])
            return known


def _ask(provider: Provider, known: list[str]) -> _List:
    limit = ConnectTimeout(f"{provider.name} did not tell within {LIST_LIMIT:g} s which models it has.")
    try:
        with limit_time(LIST_LIMIT, lambda: limit):
            return _List(time.monotonic() + LIST_LIFE, provider.models(), None)
    except HeadraceError as error:
        return _List(time.monotonic() + FAILURE_LIFE, known, error)
    except Exception as error:  # a mistake in a provider of an application's own is no reason to refuse all others
        log.exception("%s failed to tell which models it has", provider.name)
        return _List(
            time.monotonic() + FAILURE_LIFE,
            known,
            UpstreamProtocolError(f"{provider.name} has no list: {shown(repr(error))}"),
        )


def _model(provider: Provider, name: str, default: str) -> Model:
    id = f"{provider.name}/{name}"  # noqa: A001  # the field's name
    return Model(id, provider.name, name, provider.is_embedded, id == default)
