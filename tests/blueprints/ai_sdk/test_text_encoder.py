"""The encoders of plain text and of a JSON document's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.blueprints.ai_sdk.object_encoder import ObjectTextEncoder
from flask_headrace.blueprints.ai_sdk.text_encoder import PlainTextEncoder
from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.core.application_events import (
    ApprovalRequested,
    Data,
    File,
    OmittedEvent,
    Source,
    StepStarted,
    ToolProgress,
    ToolResult,
)
from flask_headrace.core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    FinishReason,
    ProviderEvent,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from tests.support.event_sequences import CHARACTERS

GOLDEN: list[tuple[Event, bytes]] = [
    (ResponseStarted("s1", "acme/tiny", "acme"), b""),
    (TextDelta('["ö🌊\\n"]'), '["ö🌊\\n"]'.encode()),
    (ReasoningDelta("hmm"), b""),
    (ReasoningSignature("abc"), b""),
    (ToolCallStarted(0, "c1", "find"), b""),
    (ToolCallDelta(0, "{"), b""),
    (ToolCallCompleted(0, {}), b""),
    (Usage(9, 2), b""),
    (ProviderEvent("other", "event", "{}"), b""),
    (ToolResult(0, 7), b""),
    (StepStarted(), b""),
    (ToolProgress(0, 7), b""),
    (ApprovalRequested(0, "signed"), b""),
    (Source("https://a.example/"), b""),
    (File("image/png", "https://a.example/a.png"), b""),
    (Data("weather", 7), b""),
    (OmittedEvent(), b""),
]
BREAKING: list[Event] = [
    Failed("x", "No.", retryable=False),
    Cancelled("stopped"),
    AnswerRestarted("it broke off", "acme/big"),
]
ENCODERS = pytest.mark.parametrize("encoder", [PlainTextEncoder, ObjectTextEncoder])


@ENCODERS
@pytest.mark.parametrize(("event", "written"), GOLDEN, ids=[type(event).__name__ for event, _ in GOLDEN])
def test_each_event_is_its_text_and_no_more(encoder: type[PlainTextEncoder], event: Event, written: bytes) -> None:
    assert encoder().encode([event]) == written


@ENCODERS
def test_the_end_of_a_whole_answer_is_nothing_more(encoder: type[PlainTextEncoder]) -> None:
    assert encoder().encode([TextDelta("[]"), Completed("stop")]) == b"[]"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_the_end_of_a_cut_answer_breaks_the_connection_after_its_text(reason: FinishReason) -> None:
    with pytest.raises(AbortConnection) as broken:
        PlainTextEncoder().encode([TextDelta("Once upon"), Completed(reason)])
    assert broken.value.final_bytes == b"Once upon"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_document_that_is_whole_was_not_cut(reason: FinishReason) -> None:
    assert ObjectTextEncoder().encode([TextDelta("[]"), Completed(reason)]) == b"[]"


def test_every_kind_of_event_has_an_entry() -> None:
    named = [*(event for event, _ in GOLDEN), *BREAKING, Completed("stop")]
    assert {type(event) for event in named} == set(Event.__subclasses__())


@ENCODERS
@pytest.mark.parametrize("event", BREAKING, ids=lambda event: type(event).__name__)
def test_what_cannot_be_told_breaks_the_connection_after_the_text(
    encoder: type[PlainTextEncoder], event: Event
) -> None:
    with pytest.raises(AbortConnection) as broken:
        encoder().encode([TextDelta('["Hel'), TextDelta("lo"), event, TextDelta("no more")])
    assert broken.value.final_bytes == b'["Hello'


@ENCODERS
def test_an_answer_that_begins_again_before_its_first_text_goes_on(encoder: type[PlainTextEncoder]) -> None:
    assert encoder().encode([AnswerRestarted("busy", "acme/big"), TextDelta("[]")]) == b"[]"


@ENCODERS
def test_an_answer_that_begins_again_after_an_earlier_text_breaks_off(encoder: type[PlainTextEncoder]) -> None:
    own = encoder()
    own.encode([TextDelta("[")])
    with pytest.raises(AbortConnection):
        own.encode([AnswerRestarted("it broke off", "acme/big")])


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"a": [1]}', '{"a": [1]}'),
        (' \n["x"] ', '["x"]'),
        ("12", "12"),
        ("Here:\n```\n12\n```", "12"),
        ('{"a": 1} and', '{"a": 1}'),
        ('```json\n{"a": 1}\n```\n12 mills: {"a":1}', '{"a": 1}'),
        ('Look: {"a": 1}\n```\n{"a":1}\n```', '{"a": 1}'),
        ('Here it is:\n```json\n{"a": {"b": "}"}}\n```\nEnjoy {it}!', '{"a": {"b": "}"}}'),
        ('Sure! ["x", ["y"]] – ok?', '["x", ["y"]]'),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_document_is_all_that_is_written(text: str, document: str, size: int) -> None:
    own = ObjectTextEncoder()
    pieces: list[Event] = [TextDelta(text[at : at + size]) for at in range(0, len(text), size)]
    assert b"".join(own.encode([piece]) for piece in [*pieces, Completed("stop")]) == document.encode()


@pytest.mark.parametrize(
    "text", ["", "Sorry, no.", '{"a": 1', '{"a": 1} {"a": 2}', "{'a': 1}", "[1]]", 'See: {"a": tru}']
)
@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_a_document_that_is_none_or_not_whole_breaks_off(text: str, reason: FinishReason) -> None:
    with pytest.raises(AbortConnection):
        ObjectTextEncoder().encode([TextDelta(text), Completed(reason)])


def test_what_is_said_before_a_restart_is_not_taken_for_a_part_of_the_document() -> None:
    own = ObjectTextEncoder()
    assert (
        own.encode([TextDelta("```yaml\n"), AnswerRestarted("busy", "acme/big"), TextDelta("{}"), Completed("stop")])
        == b"{}"
    )


def test_a_silence_is_nothing_in_a_text() -> None:
    assert PlainTextEncoder().encode([]) == b""


def test_a_silence_is_a_space_before_a_document_and_nothing_within_it() -> None:
    own = ObjectTextEncoder()
    assert own.encode([]) == own.encode([]) == b" "
    own.encode([TextDelta('{"a')])
    assert own.encode([]) == b""


@given(st.lists(st.lists(st.text(CHARACTERS))))
def test_the_text_that_comes_out_is_the_text_that_went_in(batches: list[list[str]]) -> None:
    own = PlainTextEncoder()
    written = b"".join([own.encode([TextDelta(text) for text in batch]) for batch in batches])
    assert written.decode() == "".join([text for batch in batches for text in batch])
