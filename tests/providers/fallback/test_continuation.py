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
    MOST_KEPT,
    Continuation,
    DeliveredOutput,
    continued,
    rescue_of,
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
        new += rescue.take([TextDelta(piece)])
    return "".join(event.text for event in new)


@settings(max_examples=100)
@given(told=st.text(max_size=30), rest=st.text(max_size=30), places=st.lists(st.integers(0, 99), max_size=8))
def test_text_that_repeats_what_was_said_gives_the_rest_of_it(told: str, rest: str, places: list[int]) -> None:
    rescue = rescue_of(said(told))
    assert take(rescue, cut(told + rest, places)) == rest
    assert (rescue.has_diverged, rescue.is_caught_up) == (False, True)
    assert rescue.withheld == len(told.encode())


@settings(max_examples=100)
@given(told=st.text(min_size=1, max_size=30), other=st.text(max_size=40), places=st.lists(st.integers(0, 99)))
def test_any_other_text_diverges_and_all_of_it_is_held(told: str, other: str, places: list[int]) -> None:
    rescue = rescue_of(said(told))
    new = take(rescue, cut(other, places))
    ended = rescue.take([Completed("stop")])
    if other.startswith(told):
        assert (new, ended) == (other[len(told) :], [Completed("stop")])
    else:
        assert (new, ended, rescue.has_diverged) == ("", [], True)
        held = "".join(event.text for event in rescue.held if isinstance(event, TextDelta))
        assert (held, rescue.held[-1]) == (other, Completed("stop"))
        assert rescue.withheld == len(other.encode())


def test_thoughts_are_not_new() -> None:
    rescue = rescue_of(said("ab"))
    assert rescue.take([ReasoningDelta("hm"), ReasoningSignature("s"), TextDelta("abc")]) == [TextDelta("c")]
    assert rescue.take([ReasoningDelta("hm"), TextDelta("d")]) == [TextDelta("d")]


def test_what_a_provider_tells_of_its_tokens_passes() -> None:
    rescue = rescue_of(said("ab"))
    known = Usage(9, 0, estimated=True)
    assert rescue.take([known]) == [known]
    assert rescue.take([TextDelta("a"), known]) == [known]
    assert rescue.take([TextDelta("x"), Usage(9, 1), Completed("stop")]) == []
    assert rescue.held == [TextDelta("a"), TextDelta("x"), Usage(9, 1), Completed("stop")]


def test_a_failure_that_is_told_ends_the_answer_and_voids_nothing() -> None:
    failed = Failed("mine", "so it is", retryable=False)
    for rescue in (rescue_of(said("Once upon a")), continued(QUESTION, said("Once upon a"))[1]):
        assert rescue.take([TextDelta("Once"), Usage(9, 1), failed]) == [Usage(9, 1), failed]
        assert not rescue.has_diverged


def test_thoughts_are_held_within_bounds_and_whole_or_not_at_all() -> None:
    rescue = rescue_of(said("ab"))
    signed = ReasoningSignature("s")
    rescue.take([ReasoningDelta("hm"), signed])
    assert rescue.held == [ReasoningDelta("hm"), signed]
    rescue.take([ReasoningDelta("x" * MOST_KEPT), TextDelta(""), TextDelta("c")])
    assert rescue.held == [TextDelta("c")]


def test_usage_stands_behind_what_was_held_back_and_before_the_end() -> None:
    _, rescue = continued(QUESTION, said("Once upon a"))
    assert rescue.take([TextDelta("ti")]) == [TextDelta("ti")]
    _, rescue = continued(QUESTION, said("Once upon"))
    assert rescue.take([TextDelta("o")]) == []
    assert rescue.take([TextDelta("r two"), Usage(9, 1), Completed("stop")]) == [
        TextDelta("or two"),
        Usage(9, 1),
        Completed("stop"),
    ]


class TestSaid:
    def test_that_has_a_call_cannot_be_repeated(self) -> None:
        told = said("a")
        told.add([ToolCallStarted(0, "c", "find")])
        assert not told.is_repeatable
        assert rescue_of(told).has_diverged
        told.void()
        assert (told.is_repeatable, told.text()) == (True, "")

    def test_is_kept_within_bounds(self) -> None:
        told = said("x" * MOST_KEPT)
        assert told.is_repeatable
        told.add([TextDelta("x")])
        assert (told.is_repeatable, told.text()) == (False, "")


class TestContinued:
    def test_puts_the_beginning_behind_the_question_without_its_last_blanks(self) -> None:
        question, rescue = continued(QUESTION, said("One,", " two,\n\n"))
        assert question.messages == (Message("user", "hi"), Message("assistant", "One, two,"))
        assert take(rescue, ["\n", "\nthree"]) == "three"

    @pytest.mark.parametrize(("pieces", "new"), [([" three"], " three"), (["\nthree"], "three"), (["three"], "three")])
    def test_takes_the_rest_however_it_begins(self, pieces: list[str], new: str) -> None:
        _, rescue = continued(QUESTION, said("two,\n\n"))
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
        assert continued(question, told) is None
