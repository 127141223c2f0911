"""Each response below /v1 has the id of its request: whole or streamed, an answer or an error, of any endpoint."""

from __future__ import annotations

import json
import re
from typing import Any

import anthropic
import openai
import pytest
from flask import Flask

from flask_headrace import Headrace
from tests.support.reader import Answer, send
from tests.support.service import Service
from tests.support.upstream import Gate, Upstream, anthropic_wire, openai_wire

CHAT = [{"role": "user", "content": "hi"}]
MESSAGE = {"max_tokens": 9, "messages": CHAT}


def id_of(answer: Answer) -> str:
    ids = {answer.headers.get("request-id"), answer.headers.get("x-request-id")}
    assert len(ids) == 1
    (found,) = ids
    assert found is not None
    assert re.fullmatch(r"req_[A-Za-z0-9_-]{22}", found)
    return found


def logged(service: Service, request_id: str) -> dict[str, Any]:
    lines = service.wait_until(lambda: re.findall(rf"stream_end (.*{request_id}.*)", service.log()))
    assert len(lines) == 1
    return json.loads(lines[0])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/chat/completions", {"messages": CHAT}),
        ("/v1/responses", {"input": "hi"}),
        ("/v1/messages", MESSAGE),
    ],
)
class TestAnAnswer:
    def test_has_the_id_that_is_in_the_log(self, service: Service, upstream: Upstream, path, fields, stream) -> None:
        upstream.answer("identified", openai_wire.answer("ok"))
        body = {"model": "openai/identified", **fields, "stream": stream}
        answers = [send(service.url + path, body) for _ in range(2)]
        ids = [id_of(answer) for answer in answers]
        assert ids[0] != ids[1]
        assert [logged(service, each)["id"] for each in ids] == [
            answer.headers["headrace-stream-id"] for answer in answers
        ]

    def test_that_fails_has_it_too(self, service: Service, upstream: Upstream, path, fields, stream) -> None:
        upstream.answer("refused", openai_wire.error(429))
        answer = send(service.url + path, {"model": "openai/refused", **fields, "stream": stream})
        assert answer.status == 429
        assert logged(service, id_of(answer))["end"] == "failed"
        if path == "/v1/messages":
            assert answer.json["request_id"] == id_of(answer)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/models", None, 200),
        ("GET", "/v1/models/nobody/x", None, 404),
        ("POST", "/v1/models", {}, 405),
        ("GET", "/v1/nothing", None, 404),
        ("GET", "/v1/messages", None, 405),
        ("POST", "/v1/messages", {"messages": 1}, 400),
        ("POST", "/v1/responses", b"{", 400),
        ("POST", "/v1/chat/completions", {"model": "nobody/x", "messages": CHAT}, 404),
    ],
)
def test_every_other_answer_has_one(service: Service, method: str, path: str, body: Any, status: int) -> None:
    answer = send(service.url + path, body, method=method)
    assert answer.status == status
    assert id_of(answer)
    if path.startswith("/v1/messages"):
        assert answer.json["request_id"] == id_of(answer)
    anthropic_form = send(service.url + path, body, method=method, headers={"anthropic-version": "2023-06-01"})
    if status != 200 and path != "/v1/chat/completions":  # which answers in OpenAI's form whoever asks
        assert anthropic_form.json["request_id"] == id_of(anthropic_form)


def test_an_error_in_the_middle_of_a_stream_has_the_id_of_its_headers(service: Service, upstream: Upstream) -> None:
    upstream.answer("broken", anthropic_wire.failing_after(2))
    answer = send(service.url + "/v1/messages", {"model": "anthropic/broken", **MESSAGE, "stream": True})
    name, data = answer.frames[-1]
    assert (name, data["request_id"]) == ("error", id_of(answer))


def test_the_answers_of_an_application_that_serves_it_have_one() -> None:
    app = Flask("host")
    app.config["HEADRACE_EMBEDDED"] = False
    Headrace(app, url_prefix="/assistant", authorize=lambda: "somebody")
    refused = app.test_client().post("/assistant/v1/messages", data="{")
    assert refused.headers["request-id"] == refused.headers["x-request-id"] == refused.json["request_id"]


def test_openais_sdk_shows_it(service: Service, upstream: Upstream) -> None:
    upstream.answer("shown", openai_wire.answer("ok"))
    with openai.OpenAI(base_url=service.url + "/v1", api_key="any", max_retries=0) as client:
        completion = client.chat.completions.create(model="openai/shown", messages=CHAT)
        response = client.responses.create(model="openai/shown", input="hi")
        assert logged(service, completion._request_id or "")["end"] == "done"
        assert logged(service, response._request_id or "")["end"] == "done"
        with pytest.raises(openai.NotFoundError) as caught:
            client.responses.create(model="nobody/x", input="hi")
    assert caught.value.request_id.startswith("req_")


def test_anthropics_sdk_shows_it(service: Service, upstream: Upstream) -> None:
    upstream.answer("shown", anthropic_wire.answer("one", Gate("shown"), "two"))
    with anthropic.Anthropic(base_url=service.url, api_key="any", max_retries=0) as client:
        with client.messages.stream(model="anthropic/shown", **MESSAGE) as stream:
            upstream.open_gate("shown")
            message = stream.get_final_message()
            assert message.content[0].text == "onetwo"
            assert logged(service, stream.request_id or "")["end"] == "done"
        whole = client.messages.create(model="anthropic/shown", **MESSAGE)
        assert logged(service, whole._request_id or "")["end"] == "done"
        with pytest.raises(anthropic.NotFoundError) as caught:
            client.messages.create(model="nobody/x", **MESSAGE)
    assert caught.value.request_id == caught.value.body["request_id"]
