"""A fallback chain in front of a fake upstream, with a reader that collects its events and usage."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from flask_headrace.core.errors import HeadraceError
from flask_headrace.core.events import AnswerRestarted, Event, ResponseStarted, TextDelta, Usage, terminal_reason
from flask_headrace.providers.anthropic.messages import AnthropicMessages
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.providers.fallback.circuit_breaker import CircuitBreaker
from flask_headrace.providers.fallback.policy import Deployment, Environment, FallbackPolicy
from flask_headrace.providers.fallback.router import Router
from flask_headrace.providers.openai.chat import OpenAIChat
from flask_headrace.providers.openai.server import Address
from flask_headrace.streaming import producer
from flask_headrace.streaming.context import StreamContext, StreamLimits
from flask_headrace.streaming.reader import StreamReader
from flask_headrace.streaming.session import StreamSession
from tests.support.event_loop import until
from tests.support.upstream import Upstream, anthropic_wire, openai_wire

WIRES = {"openai": openai_wire, "anthropic": anthropic_wire}
REQUEST = ChatRequest("", (Message("user", "x" * 40),))
UNLIMITED = StreamLimits(heartbeat=None, first_token=None, stall=None, duration=None, client=None)
POLICY: dict[str, Any] = {
    "max_retries": 0,
    "retry_budget": 20,
    "first_token_timeout": 10,
    "last_first_token_timeout": 10,
    "idle_timeout": 10,
}
"""Arguments of `FallbackPolicy` that tests do not set: no retries, and timeouts that suit a busy machine."""

SHORT_WAIT = 0.4
"""Seconds to wait in tests where the awaited token never comes."""


class Chain:
    """Models `a`, `b`, … of one upstream, as a router.

    Args:
        upstream: The fake upstream that serves all of them.
        models: Each as `openai/a`.
        deployments: Further arguments of a model's `Deployment`, by the model's id.
        breaker: Returns a new circuit breaker; called once for each model.
        environment: Clock, sleep and random numbers.
        policy: Arguments of `FallbackPolicy` that replace those of POLICY.
    """

    def __init__(
        self,
        upstream: Upstream,
        *models: str,
        deployments: dict[str, dict[str, Any]] | None = None,
        breaker: Callable[[], CircuitBreaker] = CircuitBreaker,
        environment: Environment = Environment(),  # noqa: B008  # a frozen value
        **policy: Any,
    ) -> None:
        self.upstream = upstream
        providers = {
            "openai": OpenAIChat("openai", lambda: Address(upstream.url + "/v1", "sk-test-0123")),
            "anthropic": AnthropicMessages("anthropic", base_url=upstream.url, api_key="sk-test-0123"),
            "gone": OpenAIChat("gone", lambda: Address("http://127.0.0.1:9/v1", "sk-test-0123")),
        }
        self.deployments = [
            Deployment(providers[provider], name, breaker(), **(deployments or {}).get(model, {}))
            for model in models
            for provider, _, name in [model.partition("/")]
        ]
        for provider in providers.values():
            # Importing an SDK takes longer than the timeouts of the tests.
            provider.preload()
        self.router = Router("smart", self.deployments, FallbackPolicy(**{**POLICY, **policy}), environment)

    def ask(self, question: ChatRequest = REQUEST) -> Reading:
        """Send a request through the chain and read the whole answer."""
        return Reading(self.router, question).read()

    def states(self) -> list[str]:
        """Return the state of each model's circuit breaker."""
        return [deployment.breaker.state for deployment in self.deployments]

    def requested_models(self) -> list[str]:
        """Return the names of the requested models, in the order of the upstream's requests."""
        return [request.name for request in self.upstream.requests()]


class Reading:
    """One request to a provider, its session, and the events that its reader receives."""

    def __init__(self, provider: Any, question: ChatRequest = REQUEST, limits: StreamLimits = UNLIMITED) -> None:
        context = StreamContext(provider.name, provider.name, provider.name, provider.pricing_provider, question.size())
        self.session = StreamSession(context, limits)
        self.reader = StreamReader(self.session)
        self.events: list[Event] = []
        self._ended: list[StreamSession] = []
        producer.start_producer(self.session, lambda: provider.stream(question), self._ended.append)

    def read(self, limit: float = 10.0) -> Reading:
        """Read to the end of the stream and wait until the upstream is closed."""
        with gevent.Timeout(limit, AssertionError("the answer has no end")):
            for events in self.reader:
                self.events += events
        until(lambda: self._ended)
        return self

    def read_until(self, text: str) -> Reading:
        """Read until the text contains `text`."""
        with gevent.Timeout(5, AssertionError(f"no {text!r} in {self.text!r}")):
            while text not in self.text:
                self.events += next(self.reader)
        return self

    def events_of_type(self, kind: type[Event]) -> Iterator[Any]:
        return (event for event in self.events if isinstance(event, kind))

    @property
    def text(self) -> str:
        """The text as a reader shows it that drops all text at an `AnswerRestarted`."""
        text = ""
        for event in self.events:
            if isinstance(event, AnswerRestarted):
                text = ""
            elif isinstance(event, TextDelta):
                text += event.text
        return text

    @property
    def started(self) -> ResponseStarted:
        return next(self.events_of_type(ResponseStarted))

    @property
    def usage(self) -> Usage:
        (usage,) = self.events_of_type(Usage)
        return usage

    @property
    def attempts(self) -> list[tuple[str, int, int]]:
        """The attempts that used tokens, as (model, input tokens, output tokens)."""
        return [(each.model, each.input_tokens, each.output_tokens) for each in self.usage.attempts]

    @property
    def end(self) -> str:
        """The finish reason, error code or cancel reason of the stream."""
        return terminal_reason(self.session.terminal)

    @property
    def error(self) -> HeadraceError | None:
        return self.session.error


def request_intervals(upstream: Upstream, name: str) -> list[float]:
    """Return the seconds between one model's requests at the upstream."""
    times = [request.arrived_at for request in upstream.requests(name)]
    return [later - earlier for earlier, later in itertools.pairwise(times)]
