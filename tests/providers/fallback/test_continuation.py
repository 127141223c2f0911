"""Which part of another model's answer is new to a reader that has the beginning of an answer."""

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

REQUEST = ChatRequest("m", (Message("user", "hi"),))


def delivered(*texts: str) -> DeliveredOutput:
    delivered_text = DeliveredOutput()
    delivered_text.add([TextDelta(text) for text in texts])
    return delivered_text


def cut(text: str, places: list[int]) -> list[str]:
    """Cut a text at the given indexes, modulo its length."""
    at = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[begin:end] for begin, end in itertools.pairwise(at)]


def feed_all(continuation: Continuation, pieces: list[str]) -> str:
    new: list[Event] = []
    for piece in pieces:
        new += continuation.feed([TextDelta(piece)])
    return "".join(event.text for event in new)


@settings(max_examples=100)
@given(delivered_text=st.text(max_size=30), rest=st.text(max_size=30), places=st.lists(st.integers(0, 99), max_size=8))
def test_text_that_repeats_what_was_said_gives_the_rest_of_it(
    delivered_text: str, rest: str, places: list[int]
) -> None:
    continuation = restarted_answer(delivered(delivered_text))
    assert feed_all(continuation, cut(delivered_text + rest, places)) == rest
    assert (continuation.has_diverged, continuation.is_caught_up) == (False, True)
    assert continuation.suppressed_bytes == len(delivered_text.encode())


@settings(max_examples=100)
@given(delivered_text=st.text(min_size=1, max_size=30), other=st.text(max_size=40), places=st.lists(st.integers(0, 99)))
def test_any_other_text_diverges_and_all_of_it_is_held(delivered_text: str, other: str, places: list[int]) -> None:
    continuation = restarted_answer(delivered(delivered_text))
    new = feed_all(continuation, cut(other, places))
    ended = continuation.feed([Completed("stop")])
    if other.startswith(delivered_text):
        assert (new, ended) == (other[len(delivered_text) :], [Completed("stop")])
    else:
        assert (new, ended, continuation.has_diverged) == ("", [], True)
        held = "".join(event.text for event in continuation.held if isinstance(event, TextDelta))
        assert (held, continuation.held[-1]) == (other, Completed("stop"))
        assert continuation.suppressed_bytes == len(other.encode())


def test_thoughts_are_not_new() -> None:
    continuation = restarted_answer(delivered("ab"))
    assert continuation.feed([ReasoningDelta("hm"), ReasoningSignature("s"), TextDelta("abc")]) == [TextDelta("c")]
    assert continuation.feed([ReasoningDelta("hm"), TextDelta("d")]) == [TextDelta("d")]


def test_what_a_provider_tells_of_its_tokens_passes() -> None:
    continuation = restarted_answer(delivered("ab"))
    known = Usage(9, 0, estimated=True)
    assert continuation.feed([known]) == [known]
    assert continuation.feed([TextDelta("a"), known]) == [known]
    assert continuation.feed([TextDelta("x"), Usage(9, 1), Completed("stop")]) == []
    assert continuation.held == [TextDelta("a"), TextDelta("x"), Usage(9, 1), Completed("stop")]


def test_a_failure_that_is_told_ends_the_answer_and_voids_nothing() -> None:
    failed = Failed("mine", "so it is", retryable=False)
    for continuation in (
        restarted_answer(delivered("Once upon a")),
        prefill_request(REQUEST, delivered("Once upon a"))[1],
    ):
        assert continuation.feed([TextDelta("Once"), Usage(9, 1), failed]) == [Usage(9, 1), failed]
        assert not continuation.has_diverged


def test_thoughts_are_held_within_bounds_and_whole_or_not_at_all() -> None:
    continuation = restarted_answer(delivered("ab"))
    signed = ReasoningSignature("s")
    continuation.feed([ReasoningDelta("hm"), signed])
    assert continuation.held == [ReasoningDelta("hm"), signed]
    continuation.feed([ReasoningDelta("x" * MAX_COMPARED_CHARS), TextDelta(""), TextDelta("c")])
    assert continuation.held == [TextDelta("c")]


def test_usage_stands_behind_what_was_held_back_and_before_the_end() -> None:
    _, continuation = prefill_request(REQUEST, delivered("Once upon a"))
    assert continuation.feed([TextDelta("ti")]) == [TextDelta("ti")]
    _, continuation = prefill_request(REQUEST, delivered("Once upon"))
    assert continuation.feed([TextDelta("o")]) == []
    assert continuation.feed([TextDelta("r two"), Usage(9, 1), Completed("stop")]) == [
        TextDelta("or two"),
        Usage(9, 1),
        Completed("stop"),
    ]


class TestDeliveredOutput:
    def test_that_has_a_call_cannot_be_repeated(self) -> None:
        delivered_text = delivered("a")
        delivered_text.add([ToolCallStarted(0, "c", "find")])
        assert not delivered_text.is_comparable
        assert restarted_answer(delivered_text).has_diverged
        delivered_text.reset()
        assert (delivered_text.is_comparable, delivered_text.text()) == (True, "")

    def test_is_kept_within_bounds(self) -> None:
        delivered_text = delivered("x" * MAX_COMPARED_CHARS)
        assert delivered_text.is_comparable
        delivered_text.add([TextDelta("x")])
        assert (delivered_text.is_comparable, delivered_text.text()) == (False, "")


class TestContinued:
    def test_puts_the_beginning_behind_the_question_without_its_last_blanks(self) -> None:
        question, continuation = prefill_request(REQUEST, delivered("One,", " two,\n\n"))
        assert question.messages == (Message("user", "hi"), Message("assistant", "One, two,"))
        assert feed_all(continuation, ["\n", "\nthree"]) == "three"

    @pytest.mark.parametrize(("pieces", "new"), [([" three"], " three"), (["\nthree"], "three"), (["three"], "three")])
    def test_takes_the_rest_however_it_begins(self, pieces: list[str], new: str) -> None:
        _, continuation = prefill_request(REQUEST, delivered("two,\n\n"))
        assert feed_all(continuation, pieces) == new
        assert not continuation.has_diverged

    @pytest.mark.parametrize(
        ("request_", "already_delivered"),
        [
            (REQUEST, delivered()),
            (REQUEST, delivered(" \n")),
            (REQUEST, delivered("\n- ")),
            (ChatRequest("m", (Message("assistant", "a"),)), delivered("b")),
            (ChatRequest("m", REQUEST.messages, response_format=ResponseFormat(None)), delivered("b")),
            (ChatRequest("m", REQUEST.messages, thinking={"type": "adaptive"}), delivered("b")),
        ],
    )
    def test_is_nothing_where_the_rest_would_not_follow(
        self, request_: ChatRequest, already_delivered: DeliveredOutput
    ) -> None:
        assert prefill_request(request_, already_delivered) is None
