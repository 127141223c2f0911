"""The registry of providers and aliases: finds the provider of a model, and lists all models."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import gevent
import msgspec
from gevent.lock import RLock
from msgspec.structs import replace

from ..core import pricing
from ..core.errors import HeadraceError, ModelNotFound, ModelUnavailable
from .base import Provider
from .fallback.circuit_breaker import CircuitBreaker
from .fallback.router import Router
from .http.hub_local import HubLocal
from .model_info import ModelInfo, chain_model_info, complete_model_info
from .model_lists import MODEL_LIST_TIMEOUT, ModelList, fetch_model_list
from .reasoning_efforts import Efforts

log = logging.getLogger("flask_headrace")

MAX_MODEL_NAME_CHARS = 256
"""Maximum length of a model id in a request: logs and metrics contain it."""

CHAIN_PROVIDER = "chain"
"""The `provider` of an alias in the list of models: an alias names a chain of models."""


class Model(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One available model, as `GET /api/models` lists it: without what is unknown. See `ModelInfo`."""

    id: str
    provider: str
    name: str
    embedded: bool
    default: bool
    display_name: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: Mapping[str, bool] = {}
    reasoning_efforts: Efforts | None = None
    anthropic_capabilities: Mapping[str, Any] | None = None


class ModelRegistry:
    """All configured providers and aliases. Finds the provider of a model.

    Args:
        providers: The providers, in the order of preference.
        default: The model for requests that name none, as `provider/name` or an alias; None for the first model of the
            first provider.
        no_provider_reason: The message of the error that is raised if there is no provider.
        aliases: Routers, each of which is a chain of models with a name of its own.
        configured_models: What the operator says about models, by `provider/name`; None for nothing.
    """

    is_scripted = False
    """Whether a test has replaced the providers."""

    def __init__(
        self,
        providers: Sequence[Provider],
        default: str | None,
        no_provider_reason: str,
        aliases: Sequence[Router] = (),
        configured_models: Mapping[str, ModelInfo] | None = None,
    ) -> None:
        self._providers: Mapping[str, Provider] = {provider.name: provider for provider in providers}
        self._aliases: Mapping[str, Router] = {alias.name: alias for alias in aliases}
        self._configured_models = configured_models or {}
        self._default = default
        self._no_provider_reason = no_provider_reason
        self._lists: dict[str, ModelList] = {}
        self._refresh_locks: HubLocal[None, Mapping[str, RLock]] = HubLocal(
            lambda _: {name: RLock() for name in self._providers}
        )

    def __repr__(self) -> str:
        return f"<ModelRegistry of {', '.join(self._providers) or 'nothing'}>"

    def resolve(self, model: str | None, preferred: str | None = None) -> tuple[Provider, str]:
        """Return the provider of a model, and the provider's own name of it.

        Args:
            model: `provider/name`, an alias, or a name in a provider's list of models; None for the default model.
            preferred: Name of the provider to use for a model name that is in no list; None for no such provider.

        Raises:
            ModelNotFound: no provider of that name is configured, or none lists the model.
            ModelUnavailable: no provider is configured at all.
        """
        if not self._providers:
            raise ModelUnavailable(self._no_provider_reason)
        wanted = self.default_model() if model is None else model
        if len(wanted) > MAX_MODEL_NAME_CHARS:
            raise ModelNotFound(
                f"No model {wanted[:50]!r}… is set up here: the name has {len(wanted)} characters, and "
                f"{MAX_MODEL_NAME_CHARS} are the maximum."
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
        """Return the id of a provider's model for clients: `provider/name`, or the alias."""
        return name if self._aliases.get(name) is provider else f"{provider.name}/{name}"

    def _provider_listing(self, name: str) -> Provider | None:
        # All lists that were never fetched are fetched at the same time.
        gevent.joinall(
            [
                gevent.spawn(self._model_names, provider)
                for key, provider in self._providers.items()
                if key not in self._lists
            ]
        )
        return next((provider for provider in self._providers.values() if name in self._cached_names(provider)), None)

    def reasoning_efforts(self, provider: Provider, name: str) -> Efforts | None:
        """Return the reasoning efforts that a model takes, empty for one that does not reason; None if unknown.

        Args:
            provider: The provider, or the router of an alias.
            name: The provider's own name of the model, or the alias.
        """
        is_alias = self._aliases.get(name) is provider
        return (self._alias_info(name) if is_alias else self._model_info(provider, name)).reasoning_efforts

    def circuit_breakers(self) -> dict[str, CircuitBreaker]:
        """Return the circuit breakers of all models that are in chains, by model id (`provider/name`)."""
        return {deployment.model: deployment.breaker for alias in self._aliases.values() for deployment in alias.chain}

    def default_model(self) -> str:
        """Return the id of the model for requests that name none: `provider/name` or an alias.

        Raises:
            ModelUnavailable: no provider is configured, or the first one did not return its list of models.
        """
        if self._default is not None:
            return self._default
        for provider in self._providers.values():
            if names := self._cached_names(provider) or self._model_names(provider):
                return f"{provider.name}/{names[0]}"
            raise ModelUnavailable(
                f"{provider.name} did not return its list of models: set HEADRACE_MODEL to one, as {provider.name}/…."
            )
        raise ModelUnavailable(self._no_provider_reason)

    def health_check(self) -> None:
        """Return if the default model can accept requests.

        Raises:
            HeadraceError: the default model cannot; the message says why.
        """
        provider, _ = self.resolve(None)
        provider.health_check()
        if isinstance(provider, Router):
            return
        error = self._model_list(provider).error
        # Some servers have models but no list of them: only a server that is unreachable or rejects the key fails.
        if error is not None and (error.has_no_usage and error.status in {401, 403, 502, 504, 529}):
            raise error

    def preload(self) -> None:
        """Import the SDKs and prices that the first request needs; importing an SDK takes a second or two."""
        for provider in self._providers.values():
            provider.preload()
        pricing.preload()

    def models(self) -> list[Model]:
        """Return the aliases, then the models of all providers.

        The models of a provider that does not return its list are missing, except for the default model.
        """
        jobs = [gevent.spawn(self._model_names, provider) for provider in self._providers.values()]
        gevent.joinall(jobs)
        try:
            default = self.default_model()
            resolved = self.resolve(default)
        except HeadraceError:
            default, resolved = "", None
        found = [_model(alias, CHAIN_PROVIDER, self._alias_info(alias), default) for alias in self._aliases]
        found += [
            self._listed_model(provider, name, default)
            for provider, job in zip(self._providers.values(), jobs, strict=True)
            for name in job.value or ()
        ]
        if resolved is not None and not any(model.default for model in found):
            found.insert(0, self._listed_model(*resolved, default))
        return found

    def _listed_model(self, provider: Provider, name: str, default: str) -> Model:
        info = self._model_info(provider, name)
        return _model(f"{provider.name}/{name}", provider.name, info, default, is_embedded=provider.is_embedded)

    def _model_info(self, provider: Provider, name: str) -> ModelInfo:
        cached = self._lists.get(provider.name)
        listed = cached.models.get(name) if cached else None
        configured = self._configured_models.get(f"{provider.name}/{name}")
        return complete_model_info(listed or ModelInfo(name), configured)

    def _alias_info(self, alias: str) -> ModelInfo:
        chain = []
        for deployment in self._aliases[alias].chain:
            info = self._model_info(deployment.provider, deployment.name)
            chain.append(replace(info, context_window=deployment.context_window or info.context_window))
        return chain_model_info(alias, chain)

    def _cached_names(self, provider: Provider) -> list[str]:
        # A request never waits for the renewal of an expired list.
        cached = self._lists.get(provider.name)
        if cached is None:
            return []
        if time.monotonic() >= cached.expires_at:
            self._lists[provider.name] = cached._replace(expires_at=time.monotonic() + MODEL_LIST_TIMEOUT)
            # A greenlet if gevent is patched; else a thread, since this request's event loop may end earlier.
            threading.Thread(target=self._refresh, args=(provider, cached.models), daemon=True).start()
        return cached.names

    def _refresh(self, provider: Provider, cached: Mapping[str, ModelInfo]) -> ModelList:
        self._lists[provider.name] = renewed = fetch_model_list(provider, cached)
        return renewed

    def _model_names(self, provider: Provider) -> list[str]:
        return self._model_list(provider).names

    def _model_list(self, provider: Provider) -> ModelList:
        # Of several concurrent callers in one event loop, only the first fetches the list.
        with self._refresh_locks.get(None)[provider.name]:
            cached = self._lists.get(provider.name)
            if cached is None or time.monotonic() >= cached.expires_at:
                cached = self._refresh(provider, cached.models if cached else {})
            return cached


def _model(id: str, provider: str, info: ModelInfo, default: str, *, is_embedded: bool = False) -> Model:  # noqa: A002
    known = {name: getattr(info, name) for name in ModelInfo.__struct_fields__ if name != "name"}
    return Model(id, provider, info.name, is_embedded, id == default, **known)
