"""A fallback chain whose second model is asked to continue a broken answer, in all ways in which models do that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flask_headrace.core.errors import UpstreamProtocolError, UpstreamStatusError
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    ReasoningDelta,
    TextDelta,
    ToolCallCompleted,
    ToolCallStarted,
    Usage,
)
from flask_headrace.core.usage import estimate_tokens
from flask_headrace.providers.chat_request import ChatRequest
from flask_headrace.providers.custom import adapt_provider
from flask_headrace.providers.fallback.policy import Deployment, Environment, FallbackPolicy
from flask_headrace.providers.fallback.router import Router
from tests.providers.fallback.routing import REQUEST, Chain, Reading
from tests.providers.fallback.test_continuation import cut
from tests.providers.fallback.test_overlap import ANSWERS, SENTENCES
from tests.support.upstream import Close, Ended, Gate, Pause, ToolCall, Upstream, faults, openai_wire

KNOWN: dict[str, Any] = {"openai/b": {"supports_prefill": True}}
CALL: list[Event] = [ToolCallStarted(0, "c", "find"), ToolCallCompleted(0, {}), Completed("tool_calls")]


class ScriptedProvider:
    """A custom provider whose answer is a function of the prefilled beginning."""

    def __init__(self, name: str, answer: Callable[[str | None], list[Any]]) -> None:
        self.name, self._answer = name, answer
        self.asked: list[str | None] = []

    def stream(self, request: ChatRequest) -> Iterator[Any]:
        last = request.messages[-1]
        begun = last.text() if last.role == "assistant" else None
        self.asked.append(begun)
        for piece in self._answer(begun):
            if isinstance(piece, Exception):
                raise piece
            yield piece


def ask(first: list[Any], second: Callable[[str | None], list[Any]], **policy: Any) -> tuple[Reading, ScriptedProvider]:
    """Ask a model that yields `first` and breaks off, then one that may continue."""
    players = (
        ScriptedProvider("first", lambda _: [*first, UpstreamProtocolError("gone")]),
        ScriptedProvider("second", second),
    )
    deployments = [Deployment(adapt_provider(player), "x", supports_prefill=True) for player in players]
    router = Router("smart", deployments, FallbackPolicy(max_retries=0, **policy), Environment())
    return Reading(router).read(), players[1]


WAYS: dict[str, Callable[[str, str], list[Any]]] = {
    # A model's output, from its prefilled beginning and the whole answer.
    "goes on": lambda begun, whole: [whole[len(begun) :]],
    "begins anew": lambda _, whole: [whole],
    "begins anew behind blanks": lambda _, whole: ["\n\n" + whole],
    "begins anew in another form": lambda _, whole: ["**" + whole.replace(" ", "\n") + "**"],
    "repeats its last word": lambda begun, whole: [whole[begun.rfind(" ") + 1 :]],
    "repeats its last words": lambda begun, whole: [whole[begun.rfind(" ", 0, max(0, len(begun) - 20)) + 1 :]],
    "says what it does": lambda begun, whole: ["Sure, here is the rest:" + whole[len(begun) :]],
    "says nothing": lambda _begun, _whole: [],
    "calls a tool": lambda _begun, _whole: [CALL],
}


ITEM = "a a a a a a a the \n- a"


@settings(max_examples=60)
@given(
    answer=ANSWERS,
    broken_at=st.integers(0, 10**6),
    way=st.sampled_from(sorted(WAYS)),
    other=st.none() | ANSWERS,
    places=st.lists(st.integers(0, 99), max_size=12),
    on_divergence=st.sampled_from(["restart", "fail"]),
)
@example(ITEM, 20, "repeats its last word", None, [], "restart")
@example(ITEM, 21, "repeats its last word", None, [], "restart")
@example(ITEM.replace("\n", ""), 19, "repeats its last word", None, [], "restart")
def test_a_reader_ends_with_one_whole_answer_or_is_told_that_it_is_none(
    answer: str, broken_at: int, way: str, other: str | None, places: list[int], on_divergence: str
) -> None:
    delivered = answer[: broken_at % len(answer)]
    whole = other or answer

    def second(begun: str | None) -> list[Any]:
        pieces: list[Any] = []
        for piece in [whole] if begun is None else WAYS[way](begun, answer):
            pieces += [piece] if isinstance(piece, list) else cut(piece, places)
        return pieces

    reading, _ = ask(cut(delivered, places), second, on_divergence=on_divergence)
    if reading.end == "answer_diverged":
        assert on_divergence == "fail"
        assert not list(reading.events_of_type(AnswerRestarted))
        assert answer.startswith(reading.text)
    else:
        assert (reading.text, reading.end) in {(answer, "stop"), (whole, "stop")}
    assert len(list(reading.events_of_type(AnswerRestarted))) <= 1


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("end", [10, 40, 100, 114, 115, 150])
def test_each_way_ends_well_wherever_a_tale_breaks_off(way: str, end: int) -> None:
    def second(begun: str | None) -> list[Any]:
        return list(SENTENCES) if begun is None else [p for x in WAYS[way](begun, SENTENCES) for p in x]

    reading, _ = ask([SENTENCES[:end]], second)
    assert (reading.text, reading.end) == (SENTENCES, "stop")
    assert not list(reading.events_of_type(AnswerRestarted)), "The tale from its beginning repeats what the reader has."


class TestDoubt:
    DELIVERED: ClassVar = ["Once upon a "]

    def test_asks_the_same_model_for_all_of_it_and_counts_both(self) -> None:
        def second(begun: str | None) -> list[Any]:
            if begun:
                return ["Once upon", [Usage(20, 2), TextDelta(" a time"), Completed("stop")]]
            return ["There was ", "a king.", [Usage(9, 5), Completed("stop")]]

        reading, player = ask(self.DELIVERED, second)
        assert player.asked == ["Once upon a", None]
        assert list(reading.events_of_type(AnswerRestarted)) == [AnswerRestarted("upstream_broken", "second/x")]
        assert (reading.text, reading.end) == ("There was a king.", "stop")
        assert reading.attempts[1:] == [("second/x", 20, 2), ("second/x", 9, 5)]

    def test_fails_where_nothing_may_be_voided_and_what_was_told_of_tokens_counts(self) -> None:
        reading, player = ask(
            self.DELIVERED,
            lambda _: [[TextDelta("Once upon a time"), Usage(20, 4), Completed("stop")]],
            on_divergence="fail",
        )
        assert (reading.text, reading.end, len(player.asked)) == ("Once upon a ", "answer_diverged", 1)
        assert "second/x may not have continued it exactly" in reading.error.message
        assert reading.attempts[-1] == ("second/x", 20, 4)

    def test_that_comes_when_some_was_shown_voids_that_too(self) -> None:
        delivered = SENTENCES[:100]
        late = ["he wrote: ", "das ist die Geschichte. ", SENTENCES]
        reading, _ = ask([delivered], lambda begun: late if begun else ["Quite ", "another."])
        assert reading.text == "Quite another."
        assert any(isinstance(event, TextDelta) and "wrote" in event.text for event in reading.events)

    def test_of_a_model_that_then_fails_leaves_what_the_reader_has_and_its_error(self) -> None:
        reading, _ = ask(
            self.DELIVERED, lambda begun: ["Once upon a time"] if begun else [UpstreamProtocolError("gone, too")]
        )
        assert (reading.text, reading.end) == ("Once upon a ", "upstream_broken")

    def test_closes_the_upstream_before_it_asks_again(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", faults.after(openai_wire.answer("Once ", "upon ", "a "), 3, Close()))
        # Only the first of the two is still open when the answer is abandoned.
        anew = openai_wire.answer("Once upon a time ", Pause(0.01), "there was a king, and ", Gate("never"), "he")
        own_upstream.answer("b", [anew, openai_wire.answer("Once upon a time.")])
        reading = Chain(own_upstream, "openai/a", "openai/b", deployments=KNOWN).ask()
        assert reading.text == "Once upon a time."
        first, second = own_upstream.requests("b")
        assert first.ended is Ended.ABORTED
        assert [message["role"] for message in second.body["messages"]] == ["user"]
        assert not list(reading.events_of_type(AnswerRestarted))

    def test_of_a_call_asks_for_all_of_it(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", faults.after(openai_wire.answer("Let me ", "see"), 2, Close()))
        own_upstream.answer("b", openai_wire.answer(ToolCall("c1", "find", ("{}",)), finish="tool_calls"))
        reading = Chain(own_upstream, "openai/a", "openai/b", deployments=KNOWN).ask()
        assert (reading.text, reading.end) == ("", "tool_calls")
        assert len(own_upstream.requests("b")) == 2


class TestWhatIsHeldBack:
    def test_of_thoughts_has_a_bound(self) -> None:
        thoughts = [ReasoningDelta("hm" * 10_000)] * 30
        reading, _ = ask(["Once"], lambda _: [*thoughts, "No."], on_divergence="restart")
        assert (reading.text, list(reading.events_of_type(ReasoningDelta))) == ("No.", [])

    def test_is_counted_as_written_once_it_is_shown(self) -> None:
        # Its first letters occur in "upon a": they are held back as long as they do.
        reading, _ = ask(["Once upon a "], lambda _: list("on a horse, he rode"))
        assert reading.text == "Once upon a on a horse, he rode"
        assert reading.attempts[-1][2] == estimate_tokens(len("on a horse, he rode"))


class TestReportedUsage:
    KNOWN: ClassVar = [Usage(90, 1, estimated=True)]

    @pytest.mark.parametrize(
        "error",
        [
            UpstreamStatusError("overloaded", status=529, code="upstream_overloaded", retryable=True),
            UpstreamProtocolError("gone"),
        ],
    )
    def test_before_the_first_token_is_kept_whatever_the_error_says(self, error: Exception) -> None:
        players = ScriptedProvider("first", lambda _: [self.KNOWN, error]), ScriptedProvider("second", lambda _: ["ok"])
        deployments = [Deployment(adapt_provider(player), "x") for player in players]
        reading = Reading(Router("smart", deployments, FallbackPolicy(max_retries=0), Environment())).read()
        assert reading.text == "ok"
        assert reading.attempts[0] == ("first/x", 90, 1)


def test_an_answer_that_began_anew_by_itself_is_gone_on_with_from_there() -> None:
    def second(begun: str | None) -> list[Any]:
        assert begun is not None
        return [SENTENCES[len(begun) :]]

    first = ["Not this: ", AnswerRestarted("changed my mind", "first/x"), SENTENCES[:80]]
    reading, player = ask(first, second)
    assert (reading.text, player.asked) == (SENTENCES, [SENTENCES[:80].rstrip()])
    assert REQUEST.messages[-1].role == "user"
