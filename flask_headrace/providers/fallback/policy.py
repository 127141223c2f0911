"""The configuration of a fallback chain: its deployments, its policy, and its environment. Values."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import random
from typing import Literal

import gevent

from ..base import Provider
from .circuit_breaker import CircuitBreaker


@dataclass(frozen=True, slots=True)
class Deployment:
    """One model of a chain, at one provider.

    Args:
        provider: Receives the requests.
        name: The provider's own name of the model.
        breaker: The circuit breaker of the model; shared by all chains that contain the model.
        weight: How often the model is tried first, relative to the weights of the others.
        context_window: Tokens of input that the model accepts; None if unknown.
        supports_prefill: Whether the model continues an assistant message at the end of the conversation.
    """

    provider: Provider
    name: str
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    weight: float = 1.0
    context_window: int | None = None
    supports_prefill: bool = False

    @property
    def model(self) -> str:
        """The model's id for clients: `provider/name`."""
        return f"{self.provider.name}/{self.name}"


@dataclass(frozen=True, slots=True)
class FallbackPolicy:
    """How the models of a chain are tried.

    Args:
        max_retries: How often the same model is tried again, if it failed before its first token.
        retry_budget: Seconds that all attempts together may take before the first token.
        first_token_timeout: Seconds to the first token of a model that is not the last; None for no limit.
        last_first_token_timeout: Seconds to the first token of the last model; None for no limit.
        idle_timeout: Seconds between two tokens; None for no limit.
        on_divergence: If an answer broke off and the next model's answer differs: `restart` replaces the answer,
            `fail` ends the stream with an error.
        is_weighted: Whether the model that is tried first is drawn by weight.
    """

    max_retries: int = 2
    retry_budget: float = 30.0
    first_token_timeout: float | None = 12.0
    last_first_token_timeout: float | None = 60.0
    idle_timeout: float | None = 60.0
    on_divergence: Literal["restart", "fail"] = "restart"
    is_weighted: bool = False


@dataclass(frozen=True, slots=True)
class Environment:
    """The side effects of a fallback run, replaceable in tests.

    Args:
        clock: Returns a monotonic time in seconds.
        sleep: Waits for a number of seconds.
        random: Returns a random number from 0 to 1.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = gevent.sleep
    random: Callable[[], float] = random
