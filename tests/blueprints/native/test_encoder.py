"""The native protocol's encoder."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.blueprints.native import encoder as native_encoder
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
    Attempt,
    Cancelled,
    Completed,
    Event,
    Failed,
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
from flask_headrace.core.sse import SSEDecoder
from tests.support.event_sequences import CHARACTERS

GOLDEN: list[tuple[Event, bytes]] = [
    (
        ResponseStarted("s1", "acme/tiny", "acme"),
        b'event: start\ndata: {"id":"s1","model":"acme/tiny","provider":"acme"}\n\n',
    ),
    (TextDelta("Hel"), b'data: {"delta":"Hel"}\n\n'),
    (TextDelta('"\\\n\t'), b'data: {"delta":"\\"\\\\\\n\\t"}\n\n'),
    (TextDelta("ö🌊"), 'data: {"delta":"ö🌊"}\n\n'.encode()),
    (ReasoningDelta("hmm"), b'event: reasoning\ndata: {"delta":"hmm"}\n\n'),
    (ReasoningSignature("abc"), b'event: reasoning\ndata: {"signature":"abc","is_redacted":false}\n\n'),
    (ToolCallStarted(0, "c1", "find"), b'event: tool\ndata: {"call":0,"id":"c1","name":"find"}\n\n'),
    (ToolCallDelta(0, '{"q":'), b'event: tool\ndata: {"call":0,"delta":"{\\"q\\":"}\n\n'),
    (ToolCallCompleted(0, {"q": [1, None]}), b'event: tool\ndata: {"call":0,"arguments":{"q":[1,null]}}\n\n'),
    (
        AnswerRestarted("it broke off", "acme/big"),
        b'event: restart\ndata: {"reason":"it broke off","model":"acme/big"}\n\n',
    ),
    (
        Usage(9, 2, 4, 1, 0.00001, attempts=(Attempt("tiny", 9, 2, None),)),
        (
            b'event: usage\ndata: {"input_tokens":9,"output_tokens":2,"cached_tokens":4,"reasoning_tokens":1,'
            b'"cost":0.00001,"currency":"USD","estimated":false,'
            b'"attempts":[{"model":"tiny","input_tokens":9,"output_tokens":2,"cost":null}],"cache_write_tokens":0}\n\n'
        ),
    ),
    (Completed("stop"), b'event: end\ndata: {"finish_reason":"stop"}\n\ndata: [DONE]\n\n'),
    (Completed("length", "x"), b'event: end\ndata: {"finish_reason":"length"}\n\ndata: [DONE]\n\n'),
    (
        Failed("stall_timeout", "It fell silent.", retryable=True),
        b'event: error\ndata: {"code":"stall_timeout","message":"It fell silent.","retryable":true}\n\n',
    ),
    (Cancelled("stopped"), b'event: cancelled\ndata: {"reason":"stopped"}\n\n'),
    (ProviderEvent("other", "event", "{}"), b""),
    (ToolResult(0, {"depth": None}), b'event: tool\ndata: {"call":0,"result":{"depth":null}}\n\n'),
    (ToolResult(0), b'event: tool\ndata: {"call":0,"result":null}\n\n'),
    (ToolResult(0, error="It is dry."), b'event: tool\ndata: {"call":0,"error":"It is dry."}\n\n'),
    (ToolResult(-1, 7, call_id="c9"), b'event: tool\ndata: {"id":"c9","result":7}\n\n'),
    (ToolProgress(0, [1.5]), b'event: tool\ndata: {"call":0,"progress":[1.5]}\n\n'),
    (ToolProgress(-1, None, "c9"), b'event: tool\ndata: {"id":"c9","progress":null}\n\n'),
    (ApprovalRequested(0, "signed"), b'event: tool\ndata: {"call":0,"approval":"signed"}\n\n'),
    (
        ToolCallStarted(0, "c1", "find", runs_here=True),
        b'event: tool\ndata: {"call":0,"id":"c1","name":"find","runs_here":true}\n\n',
    ),
    (StepStarted(), b"event: step\ndata: {}\n\n"),
    (
        Source("https://a.example/", "A", id="s1"),
        b'event: source\ndata: {"url":"https://a.example/","title":"A","id":"s1"}\n\n',
    ),
    (
        Source(title="B", media_type="application/pdf", filename="b.pdf", id="s2"),
        b'event: source\ndata: {"title":"B","media_type":"application/pdf","filename":"b.pdf","id":"s2"}\n\n',
    ),
    (
        File("image/png", data=b"\x89"),
        b'event: file\ndata: {"media_type":"image/png","url":"data:image/png;base64,iQ=="}\n\n',
    ),
    (Data("weather", {"c": 7}, "w1"), b'event: data\ndata: {"name":"weather","id":"w1","value":{"c":7}}\n\n'),
    (Data("step", "…", transient=True), 'event: data\ndata: {"name":"step","value":"…","transient":true}\n\n'.encode()),
    (OmittedEvent(), b""),
    (
        ProviderEvent("native", "reasoning_state", 'r1.e30="\n'),
        b'event: reasoning_state\ndata: {"reasoning_state":"r1.e30=\\"\\n"}\n\n',
    ),
]
IDS = [f"{type(event).__name__}-{number}" for number, (event, _) in enumerate(GOLDEN)]
TEXTS = st.text(CHARACTERS)


@pytest.mark.parametrize(("event", "written"), GOLDEN, ids=IDS)
def test_each_event_has_its_frame(event: Event, written: bytes) -> None:
    assert native_encoder.encode([event]) == written


def test_every_kind_of_event_has_a_frame() -> None:
    assert {type(event) for event, _ in GOLDEN} == set(Event.__subclasses__())


def test_many_events_are_written_one_after_the_other() -> None:
    assert native_encoder.encode([event for event, _ in GOLDEN]) == b"".join(written for _, written in GOLDEN)


@pytest.mark.parametrize(("event", "written"), GOLDEN, ids=IDS)
def test_only_text_and_done_begin_with_data(event: Event, written: bytes) -> None:
    frames = written.removesuffix(b"\n\n").split(b"\n\n")
    assert frames[-1].startswith(b"data: ") == isinstance(event, (TextDelta, Completed))
    assert all(frame.startswith(b"event: ") for frame in frames[:-1])


@pytest.mark.parametrize(("event", "written"), GOLDEN, ids=IDS)
def test_a_reader_that_splits_at_blank_lines_sees_one_frame_and_two_at_the_end(event: Event, written: bytes) -> None:
    is_foreign = isinstance(event, OmittedEvent) or (isinstance(event, ProviderEvent) and event.family != "native")
    assert written.endswith(b"\n\n") or is_foreign
    assert written.count(b"\n\n") == (0 if is_foreign else 2 if isinstance(event, Completed) else 1)


def test_why_an_answer_has_ended_comes_before_the_number_of_its_end() -> None:
    # Who lost the connection between the two has the number before, comes back and gets both.
    written = native_encoder.encode([Usage(9, 2), Completed("content_filter")], 7)
    assert re.findall(rb"id: \d+|event: \w+|\[DONE\]", written) == [
        b"id: 7", b"event: usage", b"event: end", b"id: 8", b"[DONE]",
    ]  # fmt: skip
    assert written.endswith(b'\n\nevent: end\ndata: {"finish_reason":"content_filter"}\n\nid: 8\ndata: [DONE]\n\n')


@given(st.lists(TEXTS, min_size=1))
def test_many_texts_at_once_have_the_bytes_of_each_by_itself(texts: list[str]) -> None:
    events: list[Event] = [TextDelta(text) for text in texts]
    assert native_encoder.encode(events) == b"".join(native_encoder.encode([event]) for event in events)


@given(st.lists(TEXTS, min_size=1))
def test_any_text_is_read_back_as_it_was(texts: list[str]) -> None:
    frames = SSEDecoder().feed(native_encoder.encode([TextDelta(text) for text in texts]))
    assert [json.loads(frame.data)["delta"] for frame in frames] == texts


@given(TEXTS)
def test_a_text_among_other_events_has_the_bytes_that_it_has_alone(text: str) -> None:
    others = native_encoder.encode([ReasoningDelta("x")])
    assert native_encoder.encode([ReasoningDelta("x"), TextDelta(text)]) == others + native_encoder.encode(
        [TextDelta(text)]
    )


@given(TEXTS)
def test_no_event_holds_a_line_end_of_its_own(text: str) -> None:
    for event in (TextDelta(text), ReasoningDelta(text), ToolCallCompleted(0, {text: text}), Failed("x", text, False)):
        assert native_encoder.encode([event]).splitlines()[-1] == b""  # bytes are split at CR, LF and CRLF alone
        assert len(native_encoder.encode([event]).splitlines()) <= 3


def test_a_silence_is_a_comment_that_ends_with_a_blank_line() -> None:
    assert native_encoder.encode([]) == native_encoder.HEARTBEAT == b": keep-alive\n\n"


def test_a_silence_is_no_frame() -> None:
    assert SSEDecoder().feed(native_encoder.HEARTBEAT * 3) == []


def test_fields_are_those_of_the_frame() -> None:
    usage = Usage(9, 2)
    assert msgspec.json.encode(native_encoder.event_fields(usage)) in native_encoder.encode([usage])
