"""Builds a router for each model alias of the file of HEADRACE_CONFIG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ..providers.base import Provider
from ..providers.fallback.circuit_breaker import CircuitBreaker
from ..providers.fallback.policy import Deployment, Environment, FallbackPolicy
from ..providers.fallback.router import Router
from ..settings import Settings
from .config_file import Alias, Config


def build_routers(config: Config, providers: Mapping[str, Provider], settings: Settings) -> list[Router]:
    """Return a router for each alias, in the order of the file.

    Args:
        config: The file.
        providers: The providers that are set up, by name.
        settings: The settings; their timeouts limit those of the aliases.

    Raises:
        ConfigurationError: a chain names a provider that is not set up.
    """
    breakers: defaultdict[str, CircuitBreaker] = defaultdict(CircuitBreaker)
    routers = []
    for name, alias in config.models.items():
        for model in alias.chain:
            if (provider := model.partition("/")[0]) not in providers:
                raise config.error(f"models.{name}", f"chain names {model!r}, and {_unknown(provider, providers)}")
        deployments = [_deployment(alias, number, providers, breakers) for number in range(len(alias.chain))]
        routers.append(Router(name, deployments, _policy(alias, settings), Environment()))
    return routers


def _unknown(provider: str, providers: Mapping[str, Provider]) -> str:
    names = ", ".join(providers) or "none"
    return f"no provider {provider!r} is set up: set its key, or name one of those that are ({names})."


def _deployment(
    alias: Alias, number: int, providers: Mapping[str, Provider], breakers: Mapping[str, CircuitBreaker]
) -> Deployment:
    model = alias.chain[number]
    provider, _, name = model.partition("/")
    return Deployment(
        providers[provider],
        name,
        breakers[model],
        weight=alias.weights[number] if alias.weights else 1.0,
        context_window=alias.context.get(model),
        supports_prefill=model in alias.continues,
    )


def _policy(alias: Alias, settings: Settings) -> FallbackPolicy:
    longest = settings.first_token_timeout
    return FallbackPolicy(
        max_retries=alias.retries,
        retry_budget=alias.retry_budget,
        first_token_timeout=alias.first_token_timeout if longest is None else min(alias.first_token_timeout, longest),
        last_first_token_timeout=longest,
        idle_timeout=settings.stall_timeout,
        on_divergence=alias.on_divergence,
        is_weighted=bool(alias.weights),
    )
