"""Growing documents in the native protocol: after each `partial` frame the document matches the text."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.native import encoder as native_encoder
from flask_headrace.blueprints.native.document_encoder import NativeDocumentEncoder
from flask_headrace.core import exact_json
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.errors import SchemaValidationError
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    Failed,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.core.partial_json import Patch, apply
from tests.support.json_documents import damaged, rubbish, shown, texts

TEXT = '{"title": "Salz & Mühle 🌊", "parts": [{"n": 1}, {"n": -2.5e3}], "whole": true}'
STARTED = ResponseStarted("s", "acme/tiny", "acme")
END = [Usage(1, 2), Completed("stop")]


def pieces(text: str, size: int) -> list[Event]:
    return [TextDelta(text[at : at + size]) for at in range(0, len(text), size)]


def frames_of(written: bytes) -> list[tuple[str, str | None, Any]]:
    """Return each frame's event, id and data."""
    found = []
    for block in written.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"]
        found.append((fields.get("event", "message"), fields.get("id"), data if data == "[DONE]" else json.loads(data)))
    return found


def documents_in(written: bytes, call: int | None = None) -> list[Any]:
    """Return the document after each `partial` frame."""
    document: Any = msgspec.UNSET
    found = []
    for event, _, data in frames_of(written):
        if event == "partial" and data.get("call") == call:
            document = apply(document, msgspec.convert(data["ops"], list[Patch]))
            found.append(json.loads(json.dumps(document)))
    return found


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_the_text_is_all_there_and_the_patches_make_the_document(size: int) -> None:
    encoder = NativeDocumentEncoder("all")
    written = b"".join(encoder.encode([event]) for event in [STARTED, *pieces(TEXT, size)]) + encoder.encode(END)
    texts = [data["delta"] for event, _, data in frames_of(written) if event == "message" and data != "[DONE]"]
    assert "".join(texts) == TEXT
    assert documents_in(written)[-1] == json.loads(TEXT)


def test_many_deltas_at_once_have_one_frame_of_patches_after_them() -> None:
    written = NativeDocumentEncoder("all").encode([STARTED, *pieces(TEXT, 3), *END])
    names = [event for event, _, _ in frames_of(written)]
    assert names.count("partial") == 1
    assert names[-4:] == ["partial", "usage", "end", "message"]


def test_numbers_have_no_gap_and_patches_have_none() -> None:
    numbered = frames_of(NativeDocumentEncoder("all").encode([STARTED, *pieces(TEXT, 9), *END], 1))
    assert [number for event, number, _ in numbered if event == "partial"] == [None]
    ids = [int(number) for _, number, _ in numbered if number]
    assert ids == list(range(1, len(ids) + 1))


@given(seen=st.integers(0, 30), together=st.integers(1, 7))
def test_who_comes_back_has_the_document_whole_and_what_follows(seen: int, together: int) -> None:
    events = [STARTED, *pieces(TEXT, 3), *END]
    seen = min(seen, len(events) - 1)
    encoder = NativeDocumentEncoder("all", seen)
    batches = [events[at : at + together] for at in range(0, len(events), together)]
    written = b"".join(encoder.encode(batch, 1 + at * together) for at, batch in enumerate(batches))
    assert documents_in(written)[-1] == json.loads(TEXT)
    numbers = [int(number) for _, number, _ in frames_of(written) if number]
    assert numbers == list(range(seen + 1, len(events) + 1))


def final(written: bytes, call: int | None = None) -> Any:
    """Return the final document; UNSET if no frame reported it."""
    return (documents_in(written, call) or [msgspec.UNSET])[-1]


def resumed(events: list[Event], seen: int) -> bytes:
    encoder = NativeDocumentEncoder("all", seen)
    return b"".join(encoder.encode([event], number) for number, event in enumerate(events, 1))


