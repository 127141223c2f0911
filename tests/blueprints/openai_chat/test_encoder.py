"""The encoder of OpenAI's chat completions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion as CompletionOfTheirs
from openai.types.chat import ChatCompletionChunk

from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.blueprints.encoding.error_bodies import openai_error_body
from flask_headrace.blueprints.openai_chat.encoder import ChatCompletionEncoder
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
from flask_headrace.core.errors import (
    Forbidden,
    InvalidRequest,
    ModelNotFound,
    NotSupported,
    StreamLimitExceeded,
    Unauthorized,
    UpstreamStatusError,
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
from flask_headrace.core.sse import SSEDecoder

HEAD = '{"id":"chatcmpl-s1","object":"chat.completion.chunk","created":1700000000,"model":"acme/tiny","choices":'
USAGE = Usage(9, 3, 4, 1, 0.00001)
TOKENS = (
    '{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4},'
    '"completion_tokens_details":{"reasoning_tokens":1},"cost":0.00001,"estimated":false}'
)
START = ResponseStarted("s1", "acme/tiny", "acme")
CALLED = ToolCallStarted(0, "c1", "find")


def chunk(delta: str, finish: str = "null") -> bytes:
    return f'data: {HEAD}[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}\n\n'.encode()


def error(code: str, message: str) -> bytes:
    body = f'{{"message":"{message}","type":"server_error","param":null,"code":"{code}"}}'
    return f'data: {{"error":{body}}}\n\n'.encode()


def encoder(*, has_usage: bool = False, after: tuple[Event, ...] = ()) -> ChatCompletionEncoder:
    made = ChatCompletionEncoder("s1", "acme/tiny", 1700000000, has_usage=has_usage)
    made.encode([START, *after])
    return made


GOLDEN: list[tuple[tuple[Event, ...], Event, bytes]] = [  # what came before, what comes, what is written
    ((), START, chunk('{"role":"assistant","content":""}')),
    ((), TextDelta("Hel"), chunk('{"content":"Hel"}')),
    ((), TextDelta('"\\\n\t'), chunk('{"content":"\\"\\\\\\n\\t"}')),
    ((), TextDelta("ö🌊"), chunk('{"content":"ö🌊"}')),
    ((), TextDelta(""), chunk('{"content":""}')),
    ((), ReasoningDelta("hmm"), chunk('{"reasoning_content":"hmm"}')),
    ((), ReasoningSignature("abc"), b""),
    (
        (),
        CALLED,
        chunk('{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"find","arguments":""}}]}'),
    ),
    ((CALLED,), ToolCallDelta(0, '{"q":'), chunk('{"tool_calls":[{"index":0,"function":{"arguments":"{\\"q\\":"}}]}')),
    ((CALLED, ToolCallDelta(0, "{}")), ToolCallCompleted(0, {}), b""),
    ((CALLED,), ToolCallCompleted(0, {}), chunk('{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}')),
    ((), USAGE, b""),
    ((), Completed("stop"), chunk("{}", '"stop"') + b"data: [DONE]\n\n"),
    ((USAGE,), Completed("tool_calls"), chunk("{}", '"tool_calls"') + b"data: [DONE]\n\n"),
    ((USAGE,), Failed("stall_timeout", "It fell silent.", True), error("stall_timeout", "It fell silent.")),
    ((), Cancelled("stopped"), error("cancelled", "The answer was stopped before it was complete (stopped).")),
    ((), ProviderEvent("other", "event", "{}"), b""),
    (
        (),
        Source("https://a.example/", "A"),
        chunk(
            '{"annotations":[{"type":"url_citation","url_citation":'
            '{"start_index":0,"end_index":0,"title":"A","url":"https://a.example/"},"index":0}]}'
        ),
    ),
    ((), Source(title="B", media_type="application/pdf"), b""),
    ((), StepStarted(), b""),
    ((), ToolProgress(0, 7), b""),
    ((), ApprovalRequested(0, "signed"), b""),
    ((CALLED, ToolCallDelta(0, "{}")), ToolResult(0, 7), b""),
    ((), File("image/png", "https://a.example/a.png"), b""),
    ((), Data("weather", 7), b""),
    ((), OmittedEvent(), b""),
]
IDS = [f"{type(event).__name__}-{number}" for number, (_, event, _) in enumerate(GOLDEN)]
golden = pytest.mark.parametrize(("before", "event", "written"), GOLDEN, ids=IDS)


@golden
def test_each_event_has_its_chunk(before: tuple[Event, ...], event: Event, written: bytes) -> None:
    assert encoder(after=before).encode([event]) == written


def test_every_kind_of_event_is_thought_of() -> None:
    assert {type(event) for _, event, _ in GOLDEN} | {AnswerRestarted} == set(Event.__subclasses__())


@golden
def test_a_number_stands_before_the_last_frame_of_an_event(before, event: Event, written: bytes) -> None:
    *first, last = written.split(b"\n\n")[:-1] or [b""]
    numbered = b"id: 7\n" + last if last else b""
    assert encoder(after=before).encode([event], 7) == b"".join(
        frame + b"\n\n" for frame in [*first, numbered] if frame
    )


@golden
def test_each_chunk_is_one_of_theirs(before: tuple[Event, ...], event: Event, written: bytes) -> None:
    for has_usage in (False, True):
        for data in read(encoder(has_usage=has_usage, after=before).encode([event])):
            if "error" not in data:
                ChatCompletionChunk.model_validate_json(json.dumps(data), strict=True)


def test_many_events_are_written_one_after_the_other() -> None:
    events = [event for _, event, _ in GOLDEN]
    apart, together = encoder(), encoder()
    assert together.encode(events) == b"".join(apart.encode([event]) for event in events)
    apart, together = encoder(), encoder()
    assert together.encode(events, 2) == b"".join(apart.encode([event], n) for n, event in enumerate(events, 2))


def test_many_texts_at_once_have_the_bytes_of_each_by_itself() -> None:
    texts: list[Event] = [TextDelta(text) for text in ("", "a", '"\r\n', "\u2028ö🌊")]
    for has_usage in (False, True):
        one = encoder(has_usage=has_usage)
        assert one.encode(texts) == b"".join(one.encode([text]) for text in texts)


def read(written: bytes) -> list[dict[str, Any]]:
    return [json.loads(frame.data) for frame in SSEDecoder().feed(written) if frame.data != b"[DONE]"]


class TestUsage:
    def test_where_it_is_wanted_is_a_chunk_without_choices_before_the_end(self) -> None:
        written = encoder(has_usage=True).encode([USAGE, Completed("stop")])
        finish = chunk("{}", '"stop"').replace(b"}]}", b'}],"usage":null}')
        assert written == finish + f'data: {HEAD}[],"usage":{TOKENS}}}\n\ndata: [DONE]\n\n'.encode()

    def test_where_it_is_wanted_is_null_in_all_others(self) -> None:
        *others, last = read(
            encoder(has_usage=True).encode([TextDelta("a"), CALLED, TextDelta("b"), USAGE, Completed("stop")])
        )
        assert [data["usage"] for data in others] == [None] * 4
        assert last["usage"]["total_tokens"] == 12

    def test_may_come_apart_from_the_end(self) -> None:
        apart = encoder(has_usage=True)
        written = apart.encode([TextDelta("a"), USAGE]) + apart.encode([Completed("stop")])
        assert read(written)[-1]["usage"]["total_tokens"] == 12

    @pytest.mark.parametrize("end", [Failed("x", "y", False), Cancelled("stopped")])
    def test_of_what_was_cut_comes_before_the_error(self, end: Event) -> None:
        tokens, failure = read(encoder(has_usage=True).encode([USAGE, end]))
        assert tokens["usage"]["total_tokens"] == 12
        assert "error" in failure

    def test_that_nobody_wants_is_not_there(self) -> None:
        assert b"usage" not in encoder().encode([TextDelta("a"), USAGE, Completed("stop")])


class TestAnAnswerThatBeginsAgain:
    def test_ends_with_an_error_after_what_was_written(self) -> None:
        with pytest.raises(AbortConnection) as caught:
            encoder().encode([TextDelta("Hel"), AnswerRestarted("it broke off", "acme/big"), TextDelta("Hello")])
        text, failure = read(caught.value.final_bytes)
        assert text["choices"][0]["delta"] == {"content": "Hel"}
        assert failure["error"]["code"] == "restarted"
        assert "acme/big" in failure["error"]["message"]

    def test_is_whole_in_one_piece_with_the_name_of_who_answered(self) -> None:
        answer = CollectedAnswer()
        answer.add(
            [START, TextDelta("Hel"), AnswerRestarted("it broke off", "acme/big"), TextDelta("Hi"), Completed("stop")]
        )
        written = encoder().encode_whole(answer)
        assert (written["choices"][0]["message"]["content"], written["model"]) == ("Hi", "acme/big")


class TestTheModel:
    def test_is_the_one_that_answers(self) -> None:
        other = encoder()
        written = other.encode([ResponseStarted("s1", "acme/big", "acme"), TextDelta("a"), Completed("stop")])
        assert {data["model"] for data in read(written)} == {"acme/big"}

    def test_is_known_where_the_start_was_read_before(self) -> None:
        resumed = ChatCompletionEncoder("s1", "acme/tiny", 1700000000)
        assert resumed.encode([TextDelta("Hel")], 2) == b"id: 2\n" + chunk('{"content":"Hel"}')

    def test_may_have_any_name(self) -> None:
        odd = ChatCompletionEncoder("s1", 'acme/""{}', 1)
        assert read(odd.encode([TextDelta("a")]))[0]["model"] == 'acme/""{}'


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("stop", "stop"), ("length", "length"), ("tool_calls", "tool_calls"), ("content_filter", "content_filter"),
        ("pause", "stop"), ("other", "stop"),
    ],
)  # fmt: skip
def test_every_finish_reason_is_one_of_theirs(ours: FinishReason, theirs: str) -> None:
    assert read(encoder().encode([Completed(ours)]))[0]["choices"][0]["finish_reason"] == theirs


class TestAnAnswerInOnePiece:
    def test_is_one_of_theirs(self) -> None:
        calls = [CALLED, ToolCallDelta(0, '{"q": 1}'), ToolCallCompleted(0, {"q": 1}), ToolCallStarted(1, "c2", "now")]
        answer = CollectedAnswer()
        answer.add([START, ReasoningDelta("hmm"), TextDelta("Hel"), TextDelta("lo"), *calls, ToolCallCompleted(1, {})])
        answer.add([USAGE, Completed("tool_calls")])
        written = encoder().encode_whole(answer)
        parsed = CompletionOfTheirs.model_validate_json(json.dumps(written), strict=True)
        message = parsed.choices[0].message
        assert (message.content, message.model_extra) == ("Hello", {"reasoning_content": "hmm"})
        called = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls]
        assert called == [("c1", "find", '{"q": 1}'), ("c2", "now", "{}")]
        assert (parsed.id, parsed.created, parsed.model) == ("chatcmpl-s1", 1700000000, "acme/tiny")
        assert written["usage"] == json.loads(TOKENS)

    def test_has_no_content_where_it_is_a_call_alone(self) -> None:
        answer = CollectedAnswer()
        answer.add([START, CALLED, ToolCallCompleted(0, {}), USAGE, Completed("tool_calls")])
        assert encoder().encode_whole(answer)["choices"][0]["message"]["content"] is None

    def test_may_be_empty(self) -> None:
        answer = CollectedAnswer()
        answer.add([START, USAGE, Completed("stop")])
        assert encoder().encode_whole(answer)["choices"][0]["message"] == {
            "role": "assistant",
            "content": "",
            "refusal": None,
        }


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (InvalidRequest("x"), "invalid_request_error"),
        (ModelNotFound("x"), "invalid_request_error"),
        (Unauthorized("x"), "authentication_error"),
        (Forbidden("x"), "permission_error"),
        (UpstreamStatusError("x", status=429, code="rate_limited", retryable=True), "rate_limit_error"),
        (StreamLimitExceeded("x"), "server_error"),
        (NotSupported("x"), "server_error"),
    ],
)
def test_a_refusal_has_the_fields_of_theirs(failure, kind: str) -> None:
    assert openai_error_body(failure) == encoder().error_body(failure)
    assert openai_error_body(failure) == {"error": {"message": "x", "type": kind, "param": None, "code": failure.code}}


def test_a_silence_is_a_comment_with_one_line_end() -> None:
    assert encoder().encode([]) == encoder().encode([], 3) == b": keep-alive\n"
