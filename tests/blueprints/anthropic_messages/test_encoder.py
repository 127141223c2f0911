"""The encoder of Anthropic's Messages API."""

from __future__ import annotations

import json
import re

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.shared import ErrorResponse
from pydantic import TypeAdapter

from flask_headrace.blueprints.anthropic_messages.encoder import (
    EVENT_NAMES,
    HEARTBEAT,
    MAX_QUEUED_BYTES,
    MessagesEncoder,
)
from flask_headrace.blueprints.anthropic_messages.objects import STOP_REASONS
from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.blueprints.encoding.error_bodies import ANTHROPIC_ERROR_TYPES, anthropic_error_body
from flask_headrace.blueprints.http.aborts import CODES_BY_STATUS as ERRORS_OF_FLASK
from flask_headrace.core import errors
from flask_headrace.core.answer import CollectedAnswer
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

EVENT = TypeAdapter(RawMessageStreamEvent)

STARTED = ResponseStarted("s1", "acme/tiny", "acme", input_tokens=9, cached_tokens=4, cache_write_tokens=2)
BEGUN: list[Event] = [STARTED, Usage(0, 0)]  # the start is written with the event after it
FIND, NOW = ToolCallStarted(0, "c1", "find"), ToolCallStarted(1, "c2", "now")
TEXT_STARTS = 'content_block_start {"index":0,"content_block":{"type":"text","text":""}}'
THINKING_STARTS = 'content_block_start {"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}'
CALL_STARTS = 'content_block_start {"index":0,"content_block":{"type":"tool_use","id":"c1","name":"find","input":{}}}'


def stops(index: int = 0) -> str:
    return f'content_block_stop {{"index":{index}}}'


def delta(kind: str, field: str, value: str, index: int = 0) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return f'content_block_delta {{"index":{index},"delta":{{"type":"{kind}","{field}":{written}}}}}'


def failed(kind: str, message: str, code: str) -> str:
    return f'error {{"error":{{"type":"{kind}","message":"{message}","details":{{"error_code":"{code}"}}}}}}'


GOLDEN: list[tuple[list[Event], Event, list[str]]] = [
    ([], STARTED, []),
    (
        [STARTED],
        Usage(9, 0, 4),
        [
            (
                'message_start {"message":{"id":"msg_s1","type":"message","role":"assistant","model":"acme/tiny",'
                '"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,'
                '"cache_creation_input_tokens":2,"cache_read_input_tokens":4,"output_tokens":0}}}'
            )
        ],
    ),
    (BEGUN, TextDelta("Hel"), [TEXT_STARTS, delta("text_delta", "text", "Hel")]),
    ([*BEGUN, TextDelta("x")], TextDelta('ö🌊"\n'), [delta("text_delta", "text", 'ö🌊"\n')]),
    (BEGUN, ReasoningDelta("hm"), [THINKING_STARTS, delta("thinking_delta", "thinking", "hm")]),
    (
        [*BEGUN, ReasoningDelta("hm")],
        ReasoningSignature("abc"),
        [delta("signature_delta", "signature", "abc"), stops()],
    ),
    (BEGUN, ReasoningSignature("a"), [THINKING_STARTS, delta("signature_delta", "signature", "a"), stops()]),
    (
        BEGUN,
        ReasoningSignature("abc", is_redacted=True),
        ['content_block_start {"index":0,"content_block":{"type":"redacted_thinking","data":"abc"}}', stops()],
    ),
    (BEGUN, FIND, [CALL_STARTS]),
    ([*BEGUN, TextDelta("x")], FIND, [stops(), CALL_STARTS.replace('"index":0', '"index":1')]),
    ([*BEGUN, FIND], ToolCallDelta(0, '{"q":'), [delta("input_json_delta", "partial_json", '{"q":')]),
    ([*BEGUN, FIND, ToolCallDelta(0, "{}")], ToolCallCompleted(0, {}), [stops()]),
    (BEGUN, AnswerRestarted("it broke off", "acme/big"), []),
    (BEGUN, Usage(9, 2, 4, 1, 0.1, attempts=(Attempt("tiny", 9, 2, None),)), []),
    (
        [*BEGUN, TextDelta("x"), Usage(9, 2, 4, 1)],
        Completed("length"),
        [
            stops(),
            (
                'message_delta {"delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"input_tokens":5,'
                '"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":2,"output_tokens_details":{"thinking_tokens":1}}}'
            ),
            "message_stop {}",
        ],
    ),
    (
        [*BEGUN, Usage(9, 2)],
        Completed("stop", "END"),
        [
            (
                'message_delta {"delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":'
                '{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}'
            ),
            "message_stop {}",
        ],
    ),
    (
        [*BEGUN, TextDelta("x"), Usage(9, 2)],
        Failed("stall_timeout", "Silent.", retryable=True),
        [failed("timeout_error", "Silent.", "stall_timeout")],
    ),
    ([], Failed("novel", "Odd.", retryable=False), [failed("api_error", "Odd.", "novel")]),
    (
        BEGUN,
        Cancelled("stopped"),
        [failed("api_error", "The answer was stopped before it was complete (stopped).", "cancelled")],
    ),
    (BEGUN, ProviderEvent("other", "event", "{}"), []),
    ([*BEGUN, TextDelta("x")], StepStarted(), [stops()]),
    ([*BEGUN, TextDelta("x")], ToolProgress(0, 7), []),
    ([*BEGUN, TextDelta("x")], ApprovalRequested(0, "signed"), []),
    ([*BEGUN, FIND, ToolCallCompleted(0, {}), TextDelta("x")], ToolResult(0, 7), [stops(1)]),
    ([*BEGUN, TextDelta("x")], Source("https://a.example/"), []),
    ([*BEGUN, TextDelta("x")], File("image/png", "https://a.example/a.png"), []),
    ([*BEGUN, TextDelta("x")], Data("weather", 7), []),
    (BEGUN, OmittedEvent(), []),
]
IDS = [f"{type(event).__name__}-{number}" for number, (_, event, _) in enumerate(GOLDEN)]


