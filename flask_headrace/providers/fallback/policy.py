"""A chain of models: which they are, and on which terms they are asked. Values."""

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
    """One model of a chain.

    Args:
        provider: Who is asked.
        name: What the provider calls the model.
        breaker: Keeps questions away from it while it fails; one for the model, whichever chains it stands in.
        weight: How often it is asked first, beside the others' weights.
        context: Tokens that it can hold; None where that is not known.
        continues: Whether it goes on with an answer whose beginning stands at the question's end.
    """

    provider: Provider
    name: str
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    weight: float = 1.0
    context_window: int | None = None
    supports_prefill: bool = False

    @property
    def model(self) -> str:
        """The model as readers name it: `provider/name`."""
        return f"{self.provider.name}/{self.name}"


@dataclass(frozen=True, slots=True)
class FallbackPolicy:
    """How the models of a chain are asked.

    Args:
        retries: How often a model is asked again before its first token.
        retry_budget: Seconds that all attempts before one token may take together.
        first_token: Seconds to a model's first token where another one can take over; None for ever.
        last_first_token: Seconds to it where none can; None for ever.
        stall: Seconds that a model may be silent after that; None for ever.
        on_divergence: What becomes of an answer that broke off where the next model tells it otherwise: it is begun
            again, or it fails.
        is_weighted: Whether the first to be asked is drawn by weight.
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
    """What a chain takes from outside: the time, a way to let it pass, and chance.

    Args:
        clock: Gives the time in seconds, which never goes back.
        sleep: Waits for so many seconds.
        chance: Gives a number from 0 to 1.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = gevent.sleep
    random: Callable[[], float] = random
