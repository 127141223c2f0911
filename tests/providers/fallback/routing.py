"""A chain of models in front of an upstream, and a reader: what it gets, what it costs, what the models saw."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from flask_headrace.core.errors import HeadraceError
from flask_headrace.core.events import AnswerRestarted, Event, ResponseStarted, TextDelta, Usage
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
QUESTION = ChatRequest("", (Message("user", "x" * 40),))
UNLIMITED = StreamLimits(heartbeat=None, first_token=None, stall=None, duration=None, client=None)
TERMS: dict[str, Any] = {"retries": 0, "retry_budget": 20, "first_token": 10, "last_first_token": 10, "stall": 10}
"""Terms of a chain, where a test says nothing else: models are asked once, and a busy machine is waited for."""

BRIEFLY = 0.4
"""Seconds for which to wait for what does not come."""


class Chain:
    """Models `a`, `b`, … of one upstream, as a router.

    Args:
        upstream: Where they are asked.
        models: Each as `openai/a`.
        links: What is to be known of a model beside its name, by its name.
        breaker: Makes a breaker for each model.
        world: Clock, sleep and chance.
        terms: What is to differ from TERMS.
    """

    def __init__(
        self,
        upstream: Upstream,
        *models: str,
        links: dict[str, dict[str, Any]] | None = None,
        breaker: Callable[[], CircuitBreaker] = CircuitBreaker,
        world: Environment = Environment(),  # noqa: B008  # a frozen value
        **terms: Any,
    ) -> None:
        self.upstream = upstream
        providers = {
            "openai": OpenAIChat("openai", lambda: Address(upstream.url + "/v1", "sk-test-0123")),
            "anthropic": AnthropicMessages("anthropic", base_url=upstream.url, api_key="sk-test-0123"),
            "gone": OpenAIChat("gone", lambda: Address("http://127.0.0.1:9/v1", "sk-test-0123")),
        }
        self.links = [
            Deployment(providers[provider], name, breaker(), **(links or {}).get(model, {}))
            for model in models
            for provider, _, name in [model.partition("/")]
        ]
        for provider in providers.values():
            # The import of an SDK takes longer than a model may here.
            provider.preload()
        self.router = Router("smart", self.links, FallbackPolicy(**{**TERMS, **terms}), world)

    def ask(self, question: ChatRequest = QUESTION) -> Reading:
        """Ask it, and read the whole answer."""
        return Reading(self.router, question).read()

    def states(self) -> list[str]:
        """Return the states of the models' breakers."""
        return [link.breaker.state for link in self.links]

    def asked(self) -> list[str]:
        """List the models in the order in which the upstream was asked for them."""
        return [request.name for request in self.upstream.requests()]


class Reading:
    """One question to a provider, its session, and what the reader gets."""

    def __init__(self, provider: Any, question: ChatRequest = QUESTION, limits: StreamLimits = UNLIMITED) -> None:
        target = StreamContext(provider.name, provider.name, provider.name, provider.pricing_provider, question.size())
        self.session = StreamSession(target, limits)
        self.follower = StreamReader(self.session)
        self.events: list[Event] = []
        self._ended: list[StreamSession] = []
        producer.start_producer(self.session, lambda: provider.stream(question), self._ended.append)

    def read(self, limit: float = 10.0) -> Reading:
        """Read to the end, and until the upstream is closed."""
        with gevent.Timeout(limit, AssertionError("the answer has no end")):
            for events in self.follower:
                self.events += events
        until(lambda: self._ended)
        return self

    def read_until(self, text: str) -> Reading:
        """Read until that stands in the text."""
        with gevent.Timeout(5, AssertionError(f"no {text!r} in {self.text!r}")):
            while text not in self.text:
                self.events += next(self.follower)
        return self

    def of(self, kind: type[Event]) -> Iterator[Any]:
        return (event for event in self.events if isinstance(event, kind))

    @property
    def text(self) -> str:
        """The text as a reader has it that knows what `AnswerRestarted` means."""
        text = ""
        for event in self.events:
            if isinstance(event, AnswerRestarted):
                text = ""
            elif isinstance(event, TextDelta):
                text += event.text
        return text

    @property
    def started(self) -> ResponseStarted:
        return next(self.of(ResponseStarted))

    @property
    def usage(self) -> Usage:
        (usage,) = self.of(Usage)
        return usage

    @property
    def attempts(self) -> list[tuple[str, int, int]]:
        """The attempts that cost something: model, tokens read and written."""
        return [(each.model, each.input_tokens, each.output_tokens) for each in self.usage.attempts]

    @property
    def end(self) -> str:
        """How it ended, in one word."""
        return self.session.reason

    @property
    def error(self) -> HeadraceError | None:
        return self.session.error


def gaps(upstream: Upstream, name: str) -> list[float]:
    """Return the seconds between a model's requests."""
    times = [request.arrived_at for request in upstream.requests(name)]
    return [later - earlier for earlier, later in itertools.pairwise(times)]