def written(frames: list[str]) -> bytes:
    """Return the complete frames of a table row: each frame repeats its name as `type` in its data."""
    parts = [frame.partition(" ") for frame in frames]
    return "".join(
        f'event: {name}\ndata: {{"type":"{name}"{"," * (len(rest) > 2)}{rest[1:]}\n\n' for name, _, rest in parts
    ).encode()


def ended(*events: Event) -> list[Event]:
    return [STARTED, *events, Usage(9, 2), Completed("stop")]


def streamed(events: list[Event]) -> bytes:
    return MessagesEncoder().encode(events)


@pytest.mark.parametrize(("before", "event", "frames"), GOLDEN, ids=IDS)
class TestEachEvent:
    def test_has_its_frames(self, before: list[Event], event: Event, frames: list[str]) -> None:
        encoder = MessagesEncoder()
        encoder.encode(before)
        assert encoder.encode([event]) == written(frames)

    def test_carries_its_number_in_the_last_of_them(self, before, event, frames) -> None:
        encoder = MessagesEncoder()
        encoder.encode(before)
        *others, last = [written([frame]) for frame in frames] or [b""]
        assert encoder.encode([event], 7) == b"".join(others) + (b"id: 7\n" + last if last else b"")


def test_every_kind_of_event_has_an_entry() -> None:
    assert {type(event) for _, event, _ in GOLDEN} == set(Event.__subclasses__())


def test_every_frame_has_one_of_the_names() -> None:
    assert {frame.partition(" ")[0] for _, _, frames in GOLDEN for frame in frames} | {"ping"} == set(EVENT_NAMES)


def test_a_silence_is_a_ping_before_the_message_and_in_it() -> None:
    encoder = MessagesEncoder()
    assert encoder.encode([]) == HEARTBEAT == b'event: ping\ndata: {"type":"ping"}\n\n'
    encoder.encode([STARTED, TextDelta("x")])
    assert encoder.encode([], None) == HEARTBEAT


def test_an_answer_that_begins_again_after_something_was_shown_breaks_off_with_an_error() -> None:
    encoder = MessagesEncoder()
    encoder.encode([STARTED, TextDelta("x")])
    with pytest.raises(AbortConnection) as broken:
        encoder.encode([AnswerRestarted("it broke off", "acme/big"), TextDelta("y")])
    message = "acme/big restarted the answer (it broke off): send the request again."
    assert broken.value.final_bytes == written([failed("api_error", message, "restarted")])