@pytest.mark.parametrize("text", ["true", "false", "null", "12", "-1.5e3", '"word"', " 0 ", "[]"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_any_value_can_be_the_whole_document(text: str, size: int) -> None:
    events = [STARTED, *pieces(text, size), *END]
    value = json.loads(text)
    for written in (NativeDocumentEncoder("all").encode(events), resumed(events, 0)):
        assert final(written) == value
        assert type(final(written)) is type(value)
    for seen in range(len(events)):
        assert final(resumed(events, seen)) == value
    answer = CollectedAnswer()
    answer.add(events)
    document = NativeDocumentEncoder("all").encode_whole(answer)["document"]
    assert document == value
    assert exact_json.encode(document).decode() == text.strip()


@settings(max_examples=60)
@given(text=texts | damaged() | rubbish, size=st.integers(1, 7), is_whole=st.booleans())
def test_who_comes_back_anywhere_has_the_document_that_others_have(text: str, size: int, is_whole: bool) -> None:
    end = END if is_whole else [Usage(1, 2), Failed("stall_timeout", "It fell silent.", retryable=True)]
    events = [STARTED, *pieces(text, size), *end]
    others = shown(final(NativeDocumentEncoder("all").encode(events, 1)))
    for seen in range(len(events)):
        assert shown(final(resumed(events, seen))) == others


def test_a_document_that_goes_wrong_keeps_its_last_changes_for_who_comes_back_there() -> None:
    events = [STARTED, TextDelta('{"a": ['), TextDelta('1, "two", }'), TextDelta("more"), *END]
    assert final(NativeDocumentEncoder("all").encode(events)) == {"a": [1, "two"]}
    for seen in range(1, 6):
        assert final(resumed(events, seen)) == {"a": [1, "two"]}
    error = SchemaValidationError("It does not fit.")
    error.partial_text = '{"a": [1, "two", }more'
    assert NativeDocumentEncoder("all").error_body(error)["document"] == {"a": [1, "two"]}


def test_the_arguments_of_each_call_are_a_document_of_their_own() -> None:
    events: list[Event] = [
        STARTED, TextDelta("Not [JSON]."), ToolCallStarted(0, "a", "find"), ToolCallStarted(1, "b", "now"),
        ToolCallDelta(0, '{"q": "mi'), ToolCallDelta(1, "{"), ToolCallDelta(0, 'll"}'), ToolCallDelta(1, "}"),
        ToolCallCompleted(0, {"q": "mill"}), ToolCallCompleted(1, {}), *END,
    ]  # fmt: skip
    for written in (
        NativeDocumentEncoder("calls").encode(events),
        b"".join(map(NativeDocumentEncoder("calls").encode, [events])),
    ):
        assert documents_in(written, 0)[-1] == {"q": "mill"}
        assert documents_in(written, 1)[-1] == {}
        assert documents_in(written) == []


def test_what_is_no_json_goes_on_as_text() -> None:
    encoder = NativeDocumentEncoder("all")
    written = encoder.encode(
        [STARTED, *pieces('{"a": 1, b}', 2), Failed("answer_invalid", "It is no JSON.", retryable=True)]
    )
    assert documents_in(written)[-1] == {"a": 1}
    assert frames_of(written)[-1][0] == "error"


def test_a_restart_begins_a_new_document() -> None:
    encoder = NativeDocumentEncoder("all")
    written = encoder.encode([STARTED, TextDelta('{"a": ["x')]) + encoder.encode([AnswerRestarted("broke", "acme/big")])
    written += encoder.encode([TextDelta('{"b": 1}'), *END])
    assert documents_in(written)[-1] == {"b": 1}


def test_a_silence_is_a_heartbeat() -> None:
    assert NativeDocumentEncoder("all").encode([]) == native_encoder.HEARTBEAT


def test_a_whole_answer_and_a_cut_one_have_their_document() -> None:
    answer = CollectedAnswer()
    answer.add([STARTED, *pieces(TEXT, 5), *END])
    encoder = NativeDocumentEncoder("all")
    assert encoder.encode_whole(answer)["document"] == json.loads(TEXT)
    error = SchemaValidationError("It does not fit.")
    error.partial_text = '{"a": [1, 2'
    refusal = encoder.error_body(error)
    assert refusal["error"] == {"code": "answer_invalid", "message": "It does not fit."}
    assert (refusal["text"], refusal["document"]) == ('{"a": [1, 2', {"a": [1]})
