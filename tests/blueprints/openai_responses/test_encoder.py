"""The encoder of OpenAI's Responses API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.blueprints.encoding.error_bodies import openai_error_body
from flask_headrace.blueprints.openai_responses.encoder import EVENT_NAMES, ResponsesEncoder
from flask_headrace.core.application_events import APPLICATION_EVENTS, OmittedEvent
from flask_headrace.core.errors import StreamLimitExceeded
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
from flask_headrace.core.sse import SSEDecoder
from tests.blueprints.openai_responses.response_schema import check_events

USAGE = Usage(9, 3, 4, 1, 0.00001)
START = ResponseStarted("s1", "acme/tiny", "acme")
CALLED = ToolCallStarted(0, "c1", "find")
ANY_OF_THEIRS = TypeAdapter(ResponseStreamEvent)

MESSAGE = {"id": "msg_s1_0", "type": "message", "status": "completed", "role": "assistant"}
TEXT_PART = {"type": "output_text", "text": "Hel", "annotations": [], "logprobs": []}
THOUGHT = {"id": "rs_s1_0", "type": "reasoning", "summary": []}
CALL = {"id": "fc_s1_0", "type": "function_call", "status": "completed", "call_id": "c1", "name": "find"}
IN_TEXT = {"item_id": "msg_s1_0", "output_index": 0, "content_index": 0}
IN_THOUGHTS = {"item_id": "rs_s1_0", "output_index": 0, "summary_index": 0}
IN_CALL = {"item_id": "fc_s1_0", "output_index": 0}


def item(how: str, fields: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    return f"output_item.{how}", {"output_index": 0, "item": {**fields, **more}}


def encoder(*after: Event) -> ResponsesEncoder:
    made = ResponsesEncoder("s1", "acme/tiny", 1700000000)
    made.encode([START, *after])
    return made


def read(written: bytes) -> list[dict[str, Any]]:
    frames = SSEDecoder().feed(written)
    named_frames = [json.loads(frame.data) for frame in frames]
    assert [frame.event.decode() for frame in frames] == [data["type"] for data in named_frames]
    assert {data["type"] for data in named_frames} <= set(EVENT_NAMES)
    return named_frames


def named_frames(written: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the frames' names and fields, without sequence numbers, and response objects as an ellipsis."""
    frames = []
    for data in read(written):
        kind = data.pop("type").removeprefix("response.")
        del data["sequence_number"]
        frames.append((kind, {} if "response" in data else data))
    return frames


GOLDEN: list[tuple[tuple[Event, ...], Event, list[tuple[str, dict[str, Any]]]]] = [  # before, event, what is written
    ((), START, [("created", {}), ("in_progress", {})]),
    (
        (),
        TextDelta("Hel"),
        [
            item("added", MESSAGE, status="in_progress", content=[]),
            ("content_part.added", {**IN_TEXT, "part": {**TEXT_PART, "text": ""}}),
            ("output_text.delta", {**IN_TEXT, "logprobs": [], "delta": "Hel"}),
        ],
    ),
    ((TextDelta("a"),), TextDelta('"\\\n🌊'), [("output_text.delta", {**IN_TEXT, "logprobs": [], "delta": '"\\\n🌊'})]),
    (
        (),
        ReasoningDelta("hm"),
        [
            item("added", THOUGHT),
            ("reasoning_summary_part.added", {**IN_THOUGHTS, "part": {"type": "summary_text", "text": ""}}),
            ("reasoning_summary_text.delta", {**IN_THOUGHTS, "delta": "hm"}),
        ],
    ),
    (
        (ReasoningDelta("h"), ReasoningDelta("m")),
        ReasoningSignature("abc"),
        [
            ("reasoning_summary_text.done", {**IN_THOUGHTS, "text": "hm"}),
            ("reasoning_summary_part.done", {**IN_THOUGHTS, "part": {"type": "summary_text", "text": "hm"}}),
            item("done", THOUGHT, summary=[{"type": "summary_text", "text": "hm"}], encrypted_content="abc"),
        ],
    ),
    (
        (),
        ReasoningSignature("abc", True),
        [item(how, THOUGHT, encrypted_content="redacted:abc") for how in ("added", "done")],
    ),
    ((), CALLED, [item("added", CALL, status="in_progress", arguments="")]),
    ((CALLED,), ToolCallDelta(0, '{"q":'), [("function_call_arguments.delta", {**IN_CALL, "delta": '{"q":'})]),
    (
        (CALLED, ToolCallDelta(0, '{"q": '), ToolCallDelta(0, "1}")),
        ToolCallCompleted(0, {"q": 1}),
        [
            ("function_call_arguments.done", {**IN_CALL, "name": "find", "arguments": '{"q": 1}'}),
            item("done", CALL, arguments='{"q": 1}'),
        ],
    ),
    (
        (CALLED,),
        ToolCallCompleted(0, {}),
        [
            ("function_call_arguments.done", {**IN_CALL, "name": "find", "arguments": "{}"}),
            item("done", CALL, arguments="{}"),
        ],
    ),
    ((), USAGE, []),
    (
        (TextDelta("Hel"), USAGE),
        Completed("stop"),
        [
            ("output_text.done", {**IN_TEXT, "logprobs": [], "text": "Hel"}),
            ("content_part.done", {**IN_TEXT, "part": TEXT_PART}),
            item("done", MESSAGE, content=[TEXT_PART]),
            ("completed", {}),
        ],
    ),
    ((USAGE,), Failed("stall_timeout", "It fell silent.", True), [("failed", {})]),
    ((), Cancelled("stopped"), [("failed", {})]),
    ((), ProviderEvent("other", "event", "{}"), []),
]
IDS = [f"{type(event).__name__}-{number}" for number, (_, event, _) in enumerate(GOLDEN)]
golden = pytest.mark.parametrize(("before", "event", "frames"), GOLDEN, ids=IDS)


