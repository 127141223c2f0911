"""The encoder of the AI SDK's UI message stream."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.blueprints.ai_sdk.ui_message_encoder import HEARTBEAT, UIMessageEncoder
from flask_headrace.core.application_events import APPLICATION_EVENTS, OmittedEvent
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

BEGIN = ResponseStarted("s1", "acme/tiny", "acme")
TEXT, THOUGHT, CALL = TextDelta("Hel"), ReasoningDelta("hmm"), ToolCallStarted(0, "c1", "find")
USAGE = Usage(9, 2, 4, 1, 0.00001, attempts=(Attempt("tiny", 9, 2, None),))
USAGE_FIELDS = (
    b'"usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11,"cachedInputTokens":4,"reasoningTokens":1},'
    b'"cost":0.00001,"currency":"USD","estimated":false,'
    b'"attempts":[{"model":"tiny","inputTokens":9,"outputTokens":2,"cost":null}]'
)
END_OF_TEXT = b'{"type":"text-end","id":"1"}'

GOLDEN: list[tuple[list[Event], Event, list[bytes]]] = [
    (
        [],
        BEGIN,
        [
            (
                b'{"type":"start","messageId":"m1",'
                b'"messageMetadata":{"model":"acme/tiny","provider":"acme","streamId":"s1"}}'
            ),
            b'{"type":"start-step"}',
        ],
    ),
    ([BEGIN], TEXT, [b'{"type":"text-start","id":"1"}', b'{"type":"text-delta","id":"1","delta":"Hel"}']),
    ([BEGIN, TEXT], TextDelta('"\\\n🌊'), ['{"type":"text-delta","id":"1","delta":"\\"\\\\\\n🌊"}'.encode()]),
    (
        [BEGIN, TEXT],
        THOUGHT,
        [END_OF_TEXT, b'{"type":"reasoning-start","id":"2"}', b'{"type":"reasoning-delta","id":"2","delta":"hmm"}'],
    ),
    ([BEGIN, THOUGHT], ReasoningDelta("!"), [b'{"type":"reasoning-delta","id":"1","delta":"!"}']),
    (
        [BEGIN, THOUGHT],
        ReasoningSignature("abc"),
        [b'{"type":"reasoning-end","id":"1","providerMetadata":{"anthropic":{"signature":"abc"}}}'],
    ),
    (
        [BEGIN, TEXT],
        ReasoningSignature("abc", is_redacted=True),
        [
            END_OF_TEXT,
            b'{"type":"reasoning-start","id":"2","providerMetadata":{"anthropic":{"redactedData":"abc"}}}',
            b'{"type":"reasoning-end","id":"2"}',
        ],
    ),
    ([BEGIN, TEXT], CALL, [END_OF_TEXT, b'{"type":"tool-input-start","toolCallId":"c1","toolName":"find"}']),
    (
        [BEGIN, CALL],
        ToolCallDelta(0, '{"q":'),
        [b'{"type":"tool-input-delta","toolCallId":"c1","inputTextDelta":"{\\"q\\":"}'],
    ),
    (
        [BEGIN, CALL],
        ToolCallCompleted(0, {"q": [1, None]}),
        [b'{"type":"tool-input-available","toolCallId":"c1","toolName":"find","input":{"q":[1,null]}}'],
    ),
    (
        [BEGIN, TEXT],
        AnswerRestarted("it broke off", "acme/big"),
        [
            END_OF_TEXT,
            b'{"type":"finish-step"}',
            b'{"type":"data-restart","data":{"reason":"it broke off","model":"acme/big"}}',
            b'{"type":"message-metadata","messageMetadata":{"model":"acme/big"}}',
            b'{"type":"start-step"}',
        ],
    ),
    ([BEGIN, TEXT], USAGE, []),
    (
        [BEGIN, TEXT, USAGE],
        Completed("tool_calls"),
        [
            END_OF_TEXT,
            b'{"type":"finish-step"}',
            b'{"type":"finish","finishReason":"tool-calls","messageMetadata":{' + USAGE_FIELDS + b"}}",
            b"[DONE]",
        ],
    ),
    (
        [BEGIN, TEXT, USAGE],
        Failed("stall_timeout", "It fell silent.", retryable=True),
        [
            END_OF_TEXT,
            b'{"type":"finish-step"}',
            b'{"type":"message-metadata","messageMetadata":{'
            + USAGE_FIELDS
            + b',"error":{"code":"stall_timeout","retryable":true}}}',
            b'{"type":"error","errorText":"It fell silent."}',
        ],
    ),
    (
        [BEGIN, CALL],
        Failed("stall_timeout", "It fell silent.", retryable=True),
        [
            b'{"type":"tool-input-error","toolCallId":"c1","toolName":"find","input":{},"errorText":"It fell silent."}',
            b'{"type":"finish-step"}',
            b'{"type":"message-metadata","messageMetadata":{"error":{"code":"stall_timeout","retryable":true}}}',
            b'{"type":"error","errorText":"It fell silent."}',
        ],
    ),
    ([USAGE], Failed("internal", "It broke.", retryable=False), [b'{"type":"error","errorText":"It broke."}']),
    (
        [BEGIN, TEXT, USAGE],
        Cancelled("stopped"),
        [
            END_OF_TEXT,
            b'{"type":"finish-step"}',
            b'{"type":"message-metadata","messageMetadata":{' + USAGE_FIELDS + b',"cancelled":"stopped"}}',
            b'{"type":"abort"}',
        ],
    ),
    ([BEGIN], ProviderEvent("other", "event", "{}"), []),
]
IDS = [f"{type(event).__name__}-{number}" for number, (_, event, _) in enumerate(GOLDEN)]
golden = pytest.mark.parametrize(("before", "event", "frames"), GOLDEN, ids=IDS)

FIELDS = {
    "start": {"messageId", "messageMetadata"},
    "start-step": set(),
    "finish-step": set(),
    "text-start": {"id"},
    "text-delta": {"id", "delta"},
    "text-end": {"id"},
    "reasoning-start": {"id", "providerMetadata"},
    "reasoning-delta": {"id", "delta"},
    "reasoning-end": {"id", "providerMetadata"},
    "tool-input-start": {"toolCallId", "toolName"},
    "tool-input-delta": {"toolCallId", "inputTextDelta"},
    "tool-input-available": {"toolCallId", "toolName", "input"},
    "tool-input-error": {"toolCallId", "toolName", "input", "errorText"},
    "data-restart": {"data"},
    "message-metadata": {"messageMetadata"},
    "finish": {"finishReason", "messageMetadata"},
    "abort": set(),
    "error": {"errorText"},
}
"""All types and fields of frames; a client aborts at unknown ones."""


def encoder_after(events: list[Event]) -> UIMessageEncoder:
    encoder = UIMessageEncoder("m1")
    if events:
        encoder.encode(events)
    return encoder


def values(body: bytes) -> list[Any]:
    return [json.loads(frame.data) for frame in SSEDecoder().feed(body) if frame.data != b"[DONE]"]


@golden
def test_each_event_has_its_frames(before: list[Event], event: Event, frames: list[bytes]) -> None:
    written = b"".join(b"data: %b\n\n" % frame for frame in frames)
    assert encoder_after(before).encode([event]) == written


@golden
def test_events_at_once_have_the_frames_of_each_by_itself(
    before: list[Event], event: Event, frames: list[bytes]
) -> None:
    one = UIMessageEncoder("m1")
    assert UIMessageEncoder("m1").encode([*before, event]) == b"".join(one.encode([each]) for each in [*before, event])


def test_every_kind_of_event_has_an_entry() -> None:
    elsewhere = {OmittedEvent, *APPLICATION_EVENTS}  # test_ui_application_events.py
    assert {type(event) for _, event, _ in GOLDEN} | elsewhere == set(Event.__subclasses__())


@golden
def test_no_frame_has_a_field_that_a_version_may_not_know(
    before: list[Event], event: Event, frames: list[bytes]
) -> None:
    for value in values(UIMessageEncoder("m1").encode([*before, event])):
        assert value.keys() - {"type"} <= FIELDS[value["type"]]


@golden
def test_the_last_frame_of_an_event_has_its_number(before: list[Event], event: Event, frames: list[bytes]) -> None:
    body = encoder_after(before).encode([event], 7)
    assert re.findall(rb"^id: (\d+)\ndata: (.*)$", body, re.MULTILINE) == ([(b"7", frames[-1])] if frames else [])
    assert body.replace(b"id: 7\n", b"") == encoder_after(before).encode([event])


def test_a_replay_voids_what_its_reader_may_have() -> None:
    first, *rest = values(UIMessageEncoder("m1", is_replay=True).encode([BEGIN, TEXT, Completed("stop")]))
    void = {"type": "data-restart", "data": {"reason": "resumed", "model": "acme/tiny"}}
    assert [first, *rest[1:]] == values(UIMessageEncoder("m1").encode([BEGIN, TEXT, Completed("stop")]))
    assert rest[0] == void


@pytest.mark.parametrize("end", [Failed("x", "It broke.", False), Cancelled("stopped")])
def test_a_cut_answer_has_no_finish_and_no_done(end: Event) -> None:
    body = UIMessageEncoder("m1").encode([BEGIN, TEXT, USAGE, end])
    assert b'"finish"' not in body
    assert b"[DONE]" not in body


@pytest.mark.parametrize(
    ("reason", "written"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool-calls"),
        ("content_filter", "content-filter"),
        ("pause", "other"),
        ("other", "other"),
    ],
)
def test_each_finish_reason_has_a_name_that_all_versions_know(reason: Any, written: str) -> None:
    assert values(encoder_after([BEGIN]).encode([Completed(reason)]))[-1]["finishReason"] == written


def test_an_answer_in_which_nothing_came_is_begun_at_its_end() -> None:
    kinds = [value["type"] for value in values(UIMessageEncoder("m1").encode([USAGE, Completed("stop")]))]
    assert kinds == ["start", "start-step", "finish-step", "finish"]


def test_a_message_that_goes_on_gets_no_id() -> None:
    (start, _) = values(UIMessageEncoder(None).encode([BEGIN]))
    assert "messageId" not in start


def test_a_signature_without_thoughts_has_a_part_of_its_own() -> None:
    kinds = [value["type"] for value in values(encoder_after([BEGIN, TEXT]).encode([ReasoningSignature("abc")]))]
    assert kinds == ["text-end", "reasoning-start", "reasoning-end"]


def test_calls_side_by_side_keep_their_ids() -> None:
    calls: list[Event] = [CALL, ToolCallStarted(1, "c2", "now"), ToolCallDelta(0, "{}"), ToolCallDelta(1, "{}")]
    written = values(encoder_after([BEGIN, *calls]).encode([ToolCallCompleted(1, {}), ToolCallCompleted(0, {})]))
    assert [(value["toolCallId"], value["toolName"]) for value in written] == [("c2", "now"), ("c1", "find")]


def test_a_silence_is_a_comment_that_ends_with_a_blank_line() -> None:
    assert UIMessageEncoder("m1").encode([]) == HEARTBEAT == b": keep-alive\n\n"
    assert SSEDecoder().feed(HEARTBEAT * 3) == []


@given(st.lists(st.text(CHARACTERS)))
def test_any_text_is_read_back_as_it_was(texts: list[str]) -> None:
    body = UIMessageEncoder("m1").encode([BEGIN, *[TextDelta(text) for text in texts]])
    assert [value["delta"] for value in values(body) if value["type"] == "text-delta"] == texts
