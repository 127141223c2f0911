"""A fallback chain in the middle of an answer: a model breaks off or falls silent, and the next one continues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
import pytest

from flask_headrace.core.errors import UpstreamError
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    ReasoningDelta,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallStarted,
)
from flask_headrace.core.usage import estimate_tokens
from flask_headrace.providers.chat_request import ChatRequest, Message, Tool
from flask_headrace.providers.custom import adapt_provider
from flask_headrace.providers.fallback.policy import Deployment, Environment, FallbackPolicy
from flask_headrace.providers.fallback.router import Router
from tests.providers.fallback.routing import REQUEST, SHORT_WAIT, WIRES, Chain, Reading
from tests.support.event_loop import until
from tests.support.upstream import (
    Close,
    Ended,
    Gate,
    Hang,
    Pause,
    Reasoning,
    Script,
    ToolCall,
    Upstream,
    anthropic_wire,
    faults,
    openai_wire,
    plain,
    script,
)

WORDS = [f"{number} " for number in range(60)]
TEXT = "".join(WORDS)
DEATHS: dict[str, tuple[Any, ...]] = {"dies": (Close(),), "stalls": (Hang(),)}


def broken(wire: Any, *steps: Any, after: int = 40) -> Script:
    """Make an answer of 60 words that fails after 40 of them."""
    return faults.after(wire.answer(*WORDS), after, *steps)


@pytest.mark.parametrize("model", ["openai/a", "anthropic/a"])
class TestContinuation:
    @pytest.mark.parametrize("way", DEATHS)
    def test_makes_one_whole_answer_of_two(self, own_upstream: Upstream, model: str, way: str) -> None:
        own_upstream.answer("a", broken(WIRES[model.partition("/")[0]], *DEATHS[way]))
        # In other pieces, one of which crosses the place where the first answer broke off.
        own_upstream.answer(
            "b", openai_wire.answer(*[TEXT[at : at + 7] for at in range(0, len(TEXT), 7)], usage=(9, 60))
        )
        chain = Chain(own_upstream, model, "openai/b", idle_timeout=SHORT_WAIT if way == "stalls" else 10)
        reading = chain.ask()
        assert reading.text == TEXT
        assert reading.events[-1] == Completed("stop")
        assert not list(reading.events_of_type(AnswerRestarted))
        assert [each.model for each in reading.events_of_type(ResponseStarted)] == [model]
        assert chain.requested_models() == ["a", "b"]
        until(lambda: own_upstream.requests("a")[0].closed)

    def test_counts_what_both_have_taken_each_with_its_model(self, own_upstream: Upstream, model: str) -> None:
        own_upstream.answer("a", broken(WIRES[model.partition("/")[0]], Close()))
        own_upstream.answer("b", openai_wire.answer(*WORDS, usage=(9, 60)))
        reading = Chain(own_upstream, model, "openai/b").ask()
        (first, read, written), second = reading.attempts
        assert (first, second) == (model, ("openai/b", 9, 60))
        assert written == estimate_tokens(len("".join(WORDS[:40])))
        assert (reading.usage.input_tokens, reading.usage.output_tokens) == (read + 9, written + 60)
        assert reading.usage.estimated

    def test_that_differs_voids_what_was_shown(self, own_upstream: Upstream, model: str) -> None:
        own_upstream.answer("a", broken(WIRES[model.partition("/")[0]], Close()))
        own_upstream.answer("b", openai_wire.answer("0 1 2 ", "three ", "four", usage=(9, 5)))
        reading = Chain(own_upstream, model, "openai/b").ask()
        assert list(reading.events_of_type(AnswerRestarted)) == [AnswerRestarted("upstream_broken", "openai/b")]
        assert reading.text == "0 1 2 three four"
        assert reading.events[-1] == Completed("stop")
        assert reading.attempts[-1] == ("openai/b", 9, 5)

    def test_that_was_held_back_and_then_shown_is_counted_once(self, own_upstream: Upstream, model: str) -> None:
        own_upstream.answer("a", broken(WIRES[model.partition("/")[0]], Close()))
        own_upstream.answer("b", openai_wire.answer("0 1 2 ", Pause(0.02), "three ", "four", usage=None))
        reading = Chain(own_upstream, model, "openai/b").ask()
        assert reading.attempts[-1][2] == estimate_tokens(len("0 1 2 three four"))

    def test_that_differs_is_a_clean_error_where_nothing_may_be_voided(
        self, own_upstream: Upstream, model: str
    ) -> None:
        own_upstream.answer("a", broken(WIRES[model.partition("/")[0]], Close()))
        own_upstream.answer("b", openai_wire.answer("0 1 2 ", "three ", Gate("never")))
        reading = Chain(own_upstream, model, "openai/b", "openai/c", on_divergence="fail").ask()
        assert reading.text == "".join(WORDS[:40])
        assert not list(reading.events_of_type(AnswerRestarted))
        assert (reading.end, reading.error.retryable) == ("answer_diverged", True)
        # The tokens received of the second answer count, and its connection was closed.
        assert reading.attempts[-1][2] == estimate_tokens(len("0 1 2 three "))
        until(lambda: own_upstream.requests("b")[0].ended is Ended.ABORTED)
        assert own_upstream.requests("c") == []


class TestTheOtherAnswer:
    def test_that_ends_too_early_differs(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", openai_wire.answer("0 1 2", usage=(9, 5)))
        reading = Chain(own_upstream, "openai/a", "openai/b").ask()
        assert (reading.text, reading.events[-1]) == ("0 1 2", Completed("stop"))
        assert reading.attempts[-1] == ("openai/b", 9, 5)
        assert Chain(own_upstream, "openai/a", "openai/b", on_divergence="fail").ask().end == "answer_diverged"

    def test_that_ends_where_the_first_broke_off_is_whole(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", anthropic_wire.answer(*WORDS[:40]))
        reading = Chain(own_upstream, "openai/a", "anthropic/b").ask()
        assert (reading.text, reading.events[-1]) == ("".join(WORDS[:40]), Completed("stop"))

    def test_that_breaks_off_too_is_gone_on_with_by_a_third(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close(), after=20))
        own_upstream.answer("b", broken(anthropic_wire, Hang(), after=10))
        own_upstream.answer("c", openai_wire.answer(*WORDS))
        reading = Chain(own_upstream, "openai/a", "anthropic/b", "openai/c", idle_timeout=SHORT_WAIT).ask()
        assert reading.text == TEXT
        assert [model for model, *_ in reading.attempts] == ["openai/a", "anthropic/b", "openai/c"]
        # The repeated text counts as output too.
        assert reading.attempts[1][2] >= estimate_tokens(len("".join(WORDS[:10])))

    def test_that_nobody_gives_is_told_as_what_happened(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", openai_wire.error(401))
        reading = Chain(own_upstream, "openai/a", "openai/b").ask()
        assert (reading.end, reading.text) == ("upstream_broken", "".join(WORDS[:40]))
        assert [model for model, *_ in reading.attempts] == ["openai/a"]

    def test_is_asked_of_the_next_where_one_finds_fault_with_the_question(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", plain.json_body({"error": {"message": "no prefill"}}, 400))
        own_upstream.answer("c", openai_wire.answer(*WORDS))
        assert Chain(own_upstream, "openai/a", "anthropic/b", "openai/c").ask().text == TEXT
        assert Chain(own_upstream, "openai/a", "anthropic/b").ask().end == "upstream_broken"

    def test_is_held_back_while_it_repeats_and_closed_when_the_reader_leaves(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", openai_wire.answer(*WORDS[:30], Gate("never"), *WORDS[30:]))
        reading = Reading(Chain(own_upstream, "openai/a", "openai/b", idle_timeout=60).router).read_until("39 ")
        until(lambda: own_upstream.requests("b")[0].at_gate)
        reading.session.cancel("stopped")
        assert reading.read().text == "".join(WORDS[:40])
        until(lambda: own_upstream.requests("b")[0].closed)
        assert reading.attempts[1][2] == estimate_tokens(len("".join(WORDS[:30])))

    def test_is_asked_again_before_its_own_first_token(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        chain = Chain(own_upstream, "openai/a", "openai/b", max_retries=1)
        own_upstream.answer("b", [openai_wire.error(429, retry_after=0.02), openai_wire.answer(*WORDS)])
        assert chain.ask().text == TEXT
        assert chain.requested_models() == ["a", "b", "b"]

    def test_has_a_budget_of_its_own(self, own_upstream: Upstream) -> None:
        now = [0.0]
        own_upstream.answer("a", broken(openai_wire, Gate("later"), Close()))
        own_upstream.answer("b", openai_wire.answer(*WORDS))
        chain = Chain(own_upstream, "openai/a", "openai/b", environment=Environment(clock=lambda: now[0]))
        reading = Reading(chain.router).read_until("39 ")
        now[0] += 100
        own_upstream.open_gate("later")
        assert reading.read().text == TEXT


class TestContinuing:
    KNOWN: ClassVar = {"openai/b": {"supports_prefill": True}, "anthropic/b": {"supports_prefill": True}}

    @pytest.mark.parametrize("model", KNOWN)
    def test_gives_the_model_the_beginning_of_its_answer(self, own_upstream: Upstream, model: str) -> None:
        wire = WIRES[model.partition("/")[0]]
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", wire.answer(" ", *WORDS[40:], usage=(90, 20)))
        reading = Chain(own_upstream, "openai/a", model, deployments=self.KNOWN).ask()
        assert reading.text == TEXT
        assert reading.attempts[-1] == (model, 90, 20)
        *_, question, beginning = own_upstream.requests("b")[0].body["messages"]
        assert question["role"] == "user"
        assert (beginning["role"], beginning["content"]) == ("assistant", "".join(WORDS[:40]).rstrip())

    def test_needs_no_blank_that_stood_at_the_break(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", openai_wire.answer(*WORDS[40:]))
        assert Chain(own_upstream, "openai/a", "openai/b", deployments=self.KNOWN).ask().text == TEXT

    def test_is_not_for_a_conversation_that_ends_with_a_beginning_already(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", openai_wire.answer(*WORDS))
        begun = msgspec.structs.replace(REQUEST, messages=(*REQUEST.messages, Message("assistant", "So:")))
        assert Chain(own_upstream, "openai/a", "openai/b", deployments=self.KNOWN).ask(begun).text == TEXT
        assert own_upstream.requests("b")[0].body["messages"][-1]["content"] == "So:"


class TestMoreThanText:
    QUESTION = msgspec.structs.replace(REQUEST, tools=(Tool("find"),))
    CALLS = (ToolCall("c1", "find", ('{"q":', "1}")),)

    def test_a_call_behind_the_repeated_text_is_told(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", openai_wire.answer(*WORDS, *self.CALLS, finish="tool_calls"))
        reading = Chain(own_upstream, "openai/a", "openai/b").ask(self.QUESTION)
        assert reading.text == TEXT
        assert list(reading.events_of_type(ToolCallCompleted)) == [ToolCallCompleted(0, {"q": 1})]

    def test_a_call_before_its_end_differs(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", broken(openai_wire, Close()))
        own_upstream.answer("b", openai_wire.answer("0 ", *self.CALLS, finish="tool_calls"))
        reading = Chain(own_upstream, "openai/a", "openai/b").ask(self.QUESTION)
        assert [type(event) for event in reading.events].count(AnswerRestarted) == 1
        assert (reading.text, reading.events[-1]) == ("0 ", Completed("tool_calls"))

    def test_a_call_that_was_begun_is_begun_again_or_fails(self, own_upstream: Upstream) -> None:
        begun = openai_wire.answer("Well. ", ToolCall("c0", "find", ('{"q', "x")))
        own_upstream.answer("a", faults.after(begun, 2, Close()))
        own_upstream.answer("b", openai_wire.answer("Well. ", *self.CALLS, finish="tool_calls"))
        chain = Chain(own_upstream, "openai/a", "openai/b")
        reading = chain.ask(self.QUESTION)
        at = next(number for number, event in enumerate(reading.events) if isinstance(event, AnswerRestarted))
        assert reading.events[at + 1 : at + 3] == [TextDelta("Well. "), ToolCallStarted(0, "c1", "find")]
        failing = Chain(own_upstream, "openai/a", "openai/b", on_divergence="fail")
        own_upstream.start_afresh()
        assert failing.ask(self.QUESTION).end == "upstream_broken"
        assert failing.requested_models() == ["a"]

    def test_thoughts_are_told_once(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", faults.after(anthropic_wire.answer(Reasoning("hm"), *WORDS), 20, Close()))
        own_upstream.answer("b", openai_wire.answer(Reasoning("let me see"), *WORDS))
        reading = Chain(own_upstream, "anthropic/a", "openai/b").ask()
        assert [event.text for event in reading.events_of_type(ReasoningDelta)] == ["hm"]
        assert reading.text == TEXT

    def test_thoughts_belong_to_an_answer_that_begins_again(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", faults.after(anthropic_wire.answer(Reasoning("hm"), *WORDS), 20, Close()))
        own_upstream.answer("b", openai_wire.answer(Reasoning("let me see"), "No."))
        reading = Chain(own_upstream, "anthropic/a", "openai/b").ask()
        at = next(number for number, event in enumerate(reading.events) if isinstance(event, AnswerRestarted))
        assert reading.events[at + 1 : at + 3] == [ReasoningDelta("let me see"), TextDelta("No.")]


def test_without_another_model_a_broken_answer_is_broken(own_upstream: Upstream) -> None:
    own_upstream.answer("a", broken(openai_wire, Close()))
    reading = Chain(own_upstream, "openai/a", max_retries=3).ask()
    assert reading.end == "upstream_broken"
    assert len(own_upstream.requests("a")) == 1


def test_a_failure_behind_the_end_is_none() -> None:
    class Own:
        def __init__(self, name: str) -> None:
            self.name, self.asked = name, 0

        def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
            self.asked += 1
            yield [TextDelta("ok"), Completed("stop")]
            raise UpstreamError("gone")

    first, second = Own("first"), Own("second")
    deployments = [Deployment(adapt_provider(own), "x") for own in (first, second)]
    deployments[0].provider.stream = first.stream  # the adapter would not resume a generator after its end
    reading = Reading(Router("smart", deployments, FallbackPolicy(), Environment())).read()
    assert (reading.text, reading.end, second.asked) == ("ok", "stop", 0)


def test_the_end_of_an_answer_is_not_waited_for_when_it_is_there(own_upstream: Upstream) -> None:
    *steps, last = openai_wire.answer("ok").steps
    own_upstream.answer("a", script(*steps, type(last)(last.data), Hang()))
    chain = Chain(own_upstream, "openai/a", "openai/b", idle_timeout=0.05)
    assert chain.ask().text == "ok"
    assert chain.requested_models() == ["a"]
