"""The contract tests of the built-in providers, with odd and broken answers, in addition to `testing.ProviderContract`.

A provider's test class inherits these tests and sets `wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import ClassVar

import gevent
import pytest

from flask_headrace import testing
from flask_headrace.core.errors import UpstreamError
from flask_headrace.core.events import (
    Completed,
    Event,
    Failed,
    ProviderEvent,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.providers.base import Provider
from flask_headrace.providers.chat_request import ChatRequest, Message
from tests.support.event_loop import until
from tests.support.upstream import (
    WIRES,
    Chunk,
    Gate,
    Hang,
    Head,
    Reasoning,
    Tokens,
    ToolCall,
    Upstream,
    addresses,
    cuts,
    faults,
    oddities,
    plain,
    script,
)

KEY = "sk-test-0123456789abcdef"
MESSAGES = (Message("system", "Be brief."), Message("user", "hi"))


COMPLETE_DESPITE_FAULT = {"shorter than its content-length"}
"""Answers that violate HTTP after the answer itself was complete."""


def common_names(collection) -> list[str]:
    """Return the names of the scripts that `collection` has for every wire."""
    return sorted(set.intersection(*(set(collection(wire)) for wire in WIRES)))


def ask(provider: Provider) -> Iterator[list[Event]]:
    return provider.stream(ChatRequest("m", MESSAGES))


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def is_partial_usage(event: Event) -> bool:
    """Whether an event is an estimated `Usage`, which a provider may send at any time."""
    return isinstance(event, Usage) and event.estimated


class ReceivedAnswer:
    """A whole answer: its events, and the error that ended it, or None."""

    def __init__(self, provider: Provider) -> None:
        self.batches: list[list[Event]] = []
        self.error: UpstreamError | None = None
        try:
            self.batches.extend(self._collected(ask(provider)))
        except UpstreamError as error:
            self.error = error
        check = testing.check_answer if self.error is None else testing.check_beginning
        check(self.batches)
        self.events = [event for batch in self.batches for event in batch if not is_partial_usage(event)]
        self.text = text_of(self.events)

    def _collected(self, batches: Iterator[list[Event]]) -> Iterator[list[Event]]:
        for batch in batches:
            self.batches.append(batch)
        yield from ()


class ProviderContract(testing.ProviderContract):
    """The contract. `make` returns the provider for an upstream's URL; `wire` encodes answers in its protocol."""

    wire: ClassVar[ModuleType]

    def __init_subclass__(cls) -> None:
        assert cls.wire in WIRES, f"Add {cls.wire.__name__} to WIRES in tests/support/upstream/server.py."

    def make(self, url: str) -> Provider:
        raise NotImplementedError

    @pytest.fixture
    def provider(self, own_upstream: Upstream) -> Provider:
        return self.make(own_upstream.url)

    @pytest.fixture
    def answering(self, own_upstream: Upstream) -> Provider:
        called = (ToolCall("c1", "find", ('{"q":', ' "ö🌊"}')), ToolCall("c2", "now", ()))
        answer = self.wire.answer(Reasoning("hm"), "Hel", "lo ö🌊", *called, finish=self.wire.FINISHES[2])
        own_upstream.answer("m", answer)
        return self.make(own_upstream.url)

    @pytest.fixture
    def failing(self, own_upstream: Upstream) -> Provider:
        own_upstream.answer("m", self.wire.failing_after(2))
        return self.make(own_upstream.url)

    @pytest.fixture
    def silent(self, own_upstream: Upstream) -> Provider:
        own_upstream.answer("m", self.wire.answer("one", Gate("never"), "two"))
        return self.make(own_upstream.url)

    @pytest.fixture
    def open_answers(self, own_upstream: Upstream) -> Callable[[], int]:
        return lambda: sum(request.ended is None for request in own_upstream.requests("m"))

    def receive(self, upstream: Upstream, provider: Provider, answer) -> ReceivedAnswer:
        upstream.answer("m", answer)
        return ReceivedAnswer(provider)

    # The answer

    def test_does_not_tell_its_key(self, provider) -> None:
        assert KEY not in repr(provider)

    def test_yields_deltas_in_order_then_usage_then_done(self, own_upstream, provider) -> None:
        answer = self.wire.answer(Reasoning("hm"), "Hel", "lo ö🌊", usage=Tokens(9, 3))
        heard = self.receive(own_upstream, provider, answer)
        *deltas, usage, done = heard.events
        deltas = [event for event in deltas if not isinstance(event, (ReasoningSignature, ProviderEvent))]
        assert deltas == [ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo ö🌊")]
        assert isinstance(usage, Usage)
        assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (9, 3, False)
        assert done == Completed("stop")
        assert heard.batches[-1][-2:] == [usage, done]

    def test_yields_each_tool_call_piece_by_piece_and_then_whole(self, own_upstream, provider) -> None:
        called = (ToolCall("c1", "find", ('{"q":', ' "ö🌊"}')), ToolCall("c2", "now", ()))
        heard = self.receive(own_upstream, provider, self.wire.answer("Well.", *called, finish=self.wire.FINISHES[2]))
        *events, _usage, done = heard.events
        assert done == Completed("tool_calls")
        assert [event for event in events if getattr(event, "index", None) == 0] == [
            ToolCallStarted(0, "c1", "find"),
            ToolCallDelta(0, '{"q":'),
            ToolCallDelta(0, ' "ö🌊"}'),
            ToolCallCompleted(0, {"q": "ö🌊"}),
        ]
        assert [event for event in events if getattr(event, "index", None) == 1] == [
            ToolCallStarted(1, "c2", "now"),
            ToolCallCompleted(1, {}),
        ]

    @pytest.mark.parametrize("arguments", ['{"q": ', "[1]", '{"q": tr}', "nothing"])
    def test_a_call_whose_arguments_are_no_object_is_a_failure_with_its_usage(
        self, own_upstream, provider, arguments: str
    ) -> None:
        answer = self.wire.answer(ToolCall("c1", "find", (arguments,)), finish=self.wire.FINISHES[1])
        *_, usage, failed = self.receive(own_upstream, provider, answer).events
        assert isinstance(usage, Usage)
        assert isinstance(failed, Failed)
        assert failed.code == "tool_arguments_invalid"
        assert "'find'" in failed.message

    def test_yields_a_token_before_the_next_one_exists(self, own_upstream, provider) -> None:
        own_upstream.answer("m", self.wire.answer("one", Gate("two"), "two"))
        batches = ask(provider)
        got: list[Event] = []
        while not got:
            got += [event for event in next(batches) if not is_partial_usage(event)]
        assert got == [TextDelta("one")]
        own_upstream.open_gate("two")
        assert text_of([event for batch in batches for event in batch]) == "two"

    @pytest.mark.parametrize("name", common_names(oddities.odd))
    def test_understands_an_answer_that_looks_odd(self, own_upstream, provider, name: str) -> None:
        heard = self.receive(own_upstream, provider, oddities.odd(self.wire)[name])
        assert heard.error is None
        assert heard.text == oddities.TEXT
        assert heard.events[-1] == Completed("stop")

    @pytest.mark.parametrize("size", [1, 2, 7, 100, 1000])
    def test_understands_an_answer_however_it_is_cut(self, own_upstream, provider, size: int) -> None:
        answer = self.wire.answer("Hel", "lo ö🌊")
        heard = self.receive(own_upstream, provider, cuts.cut(cuts.raw(answer), size))
        assert (heard.error, heard.text) == (None, "Hello ö🌊")

    def test_asks_on_the_same_connection_again(self, own_upstream, provider) -> None:
        for _ in range(3):
            assert self.receive(own_upstream, provider, self.wire.answer("Hel", "lo")).text == "Hello"
        assert own_upstream.connections.accepted == 1

    def test_does_not_wait_for_a_connection_that_stays_open_behind_the_end(self, own_upstream, provider) -> None:
        *steps, last = self.wire.answer("Hello").steps
        with gevent.Timeout(5):
            heard = self.receive(own_upstream, provider, script(*steps, Chunk(last.data), Hang()))
        assert heard.text == "Hello"
        until(lambda: own_upstream.requests("m")[0].closed)

    # Failures

    @pytest.mark.parametrize("name", sorted(set(common_names(faults.broken)) - COMPLETE_DESPITE_FAULT))
    def test_tells_of_an_answer_that_is_broken(self, own_upstream, provider, name: str) -> None:
        broken = faults.broken(self.wire)[name]
        heard = self.receive(own_upstream, provider, broken)
        assert isinstance(heard.error, UpstreamError)
        assert not any(isinstance(event, Completed) for event in heard.events)
        assert "<" not in heard.error.message
        assert heard.text == text_of(heard.events)
        assert "Hello world".startswith(heard.text) or heard.text == "0 1 "
        until(lambda: all(request.ended for request in own_upstream.requests()))

    @pytest.mark.parametrize("name", sorted(COMPLETE_DESPITE_FAULT))
    def test_takes_an_answer_for_whole_that_has_said_so(self, own_upstream, provider, name: str) -> None:
        heard = self.receive(own_upstream, provider, faults.broken(self.wire)[name])
        assert (heard.error, heard.events[-1]) == (None, Completed("stop"))

    @pytest.mark.parametrize("way", ["closed", "reset", "half-closed", "ended"])
    def test_yields_what_came_before_the_answer_broke(self, own_upstream, provider, way: str) -> None:
        assert self.receive(own_upstream, provider, faults.broken(self.wire)[f"{way} in a frame"]).text == "Hello"

    @pytest.mark.parametrize("name", common_names(faults.refusals))
    def test_tells_of_a_refusal(self, own_upstream, provider, name: str) -> None:
        heard = self.receive(own_upstream, provider, faults.refusals(self.wire)[name])
        assert heard.events == []
        assert name[:3] in heard.error.message
        assert 400 <= heard.error.status < 600
        assert "<" not in heard.error.message
        assert KEY not in heard.error.message
        assert len(own_upstream.requests("m")) == 1

    def test_tells_of_an_upstream_that_is_not_there(self) -> None:
        with addresses.refusing() as url:
            assert ReceivedAnswer(self.make(url)).error.code == "upstream_unreachable"

    # Cancellation

    @pytest.mark.parametrize("name", common_names(faults.silent))
    def test_killing_the_greenlet_closes_an_upstream_that_is(self, own_upstream, provider, name: str) -> None:
        own_upstream.answer("m", faults.silent(self.wire)[name])
        greenlet = gevent.spawn(ReceivedAnswer, provider)
        until(lambda: own_upstream.requests("m"))
        gevent.sleep(0.02)
        assert own_upstream.requests("m")[0].ended is None
        greenlet.kill()
        until(lambda: own_upstream.requests("m")[0].closed)

    def test_killing_the_greenlet_closes_an_upstream_that_is_in_the_middle_of_a_refusal(
        self, own_upstream, provider
    ) -> None:
        own_upstream.answer("m", script(Head(500, (("content-type", "application/json"),)), Gate("never")))
        greenlet = gevent.spawn(ReceivedAnswer, provider)
        until(lambda: own_upstream.requests("m")[0].at_gate)
        greenlet.kill()
        until(lambda: own_upstream.requests("m")[0].closed)

    # Attributes

    def test_lists_its_models(self, own_upstream, provider) -> None:
        own_upstream.models = ["b", "a", "preferred"]
        found = provider.models()
        assert found[0] == "preferred"
        assert set(found) == {"b", "a", "preferred"}

    @pytest.mark.parametrize(
        "answer",
        [plain.html(502), plain.html(200), plain.empty(500), plain.json_body([1]), plain.json_body({"data": [{}]})],
    )
    def test_tells_where_it_cannot_list_them(self, own_upstream, provider, answer) -> None:
        own_upstream.answer("GET /v1/models", answer)
        with pytest.raises(UpstreamError):
            provider.models()
