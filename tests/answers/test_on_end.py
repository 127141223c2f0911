"""`on_end`: an application gets each answer once, whole or not, and what readers were sent of it, no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.answers.stage import HOST, Told, answer_of, ask, settings_for
from tests.support.host import Host
from tests.support.reader import QUESTION, Reading, send
from tests.support.upstream import Gate, Reasoning, ToolCall, Upstream, anthropic_wire, openai_wire


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "answers")


@pytest.fixture(scope="module")
def host(upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), HOST, **settings_for(upstream, told)) as running:
        yield running


def test_a_whole_answer_is_told_with_what_was_asked(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("whole", openai_wire.answer("The ", "mill."))
    sent = ask(host, model="openai/whole", system="Be short.")
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert (answer["text"], answer["end"], answer["reason"]) == ("The mill.", "done", "stop")
    assert (answer["owner"], answer["model"], answer["provider"]) == ("alice", "openai/whole", "openai")
    assert (answer["protocol"], answer["request_id"]) == ("native", sent.headers["x-request-id"])
    assert answer["question"] == QUESTION
    assert answer["messages"] == [{"role": "assistant", "content": "The mill."}]
    assert (answer["is_whole"], answer["is_cut"]) == (True, False)
    assert answer["usage"]["output_tokens"] == sent.named("usage")[0]["output_tokens"]
    assert answer["started_at"] < answer["ended_at"]


def test_the_answer_and_the_next_turn_are_the_next_question(host: Host, told: Told, upstream: Upstream) -> None:
    call = ToolCall("c1", "find", ('{"place": ', '"mill"}'))
    upstream.answer("calls", openai_wire.answer("Let me look. ", call))
    first = answer_of(host, told, ask(host, model="openai/calls").headers["headrace-stream-id"])
    (made,) = first["tool_calls"]
    assert (made["name"], made["arguments"]) == ("find", {"place": "mill"})
    result = {"role": "tool", "tool_call_id": made["id"], "content": "red"}
    upstream.answer("next", openai_wire.answer("Red."))
    following = [*first["question"], *first["messages"], result]
    assert ask(host, "/own", model="openai/next", messages=following, stream=False).json["text"] == "Red."
    *_, request = upstream.requests("next")
    assert [message["role"] for message in request.body["messages"]] == ["user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("path", "body", "protocol"),
    [
        ("/v1/chat/completions", {"messages": QUESTION}, "openai"),
        ("/v1/responses", {"input": "hi"}, "openai-responses"),
        ("/v1/messages", {"messages": QUESTION, "max_tokens": 9}, "anthropic"),
        ("/ai/text", {"messages": QUESTION}, "text"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_answers_of_each_protocol_are_told(
    host: Host, told: Told, upstream: Upstream, path: str, body: dict[str, Any], protocol: str, *, stream: bool
) -> None:
    upstream.answer("spoken", openai_wire.answer("in each"))
    fields = {} if path == "/ai/text" else {"stream": stream}
    sent = send(f"{host.url}/assistant{path}", {"model": "openai/spoken", **body, **fields})
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert (answer["protocol"], answer["text"], answer["is_whole"]) == (protocol, "in each", True)
    assert [message["role"] for message in answer["question"]] == ["user"]


def test_the_signed_reasoning_is_in_the_messages(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("thinks", anthropic_wire.answer(Reasoning("Hm."), "Yes."))
    answer = answer_of(host, told, ask(host, model="anthropic/thinks").headers["headrace-stream-id"])
    assert (answer["reasoning"], answer["text"]) == ("Hm.", "Yes.")
    thought = answer["messages"][0]["content"][0]
    assert (thought["type"], thought["text"], thought["signature"]) == ("reasoning", "Hm.", anthropic_wire.SIGNATURE)


def test_a_refusal_is_told_as_failed(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("refused", openai_wire.error(400))
    sent = ask(host, model="openai/refused")
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert sent.status == 400
    assert (answer["end"], answer["text"], answer["messages"], answer["is_whole"]) == ("failed", "", [], False)


def test_a_reader_that_leaves_is_told_with_what_it_got(host: Host, told: Told, upstream: Upstream) -> None:
    gate = Gate("left")
    upstream.answer("left", openai_wire.answer("seen ", gate, "never"))
    with Reading(host.url + "/assistant/api/chat", {"messages": QUESTION, "model": "openai/left"}) as reading:
        stream_id = reading.response().getheader("Headrace-Stream-Id")
        reading.until(b"seen ")
    answer = answer_of(host, told, stream_id)
    assert (answer["end"], answer["reason"], answer["text"]) == ("cancelled", "reader_left", "seen ")
    assert (answer["is_whole"], answer["messages"]) == (False, [{"role": "assistant", "content": "seen "}])


def test_what_the_reader_never_took_is_not_in_it(host: Host, told: Told, upstream: Upstream) -> None:
    """The model has finished, and the reader leaves while most of the answer waits for it."""
    pieces = ["x" * 1000] * 3000
    upstream.answer("long", openai_wire.answer(*pieces))
    with Reading(host.url + "/assistant/api/chat", {"messages": QUESTION, "model": "openai/long"}) as reading:
        stream_id = reading.response().getheader("Headrace-Stream-Id")
        reading.until(b"xxx")
    answer = answer_of(host, told, stream_id)
    assert not answer["is_whole"]


def test_an_answer_beyond_the_bound_says_that_it_is_cut(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("huge", openai_wire.answer(*["y" * 1000] * 150))
    sent = ask(host, model="openai/huge")
    assert len(sent.text) == 150_000
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert (answer["is_cut"], answer["is_whole"], answer["end"]) == (True, False, "done")
    assert 100_000 <= len(answer["text"]) < 150_000


def test_a_stopped_stream_is_told_with_what_came(host: Host, told: Told, upstream: Upstream) -> None:
    gate = Gate("stopped")
    upstream.answer("stopped", openai_wire.answer("so far", gate, "never"))
    body = {"messages": QUESTION, "model": "openai/stopped", "resumable": True}
    with Reading(host.url + "/assistant/api/chat", body) as reading:
        stream_id = reading.response().getheader("Headrace-Stream-Id")
        reading.until(b"so far")
        assert send(f"{host.url}/assistant/api/streams/{stream_id}", method="DELETE").status == 204
    answer = answer_of(host, told, stream_id)
    assert (answer["end"], answer["reason"], answer["text"]) == ("cancelled", "stopped", "so far")


def test_a_document_is_told_as_a_value(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("document", openai_wire.answer('{"mill": ', '"red"}'))
    sent = ask(host, model="openai/document", schema={"type": "object", "properties": {"mill": {"type": "string"}}})
    assert answer_of(host, told, sent.headers["headrace-stream-id"])["document"] == {"mill": "red"}


def test_a_generator_of_the_application_is_told(host: Host, told: Told) -> None:
    sent = send(host.url + "/generator", method="GET")
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert (answer["text"], answer["chat"], answer["owner"]) == ("one two", "c9", "gen")
    assert answer["context"] == {"any": "value"}
    assert answer["question"] == []
    assert [call["name"] for call in answer["tool_calls"]] == ["find"]


def test_a_function_of_one_view_is_called_for_its_streams_alone(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("only", openai_wire.answer("hi"))
    sent = ask(host, "/own", model="openai/only", only=True, context=[1, 2])
    stream_id = sent.headers["headrace-stream-id"]
    host.wait_until(lambda: told.about(stream_id, "only"))
    assert [entry["context"] for entry in told.about(stream_id, "only")] == [[1, 2]]


def test_one_that_raises_is_logged_and_harms_nobody(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("breaks", openai_wire.answer("hi"))
    sent = ask(host, "/own", model="openai/breaks", context="break", only=True)
    stream_id = sent.headers["headrace-stream-id"]
    host.wait_until(lambda: told.about(stream_id, "signal"))
    assert told.about(stream_id, "only")
    assert f"broken failed for stream {stream_id}" in host.log()
    assert "ZeroDivisionError: no such table" in host.log()


def test_each_call_has_an_application_context_that_ends_with_it(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("context", openai_wire.answer("hi"))
    stream_id = ask(host, model="openai/context").headers["headrace-stream-id"]
    host.wait_until(lambda: told.about(stream_id, "signal"))
    assert len(told.about(stream_id, "closed")) == 1
    assert told.about(stream_id, "signal")[0]["app"] == "hosting"
    assert told.about(stream_id, "signal")[0]["text"] == "hi"


def test_a_context_that_cannot_be_stored_is_refused(host: Host, upstream: Upstream) -> None:
    upstream.answer("deep", openai_wire.answer("hi"))
    sent = ask(host, "/own", model="openai/deep", resumable=True, context="\ud800")
    assert sent.status == 400
    assert "cannot be stored with a resumable stream" in sent.error["message"]