@golden
def test_each_event_has_its_frames(before: tuple[Event, ...], event: Event, frames) -> None:
    assert named_frames(encoder(*before).encode([event])) == frames


def test_every_kind_of_event_is_thought_of() -> None:
    elsewhere = {AnswerRestarted, OmittedEvent, *APPLICATION_EVENTS}
    assert {type(event) for _, event, _ in GOLDEN} | elsewhere == set(Event.__subclasses__())


@golden
def test_each_frame_is_one_of_theirs(before: tuple[Event, ...], event: Event, frames) -> None:
    for data in read(encoder(*before).encode([event])):
        if usage := data.get("response", {}).get("usage"):
            usage["input_tokens_details"]["cache_write_tokens"] = 0  # not known here, and left out
        if error := data.get("response", {}).get("error"):
            error["code"] = "server_error"  # theirs are a closed list, which their SDKs do not hold us to
        ANY_OF_THEIRS.validate_json(json.dumps(data), strict=True)


@golden
def test_a_number_stands_before_the_last_frame_of_an_event(before, event: Event, frames) -> None:
    *first, last = encoder(*before).encode([event]).split(b"\n\n")[:-1] or [b""]
    numbered = b"id: 7\n" + last if last else b""
    assert encoder(*before).encode([event], 7) == b"".join(frame + b"\n\n" for frame in [*first, numbered] if frame)


def test_many_texts_at_once_have_the_bytes_of_each_by_itself() -> None:
    texts: list[Event] = [TextDelta(text) for text in ("", "a", '"\r\n', "\u2028ö🌊")]
    apart, together = encoder(TextDelta("a")), encoder(TextDelta("a"))
    assert together.encode(texts) == b"".join(apart.encode([text]) for text in texts)
    assert together.encode([Completed("stop")]) == apart.encode([Completed("stop")])


def test_frames_are_counted_from_0_on() -> None:
    made = ResponsesEncoder("s1", "acme/tiny", 1)
    written = made.encode([START, TextDelta("a")]) + made.encode([TextDelta("b"), USAGE, Completed("stop")])
    assert [data["sequence_number"] for data in read(written)] == list(range(10))