def test_every_type_of_error_is_one_that_the_sdk_knows_and_every_code_is_one_of_ours() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    upstream = {code for code in sum(ANTHROPIC_ERROR_TYPES.values(), ()) if code.startswith("upstream_")}
    assert {code for codes in ANTHROPIC_ERROR_TYPES.values() for code in codes} - upstream - {"rate_limited"} <= {
        *(kind.code for kind in kinds),
        *ERRORS_OF_FLASK.values(),
    }
    for code in sum(ANTHROPIC_ERROR_TYPES.values(), ("novel",)):
        refused = anthropic_error_body(errors.SourceError("It failed.", code=code, retryable=True))
        ErrorResponse.model_validate(refused, strict=True)


class TestCallsThatAreMixed:
    """Some providers interleave tool calls; clients know only one open block."""

    def test_the_next_begins_at_once_where_the_one_before_is_whole(self) -> None:
        encoder = MessagesEncoder()
        encoder.encode([STARTED, FIND, ToolCallDelta(0, '{"q":1}')])
        assert b'"index":1,"content_block":{"type":"tool_use","id":"c2"' in encoder.encode([NOW])
        assert encoder.encode([ToolCallDelta(0, " "), ToolCallCompleted(0, {"q": 1})]) == b""
        assert encoder.encode([ToolCallCompleted(1, {})]) == written([stops(1)])

    def test_the_next_waits_for_the_end_of_one_that_is_not(self) -> None:
        encoder = MessagesEncoder()
        encoder.encode([STARTED, FIND, ToolCallDelta(0, '{"q":')])
        assert encoder.encode([NOW, ToolCallDelta(1, '{"a"'), TextDelta("So")]) == b""
        assert encoder.encode([ToolCallDelta(0, "1}"), ToolCallDelta(1, ":2}")]) == written(
            [delta("input_json_delta", "partial_json", "1}")]
        )
        begun = 'content_block_start {"index":1,"content_block":{"type":"tool_use","id":"c2","name":"now","input":{}}}'
        assert encoder.encode([ToolCallCompleted(0, {"q": 1}), ToolCallCompleted(1, {"a": 2})], 20) == (
            written([stops(), begun, delta("input_json_delta", "partial_json", '{"a"', 1)])
            + b"id: 20\n"
            + written([delta("input_json_delta", "partial_json", ":2}", 1)])
            + written([stops(1), TEXT_STARTS.replace('"index":0', '"index":2')])
            + b"id: 21\n"
            + written([delta("text_delta", "text", "So", 2)])
        )

    def test_no_more_waits_than_may(self) -> None:
        encoder = MessagesEncoder()
        encoder.encode([STARTED, FIND])
        half = TextDelta("x" * (MAX_QUEUED_BYTES // 2 - 200))
        assert encoder.encode([half, half]) == b""
        with pytest.raises(AbortConnection) as broken:
            encoder.encode([TextDelta("x" * 400)])
        assert b'"error_code":"answer_too_large"' in broken.value.final_bytes

    def test_what_waited_is_told_before_the_end_even_where_no_end_of_a_call_came(self) -> None:
        frames = streamed([STARTED, FIND, NOW, TextDelta("So"), Usage(9, 2), Completed("stop")]).decode()
        assert [name for name in re.findall("event: (.*)", frames) if name != "content_block_delta"] == [
            "message_start",
            *["content_block_start", "content_block_stop"] * 3,
            "message_delta",
            "message_stop",
        ]


def test_a_whole_answer_is_a_message() -> None:
    answer = CollectedAnswer()
    answer.add(
        ended(
            ReasoningDelta("hm"),
            ReasoningSignature("s"),
            TextDelta("Hel"),
            TextDelta("lo"),
            FIND,
            ToolCallCompleted(0, {}),
        )
    )
    whole = MessagesEncoder.encode_whole(answer)
    assert whole["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "Hello"},
        {"type": "tool_use", "id": "c1", "name": "find", "input": {}},
    ]
    assert (whole["id"], whole["model"], whole["stop_reason"]) == ("msg_s1", "acme/tiny", "end_turn")
    Message.model_validate_json(json.dumps(whole), strict=True)


def test_every_finish_reason_has_a_stop_reason_that_the_sdk_knows() -> None:
    for finish_reason in STOP_REASONS:
        for frame in SSEDecoder().feed(streamed([STARTED, Usage(9, 2), Completed(finish_reason)])):
            EVENT.validate_json(frame.data, strict=True)
