"""What of another model's answer is new to a reader who has the beginning of one already."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_headrace.core.events import (
    Completed,
    Event,
    Failed,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.providers.chat_request import ChatRequest, Message, ResponseFormat
from flask_headrace.providers.fallback.continuation import (
    MAX_COMPARED_CHARS,
    Continuation,
    DeliveredOutput,
    prefill_request,
    restarted_answer,
)

QUESTION = ChatRequest("m", (Message("user", "hi"),))


def said(*texts: str) -> DeliveredOutput:
    told = DeliveredOutput()
    told.add([TextDelta(text) for text in texts])
    return told


def cut(text: str, places: list[int]) -> list[str]:
    """Cut a text at some of its places."""
    at = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[begin:end] for begin, end in itertools.pairwise(at)]


def take(rescue: Continuation, pieces: list[str]) -> str:
    new: list[Event] = []
    for piece in pieces:
        new += rescue.feed([TextDelta(piece)])
    return "".join(event.text for event in new)


@settings(max_examples=100)
@given(told=st.text(max_size=30), rest=st.text(max_size=30), places=st.lists(st.integers(0, 99), max_size=8))
def test_text_that_repeats_what_was_said_gives_the_rest_of_it(told: str, rest: str, places: list[int]) -> None:
    rescue = restarted_answer(said(told))
    assert take(rescue, cut(told + rest, places)) == rest
    assert (rescue.has_diverged, rescue.is_caught_up) == (False, True)
    assert rescue.suppressed_bytes == len(told.encode())


@settings(max_examples=100)
@given(told=st.text(min_size=1, max_size=30), other=st.text(max_size=40), places=st.lists(st.integers(0, 99)))
def test_any_other_text_diverges_and_all_of_it_is_held(told: str, other: str, places: list[int]) -> None:
    rescue = restarted_answer(said(told))
    new = take(rescue, cut(other, places))
    ended = rescue.feed([Completed("stop")])
    if other.startswith(told):
        assert (new, ended) == (other[len(told) :], [Completed("stop")])
    else:
        assert (new, ended, rescue.has_diverged) == ("", [], True)
        held = "".join(event.text for event in rescue.held if isinstance(event, TextDelta))
        assert (held, rescue.held[-1]) == (other, Completed("stop"))
        assert rescue.suppressed_bytes == len(other.encode())


def test_thoughts_are_not_new() -> None:
    rescue = restarted_answer(said("ab"))
    assert rescue.feed([ReasoningDelta("hm"), ReasoningSignature("s"), TextDelta("abc")]) == [TextDelta("c")]
    assert rescue.feed([ReasoningDelta("hm"), TextDelta("d")]) == [TextDelta("d")]


def test_what_a_provider_tells_of_its_tokens_passes() -> None:
    rescue = restarted_answer(said("ab"))
    known = Usage(9, 0, estimated=True)
    assert rescue.feed([known]) == [known]
    assert rescue.feed([TextDelta("a"), known]) == [known]
    assert rescue.feed([TextDelta("x"), Usage(9, 1), Completed("stop")]) == []
    assert rescue.held == [TextDelta("a"), TextDelta("x"), Usage(9, 1), Completed("stop")]


def test_a_failure_that_is_told_ends_the_answer_and_voids_nothing() -> None:
    failed = Failed("mine", "so it is", retryable=False)
    for rescue in (restarted_answer(said("Once upon a")), prefill_request(QUESTION, said("Once upon a"))[1]):
        assert rescue.feed([TextDelta("Once"), Usage(9, 1), failed]) == [Usage(9, 1), failed]
        assert not rescue.has_diverged


def test_thoughts_are_held_within_bounds_and_whole_or_not_at_all() -> None:
    rescue = restarted_answer(said("ab"))
    signed = ReasoningSignature("s")
    rescue.feed([ReasoningDelta("hm"), signed])
    assert rescue.held == [ReasoningDelta("hm"), signed]
    rescue.feed([ReasoningDelta("x" * MAX_COMPARED_CHARS), TextDelta(""), TextDelta("c")])
    assert rescue.held == [TextDelta("c")]


def test_usage_stands_behind_what_was_held_back_and_before_the_end() -> None:
    _, rescue = prefill_request(QUESTION, said("Once upon a"))
    assert rescue.feed([TextDelta("ti")]) == [TextDelta("ti")]
    _, rescue = prefill_request(QUESTION, said("Once upon"))
    assert rescue.feed([TextDelta("o")]) == []
    assert rescue.feed([TextDelta("r two"), Usage(9, 1), Completed("stop")]) == [
        TextDelta("or two"),
        Usage(9, 1),
        Completed("stop"),
    ]


class TestSaid:
    def test_that_has_a_call_cannot_be_repeated(self) -> None:
        told = said("a")
        told.add([ToolCallStarted(0, "c", "find")])
        assert not told.is_comparable
        assert restarted_answer(told).has_diverged
        told.reset()
        assert (told.is_comparable, told.text()) == (True, "")

    def test_is_kept_within_bounds(self) -> None:
        told = said("x" * MAX_COMPARED_CHARS)
        assert told.is_comparable
        told.add([TextDelta("x")])
        assert (told.is_comparable, told.text()) == (False, "")


class TestContinued:
    def test_puts_the_beginning_behind_the_question_without_its_last_blanks(self) -> None:
        question, rescue = prefill_request(QUESTION, said("One,", " two,\n\n"))
        assert question.messages == (Message("user", "hi"), Message("assistant", "One, two,"))
        assert take(rescue, ["\n", "\nthree"]) == "three"

    @pytest.mark.parametrize(("pieces", "new"), [([" three"], " three"), (["\nthree"], "three"), (["three"], "three")])
    def test_takes_the_rest_however_it_begins(self, pieces: list[str], new: str) -> None:
        _, rescue = prefill_request(QUESTION, said("two,\n\n"))
        assert take(rescue, pieces) == new
        assert not rescue.has_diverged

    @pytest.mark.parametrize(
        ("question", "told"),
        [
            (QUESTION, said()),
            (QUESTION, said(" \n")),
            (QUESTION, said("\n- ")),
            (ChatRequest("m", (Message("assistant", "a"),)), said("b")),
            (ChatRequest("m", QUESTION.messages, response_format=ResponseFormat(None)), said("b")),
            (ChatRequest("m", QUESTION.messages, thinking={"type": "adaptive"}), said("b")),
        ],
    )
    def test_is_nothing_where_the_rest_would_not_follow(self, question: ChatRequest, told: DeliveredOutput) -> None:
        assert prefill_request(question, told) is None
