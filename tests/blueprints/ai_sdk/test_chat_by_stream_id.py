"""/api/streams/<id>?protocol=ui-messages: the AI SDK's protocol from version 5 on, by a stream's id and a cursor."""

from __future__ import annotations

from typing import Any

import pytest

from tests.streaming.resume.across_workers.stage import Steady
from tests.support.reader import Answer, Reading, ask, send
from tests.support.service import Service
from tests.support.upstream import Hang, Upstream, openai_wire


def chat_body(model: str, **fields: Any) -> dict[str, Any]:
    question = {"role": "user", "parts": [{"type": "text", "text": "hi"}]}
    return {"messages": [question], "model": f"openai/{model}", "resumable": True, **fields}


def id_of(begun: Answer) -> str:
    return str(begun.headers["headrace-stream-id"])


def follow(service: Service, stream_id: str, after: int = 0) -> Answer:
    return send(f"{service.url}/api/streams/{stream_id}?protocol=ui-messages&last_event_id={after}", method="GET")


@pytest.mark.parametrize("fields", [{}, {"ai": 7}, {"id": "a chat by its stream"}])
def test_a_chat_is_followed_byte_for_byte(service: Service, upstream: Upstream, fields: dict[str, Any]) -> None:
    upstream.answer("ui-by-id", openai_wire.answer("one", " two"))
    begun = send(f"{service.url}/ai/chat", chat_body("ui-by-id", **fields))
    followed = follow(service, id_of(begun))
    assert followed.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert followed.body == begun.body


def test_an_answer_to_a_tools_output_continues_its_message(service: Service, upstream: Upstream) -> None:
    upstream.answer("ui-after-tool", openai_wire.answer("one"))
    call = {"type": "tool-find", "toolCallId": "c1", "state": "output-available", "input": {}, "output": "deep"}
    body = chat_body("ui-after-tool")
    answer = {"role": "assistant", "parts": [{"type": "step-start"}, call]}
    begun = send(f"{service.url}/ai/chat", {**body, "messages": [*body["messages"], answer]})
    assert b'"messageId"' not in begun.body
    assert follow(service, id_of(begun)).body == begun.body


def test_a_chat_is_continued_after_a_cursor(service: Service, upstream: Upstream) -> None:
    upstream.answer("ui-rest", openai_wire.answer("one", " two"))
    begun = send(f"{service.url}/ai/chat", chat_body("ui-rest"))
    assert follow(service, id_of(begun), after=2).body == begun.body[begun.body.index(b"id: 3-") :]


@pytest.mark.parametrize(("ai", "reason"), [(None, b""), (5, b""), (7, b',"reason":"stopped"')])
def test_a_stop_by_the_streams_id_is_written_for_the_version_that_the_question_named(
    service: Service, upstream: Upstream, ai: int | None, reason: bytes
) -> None:
    upstream.answer(f"ui-stopped-{ai}", openai_wire.answer("one", Hang()))
    own = Steady(Reading(f"{service.url}/ai/chat", chat_body(f"ui-stopped-{ai}", ai=ai)))
    own.has(b'"one"')
    assert send(f"{service.url}/api/streams/{own.id}", method="DELETE").status == 204
    body = own.read()
    assert body.endswith(b'data: {"type":"abort"%b}\n\n' % reason)
    assert follow(service, own.id).body == body
    upstream.closed(f"ui-stopped-{ai}")


def test_a_stream_that_began_in_another_protocol_is_followed_too(service: Service, upstream: Upstream) -> None:
    upstream.answer("ui-native", openai_wire.answer("one"))
    begun = ask(service.url, "openai/ui-native", resumable=True)
    followed = follow(service, id_of(begun)).body
    assert b'"type":"start","messageId":"' + id_of(begun).encode() in followed
    assert followed.endswith(b"data: [DONE]\n\n")
