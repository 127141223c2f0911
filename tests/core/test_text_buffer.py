"""The memory of collected texts: a few bytes per character, however small their pieces are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.blueprints.openai_responses.encoder import ResponsesEncoder
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.events import Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStarted
from flask_headrace.core.text_buffer import MAX_TEXT_CHARS, TextBuffer
from flask_headrace.providers.decoding.tool_arguments import ToolArguments

PIECES = 25_000


def pieces() -> list[str]:
    """Return pieces as separate strings, each with Python's overhead of about fifty bytes."""
    found: list[str] = msgspec.json.decode(msgspec.json.encode(["ab"] * PIECES))
    return found


def texts_of(kind: type[TextDelta | ReasoningDelta]) -> Callable[[], object]:
    def read() -> CollectedAnswer:
        answer = CollectedAnswer()
        for text in pieces():
            answer.add([kind(text)])
        return answer

    return read


def called() -> CollectedAnswer:
    answer = CollectedAnswer()
    answer.add([ToolCallStarted(0, "c", "t")])
    for text in pieces():
        answer.add([ToolCallDelta(0, text)])
    return answer


def argued() -> ToolArguments:
    arguments = ToolArguments()
    for text in ['{"a": "', *pieces()]:
        arguments.add(text)
    return arguments


def responded() -> ResponsesEncoder:
    encoder = ResponsesEncoder("id", "m", 0)
    for text in pieces():
        encoder.encode([TextDelta(text)])
    return encoder


COLLECTORS: dict[str, Callable[[], object]] = {
    "an answer's text": texts_of(TextDelta),
    "what it thought": texts_of(ReasoningDelta),
    "its call": called,
    "a call's arguments": argued,
    "a response": responded,
}


@pytest.mark.parametrize("collector", COLLECTORS)
def test_small_pieces_are_kept_as_one_text(collector: str) -> None:
    tracemalloc.start()
    try:
        kept = COLLECTORS[collector]()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept is not None
    assert taken < 2 * PIECES * 4  # of 2 characters each, and Python's share is 59 bytes a piece


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 5000])
def test_a_text_is_what_came(count: int) -> None:
    text = TextBuffer()
    for number in range(count):
        text.append(str(number))
    whole = "".join(map(str, range(count)))
    assert (str(text), text.size, bool(text)) == (whole, len(whole), count > 0)
    text.clear()
    assert (str(text), text.size, bool(text)) == ("", 0, False)


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta, partial(ToolCallDelta, 0)])
def test_a_response_that_is_too_long_to_be_repeated_ends_with_a_failure(kind: Callable[[str], Event]) -> None:
    encoder = ResponsesEncoder("id", "m", 0)
    encoder.encode([ToolCallStarted(0, "c", "t")])
    for _ in range(8):
        encoder.encode([kind("x" * (MAX_TEXT_CHARS // 8))])
    with pytest.raises(AbortConnection) as caught:
        encoder.encode([kind("x")])
    assert caught.value.final_bytes.startswith(b"event: response.failed\n")
    assert b'"code":"answer_too_large"' in caught.value.final_bytes
