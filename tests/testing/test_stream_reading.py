"""`read_stream`: every event comes back, a cut answer never looks whole, and other protocols are told apart."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings

from flask_headrace import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    ProviderEvent,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCall,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.blueprints.native.document_encoder import NativeDocumentEncoder
from flask_headrace.blueprints.native.encoder import HEARTBEAT, encode
from flask_headrace.core.answer import is_reasoning_state
from flask_headrace.core.application_events import OmittedEvent, ToolResult
from flask_headrace.testing import FakeProvider, read_stream
from tests.support.event_sequences import SIZES, batches, sequences
from tests.support.reader import QUESTION
from tests.testing.application import make_application

STARTED = ResponseStarted("s1", "acme/tiny", "acme")
USAGE = Usage(9, 2, cost=0.5)
HELLO: list[Event] = [STARTED, TextDelta("Hel"), TextDelta("lo"), USAGE, Completed("stop")]
CALL: list[Event] = [ToolCallStarted(0, "c1", "find"), ToolCallDelta(0, '{"q":'), ToolCallDelta(0, "1}"), ToolCallCompleted(0, {"q": 1})]  # fmt: skip  # noqa: E501


def is_received(event: Event) -> bool:
    """Whether a native client gets an event."""
    return is_reasoning_state(event) if isinstance(event, ProviderEvent) else not isinstance(event, OmittedEvent)


def as_received(event: Event) -> Event:
    """Return an event as a native client gets it: an error without the result that is ignored beside it."""
    is_error = isinstance(event, ToolResult) and event.error is not None
    return msgspec.structs.replace(event, result=None) if is_error else event


class TestEvents:
    @settings(max_examples=50)
    @given(sequences(), SIZES)
    def test_are_those_that_were_sent(self, events: list[Event], sizes: list[int]) -> None:
        expected = [as_received(event) for event in events if is_received(event)]
        body = b"".join([encode(batch) for batch in batches(events, sizes)])
        assert read_stream(body).events == expected
        assert read_stream(encode(events, 1, b"-3f9a0c1e")).events == expected

    @pytest.mark.parametrize(
        "event",
        [
            ReasoningSignature("s", is_redacted=True),
            AnswerRestarted("the model failed", "acme/big"),
            TextDelta("line\nline\r\u2028 : data: 🌊"),
            Failed("mine", "so", retryable=True),
            Cancelled("reader_stalled"),
        ],
    )
    def test_of_each_kind_are_values(self, event: Event) -> None:
        assert read_stream(encode([STARTED, event])).events == [STARTED, event]

    def test_are_read_over_heartbeats_and_unknown_frames(self) -> None:
        unknown = b'event: weather\ndata: {"sun":1}\n\n'
        body = HEARTBEAT + unknown + encode(HELLO[:2]) + unknown + HEARTBEAT + encode(HELLO[2:])
        assert read_stream(body).events == HELLO

    @pytest.mark.parametrize("ends", ["\r\n", "\r"])
    def test_are_read_with_each_line_end(self, ends: str) -> None:
        assert read_stream(encode(HELLO).decode().replace("\n", ends)).events == HELLO


@pytest.mark.parametrize(
    "body",
    [
        encode(HELLO),
        encode(HELLO).decode(),
        bytearray(encode(HELLO)),
        [encode(HELLO)],
        iter([encode([event]) for event in HELLO]),
        (character for character in encode(HELLO).decode()),
        encode(HELLO).decode().strip(),
    ],
    ids=["bytes", "text", "bytearray", "list", "iterator", "characters", "stripped"],
)
def test_body_alone_is_read(body: Any) -> None:
    reading = read_stream(body)
    assert reading.events == HELLO
    assert (reading.status, reading.error) == (None, None)
    answer = reading.answer
    assert (answer.id, answer.model, answer.provider, answer.text) == ("s1", "acme/tiny", "acme", "Hello")
    assert (answer.end, answer.reason, answer.is_whole, answer.is_cut) == ("done", "stop", True, False)
    assert (answer.usage, answer.protocol) == (USAGE, "native")
    assert answer.messages == ({"role": "assistant", "content": "Hello"},)


class TestAnswer:
    def test_has_the_calls(self) -> None:
        answer = read_stream(encode([STARTED, ReasoningDelta("hm"), *CALL, Completed("tool_calls")])).answer
        assert (answer.reasoning, answer.tool_calls) == ("hm", (ToolCall("c1", "find", {"q": 1}),))

    def test_has_the_document(self) -> None:
        events = [STARTED, TextDelta('{"a":'), TextDelta('"b"}'), Completed("stop")]
        body = NativeDocumentEncoder("all").encode(events)
        assert read_stream(body).answer.document == {"a": "b"}
        assert read_stream(body).events == events
        assert read_stream(encode(events)).answer.document is None

    def test_leaves_out_what_a_restart_has_voided(self) -> None:
        answer = read_stream(encode([STARTED, TextDelta("no"), AnswerRestarted("x", "a/b"), *HELLO[1:]])).answer
        assert (answer.text, answer.model) == ("Hello", "a/b")

    @pytest.mark.parametrize(
        ("terminal", "end", "reason"),
        [
            (Failed("stall_timeout", "Silent.", retryable=True), "failed", "stall_timeout"),
            (Cancelled("stopped"), "cancelled", "stopped"),
            (Completed("length"), "done", "length"),
        ],
    )
    def test_that_is_not_whole_says_so(self, terminal: Event, end: str, reason: str) -> None:
        reading = read_stream(encode([*HELLO[:3], terminal]))
        assert (reading.answer.end, reading.answer.reason, reading.answer.is_whole) == (end, reason, False)
        assert reading.error == (terminal if isinstance(terminal, Failed) else None)

    def test_that_is_cut_at_any_byte_says_so(self) -> None:
        body = encode([*HELLO[:3], *CALL, *HELLO[3:]])
        for size in range(len(encode([STARTED])), len(body) - len(b"\n\n")):
            reading = read_stream(body[:size])
            answer = reading.answer
            if not body[:size].rstrip().endswith(b"[DONE]"):
                assert (answer.end, answer.reason, answer.is_whole, answer.is_cut) == ("failed", "cut", False, True)
            assert "Hello".startswith(answer.text)

    @pytest.mark.parametrize("place", range(len(CALL) + 1))
    def test_that_is_resumed_within_a_call_is_read(self, place: int) -> None:
        events = [*CALL[place:], USAGE, Completed("tool_calls")]
        reading = read_stream(encode(events, 7))
        assert reading.events == events
        assert reading.answer.is_whole

    @pytest.mark.parametrize("error", [BrokenPipeError(), ConnectionResetError()])
    def test_of_a_broken_connection_is_cut(self, error: OSError) -> None:
        def chunks() -> Any:
            yield encode(HELLO[:2])
            raise error

        reading = read_stream(chunks())
        assert (reading.answer.text, reading.answer.reason) == ("Hel", "cut")


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    shop = make_application()
    FakeProvider().answers("Hello", ToolCall("c1", "find", {"q": 1}), Usage(9, 2), times=None).install(shop.app)
    return shop.client


ANN = {"X-User": "ann"}
MESSAGES = [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]
OTHERS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": QUESTION, "model": "a/b"},
    "/v1/responses": {"input": "hi", "model": "a/b"},
    "/v1/messages": {"messages": QUESTION, "model": "a/b", "max_tokens": 9},
    "/ai/chat": {"id": "c", "messages": MESSAGES},
    "/ai/v4/chat": {"id": "c", "messages": QUESTION},
}


class TestResponses:
    @pytest.mark.parametrize("path", OTHERS)
    @pytest.mark.parametrize("stream", [True, False])
    def test_of_other_protocols_are_refused(self, client: FlaskClient, path: str, stream: bool) -> None:
        fields = {"stream": stream} if path.startswith("/v1") else {}
        response = client.post(path, json={**OTHERS[path], **fields}, headers=ANN)
        assert response.status_code == 200
        with pytest.raises(ValueError, match="no answer in the native protocol: it has"):
            read_stream(response)

    @pytest.mark.parametrize("path", OTHERS)
    def test_of_errors_in_other_protocols_have_code_and_message(self, client: FlaskClient, path: str) -> None:
        error = read_stream(client.post(path, json={}, headers=ANN)).error
        assert error is not None
        assert error.message

    @pytest.mark.parametrize("stream", [True, False])
    def test_of_the_endpoint_are_read(self, client: FlaskClient, stream: bool) -> None:
        reading = read_stream(client.post("/api/chat", json={"messages": QUESTION, "stream": stream}, headers=ANN))
        answer = reading.answer
        assert (answer.text, answer.tool_calls, answer.reason) == (
            "Hello",
            (ToolCall("c1", "find", {"q": 1}),),
            "tool_calls",
        )
        assert [type(event) for event in reading.events] == [
            ResponseStarted, TextDelta, ToolCallStarted, ToolCallDelta, ToolCallCompleted, Usage, Completed,
        ]  # fmt: skip
        assert (answer.model, answer.usage.output_tokens, reading.status) == ("openai/gpt-5", 2, 200)
        assert answer.request_id

    def test_can_be_read_twice(self, client: FlaskClient) -> None:
        response = client.post("/api/chat", json={"messages": QUESTION}, headers=ANN)
        assert response.text
        assert read_stream(response).events == read_stream(response).events != []

    def test_of_an_error_have_its_code(self, client: FlaskClient) -> None:
        reading = read_stream(client.post("/api/chat", json={"messages": []}, headers=ANN))
        assert reading.error is not None
        assert (reading.status, reading.answer.end, reading.answer.reason) == (400, "failed", "invalid_request")
        assert reading.events == [reading.error]
        assert not reading.error.retryable

    def test_of_a_refusal_of_the_application_have_its_status(self, client: FlaskClient) -> None:
        refused = read_stream(client.post("/ask", data="hi", headers=ANN))
        assert (refused.status, refused.answer.reason) == (415, "http_415")
        assert read_stream(client.post("/api/chat", json={"messages": QUESTION})).status == 403
        assert read_stream(client.get("/nowhere")).answer.reason == "http_404"

    @pytest.mark.parametrize(
        ("path", "says"), [("/to-login", "302.*login"), ("/healthz", "native"), ("/", "native"), ("/empty", "no body")]
    )  # fmt: skip
    def test_that_are_no_answers_are_refused(self, path: str, says: str) -> None:
        shop = make_application()
        shop.app.add_url_rule("/to-login", "login", view_func=lambda: ("", 302, {"Location": "/login"}))
        shop.app.add_url_rule("/empty", view_func=lambda: ("", 204))
        with pytest.raises(ValueError, match=says):
            read_stream(shop.client.get(path, headers=ANN))

    @pytest.mark.parametrize("value", [None, 7, object(), [1, 2], [None]])
    def test_are_expected(self, value: Any) -> None:
        with pytest.raises(TypeError, match=r"response|body"):
            read_stream(value)


def test_text_that_was_sent_before_an_error_is_read() -> None:
    body = json.dumps({"error": {"code": "answer_invalid", "message": "No."}, "text": "Hel"})

    class Response:
        status_code, headers = 502, {"content-type": "application/json"}

        def iter_bytes(self) -> list[bytes]:
            return [body.encode()]

    reading = read_stream(Response())
    assert reading.events == [TextDelta("Hel"), Failed("answer_invalid", "No.", retryable=True)]
    assert (reading.answer.text, reading.answer.end) == ("Hel", "failed")