class TestTheLastFrame:
    ENDS = pytest.mark.parametrize(
        ("reason", "status", "why"),
        [
            ("stop", "completed", None),
            ("tool_calls", "completed", None),
            ("pause", "completed", None),
            ("other", "completed", None),
            ("length", "incomplete", {"reason": "max_output_tokens"}),
            ("content_filter", "incomplete", {"reason": "content_filter"}),
        ],
    )

    @ENDS
    def test_says_when_the_answer_was_complete_and_nothing_of_it_else(self, reason, status, why) -> None:
        response = read(encoder().encode([Completed(reason, completed_at=1700000009)]))[-1]["response"]
        assert response["completed_at"] == (1700000009 if status == "completed" else None)

    @ENDS
    def test_says_how_the_model_ended(self, reason: FinishReason, status: str, why: object) -> None:
        item, last = read(encoder(TextDelta("a")).encode([USAGE, Completed(reason)]))[-2:]
        assert (item["item"]["status"], last["type"]) == (status, f"response.{status}")
        assert (last["response"]["status"], last["response"]["incomplete_details"]) == (status, why)

    def test_has_the_whole_answer_and_what_it_took(self) -> None:
        call = [CALLED, ToolCallDelta(0, '{"q": 1}'), ToolCallCompleted(0, {"q": 1})]
        last = read(
            encoder(ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo"), *call).encode([USAGE, Completed("stop")])
        )
        response = last[-1]["response"]
        assert [each["type"] for each in response["output"]] == ["reasoning", "message", "function_call"]
        assert response["output"][1]["content"][0]["text"] == "Hello"
        assert response["usage"] == {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 1},
            "total_tokens": 12,
            "cost": 0.00001,
            "estimated": False,
        }

    @pytest.mark.parametrize(
        ("end", "code"),
        [(Failed("stall_timeout", "Silent.", True), "stall_timeout"), (Cancelled("stopped"), "cancelled")],
    )
    def test_of_what_was_cut_has_what_there_is(self, end: Event, code: str) -> None:
        (failed,) = read(encoder(CALLED, ToolCallCompleted(0, {}), TextDelta("Hel"), USAGE).encode([end]))
        response = failed["response"]
        assert (response["status"], response["error"]["code"]) == ("failed", code)
        assert [each["status"] for each in response["output"]] == ["completed", "incomplete"]
        assert response["output"][1]["content"][0]["text"] == "Hel"
        assert response["usage"]["total_tokens"] == 12


class TestAnAnswerThatBeginsAgain:
    def test_ends_with_a_failure_after_what_was_written(self) -> None:
        with pytest.raises(AbortConnection) as caught:
            encoder(TextDelta("H")).encode(
                [TextDelta("el"), AnswerRestarted("it broke off", "acme/big"), TextDelta("Hello")]
            )
        text, failure = read(caught.value.final_bytes)
        assert text["delta"] == "el"
        assert failure["response"]["error"]["code"] == "restarted"
        assert "acme/big" in failure["response"]["error"]["message"]


def test_calls_may_grow_side_by_side() -> None:
    events = [CALLED, ToolCallStarted(1, "c2", "now"), ToolCallDelta(0, "{"), ToolCallDelta(1, "{}")]
    written = encoder().encode(
        [*events, ToolCallDelta(0, "}"), ToolCallCompleted(1, {}), ToolCallCompleted(0, {}), Completed("stop")]
    )
    grown = [(frame["output_index"], frame["delta"]) for frame in read(written) if "delta" in frame]
    assert grown == [(0, "{"), (1, "{}"), (0, "}")]
    assert [each["arguments"] for each in read(written)[-1]["response"]["output"]] == ["{}", "{}"]


def test_the_model_is_the_one_that_answers() -> None:
    other = encoder()
    assert read(other.encode([ResponseStarted("s1", "acme/big", "acme")]))[0]["response"]["model"] == "acme/big"
    assert read(other.encode([Completed("stop")]))[0]["response"]["model"] == "acme/big"


@pytest.mark.parametrize("end", [Failed("stall_timeout", "Silent.", True), Cancelled("stopped")])
def test_a_failure_before_the_first_token_opens_the_response(end: Event) -> None:
    events = read(ResponsesEncoder("s1", "acme/tiny", 1).encode([USAGE, end]))
    check_events(events)
    assert [event["type"] for event in events] == ["response.created", "response.in_progress", "response.failed"]
    numbered = ResponsesEncoder("s1", "acme/tiny", 1).encode([end], 1)
    assert numbered.index(b"id: 1\n") > numbered.index(b"response.in_progress")


def test_what_was_asked_comes_back() -> None:
    made = ResponsesEncoder("s1", "acme/tiny", 1, {"temperature": 0.5, "metadata": {"a": "b"}})
    response = read(made.encode([START]))[0]["response"]
    assert (response["temperature"], response["metadata"], response["tool_choice"]) == (0.5, {"a": "b"}, "auto")


def test_a_refusal_is_that_of_their_other_protocol() -> None:
    assert encoder().error_body(StreamLimitExceeded("x")) == openai_error_body(StreamLimitExceeded("x"))


def test_a_silence_is_a_comment_with_one_line_end() -> None:
    assert encoder().encode([]) == encoder().encode([], 3) == b": keep-alive\n"
