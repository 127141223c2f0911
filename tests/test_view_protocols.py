"""Views of an application answer in each protocol; the stream of a generator is resumed, stopped and checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.host import Host
from tests.support.reader import Answer, Reading, send
from tests.support.upstream import Upstream, openai_wire

HOST = """
import threading, time
from flask import Flask, abort, request
from flask_headrace import Headrace, ReasoningDelta

app = Flask(__name__)
app.config["HEADRACE_EMBEDDED"] = False
headrace = Headrace(app, url_prefix="/a", authorize=lambda: request.headers.get("X-User") or abort(401))
begun = []


@app.get("/healthz")
def health():
    return begun


@app.get("/model/<protocol>")
def model(protocol):
    fields = request.args.to_dict()
    if "stream" in fields:
        fields["stream"] = False
    return headrace.stream([{"role": "user", "content": "hi"}], protocol=protocol, **fields)


@app.get("/own/<protocol>")
def own(protocol):
    def pieces():
        begun.append(request_id)
        yield ReasoningDelta("hm")
        yield from ["one ", "two"]
        if wait:
            time.sleep(60)
    request_id, wait = request.args.get("id"), request.args.get("wait")
    return headrace.stream_from(
        pieces(), protocol=protocol, model="mine/agent", resumable=request_id is not None, id=request_id,
        stream="whole" not in request.args,
    )


@app.get("/document")
def document():
    text = request.args["text"]
    return headrace.stream_from(iter(text), schema={"type": "object", "required": ["mill"]})
"""

TYPES = {
    "native": "text/event-stream; charset=utf-8",
    "openai": "text/event-stream; charset=utf-8",
    "openai-responses": "text/event-stream; charset=utf-8",
    "anthropic": "text/event-stream; charset=utf-8",
    "ai-sdk": "text/event-stream; charset=utf-8",
    "ai-sdk-v4": "text/plain; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}
MARKS = {
    "native": b'data: {"delta":"one "}',
    "openai": b'"object":"chat.completion.chunk"',
    "openai-responses": b"event: response.output_text.delta",
    "anthropic": b"event: content_block_delta",
    "ai-sdk": b'data: {"type":"text-delta"',
    "ai-sdk-v4": b'0:"one "\n',
    "text": b"one two",
}
WHOLE = {
    "native": lambda body: body["text"],
    "openai": lambda body: body["choices"][0]["message"]["content"],
    "openai-responses": lambda body: body["output"][-1]["content"][0]["text"],
    "anthropic": lambda body: body["content"][-1]["text"],
}


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    settings = {"OPENAI_BASE_URL": upstream.url + "/v1", "OPENAI_API_KEY": "sk-test-openai"}
    with Host(tmp_path_factory.mktemp("protocols"), HOST, **settings) as running:
        yield running


def get(host: Host, path: str, user: str | None = "alice", method: str = "GET") -> Answer:
    return send(host.url + path, method=method, headers={"X-User": user} if user else {})


@pytest.mark.parametrize("protocol", TYPES)
def test_a_generator_is_streamed_in_each_protocol(host: Host, protocol: str) -> None:
    answer = get(host, f"/own/{protocol}")
    assert (answer.status, answer.headers["content-type"]) == (200, TYPES[protocol])
    assert MARKS[protocol] in answer.body


@pytest.mark.parametrize("protocol", TYPES)
def test_a_model_answers_in_each_protocol(host: Host, upstream: Upstream, protocol: str) -> None:
    upstream.answer("mill", openai_wire.answer("one ", "two"))
    answer = get(host, f"/model/{protocol}?model=openai/mill")
    assert (answer.status, answer.headers["content-type"]) == (200, TYPES[protocol])
    assert MARKS[protocol] in answer.body


@pytest.mark.parametrize("protocol", WHOLE)
@pytest.mark.parametrize("path", ["/own/{}?whole=1", "/model/{}?model=openai/mill&stream=0"])
def test_whole_answers_have_the_protocols_form(host: Host, upstream: Upstream, protocol: str, path: str) -> None:
    upstream.answer("mill", openai_wire.answer("one ", "two"))
    answer = get(host, path.format(protocol))
    assert answer.headers["content-type"] == "application/json"
    assert WHOLE[protocol](answer.json) == "one two"


@pytest.mark.parametrize("protocol", sorted(TYPES.keys() - WHOLE.keys()))
def test_a_protocol_without_whole_answers_says_so(host: Host, protocol: str) -> None:
    answer = get(host, f"/own/{protocol}?whole=1")
    assert answer.status == 400
    assert f"stream is False and protocol is '{protocol}', whose answers are always streamed" in answer.body.decode()


def test_an_unknown_protocol_is_named(host: Host) -> None:
    assert "protocol is 'soap': it must be one of native, openai," in get(host, "/own/soap").error["message"]


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("native", lambda body: body["error"]["message"]),
        ("openai", lambda body: body["error"]["message"]),
        ("openai-responses", lambda body: body["error"]["message"]),
        ("anthropic", lambda body: body["error"]["message"]),
    ],
)
def test_an_error_has_the_protocols_form(host: Host, protocol: str, message: Any) -> None:
    answer = get(host, f"/model/{protocol}?model=nobody/x")
    assert answer.status == 404
    assert "nobody/x" in message(answer.json)


@pytest.mark.parametrize("protocol", ["ai-sdk", "ai-sdk-v4", "text"])
def test_an_error_is_text_for_the_ai_sdk(host: Host, protocol: str) -> None:
    answer = get(host, f"/model/{protocol}?model=nobody/x")
    assert (answer.status, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert answer.body.startswith(b"No model 'nobody/x'")


@pytest.mark.parametrize("protocol", ["native", "openai", "anthropic", "ai-sdk"])
def test_a_generators_stream_is_read_again_without_running_it_again(host: Host, protocol: str) -> None:
    stream_id = f"generator-{protocol:-<12}"
    first = get(host, f"/own/{protocol}?id={stream_id}")
    again = get(host, f"/own/{protocol}?id={stream_id}")
    assert MARKS[protocol] in first.body
    assert again.body == first.body
    assert send(host.url + "/healthz", method="GET").json.count(stream_id) == 1
    followed = get(host, f"/a/api/streams/{stream_id}")
    assert followed.text == "one two"


def test_a_generators_stream_belongs_to_whom_authorize_names(host: Host) -> None:
    get(host, "/own/native?id=generator-of-alice-1")
    assert get(host, "/a/api/streams/generator-of-alice-1", "bob").status == 404
    assert get(host, "/own/native?id=generator-of-alice-1", "bob").status == 409
    assert get(host, "/own/native?id=generator-of-nobody", None).status == 401


def test_a_generators_stream_is_stopped_by_its_id(host: Host) -> None:
    url = f"{host.url}/own/native?id=generator-stopped-1&wait=1"
    with Reading(url, method="GET", headers={"X-User": "alice"}) as reading:
        reading.until(b"two")
        assert get(host, "/a/api/streams/generator-stopped-1", method="DELETE").status == 204
        assert b'"reason":"stopped"' in reading.until(b"event: cancelled") + b"".join(reading.chunks())


@pytest.mark.parametrize(("text", "is_valid"), [('{"mill": 1}', True), ('{"inn": 1}', False)])
def test_a_generators_document_is_checked_against_its_schema(host: Host, text: str, *, is_valid: bool) -> None:
    answer = get(host, f"/document?text={text.replace(' ', '%20')}")
    assert answer.is_done is is_valid
    assert bool(answer.named("error")) is not is_valid
    assert answer.named("partial")
