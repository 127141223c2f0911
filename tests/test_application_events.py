"""What an application adds to its answers, under gunicorn: in each protocol, whole, resumed, and where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from tests.support.host import Host
from tests.support.reader import Answer, Reading, send

HOST = """
import os, threading, time
from flask import Flask, request
from flask_headrace import (
    Data, File, Headrace, Source, StepStarted, ToolCallCompleted, ToolCallStarted, ToolResult,
)

app = Flask(__name__)
app.config["HEADRACE_EMBEDDED"] = False
headrace = Headrace(app, url_prefix="/a", authorize=lambda: "alice")
WAITS = {}


@app.get("/healthz")
def health():
    return "ok"


def agent():
    yield Data("progress", "looking", transient=True)
    yield ToolCallStarted(0, "c1", "find")
    yield ToolCallCompleted(0, {"place": "mill"})
    yield ToolResult(0, {"depth": 3})
    yield ToolCallStarted(1, "c2", "find")
    yield [ToolCallCompleted(1, {}), ToolResult(1, error="No place.")]
    yield StepStarted()
    yield [Source("https://mill.example/", "The mill"), Source("https://wheel.example/")]
    yield "It is deep."
    yield Source(title="Plan", media_type="application/pdf", filename="plan.pdf")
    yield File("image/png", data=b"\\x89PNG")
    yield [Data("depth", 1, "d"), Data("depth", 3, "d")]


@app.route("/agent/<protocol>", methods=["GET", "POST"])
@app.post("/agent/<protocol>/v1/messages", endpoint="messages")
@app.post("/agent/<protocol>/chat/completions", endpoint="completions")
@app.post("/agent/<protocol>/responses", endpoint="responses")
def answer(protocol):
    body = request.get_json(silent=True) or {}
    is_streamed = body.get("stream", "whole" not in request.args and request.method == "GET")
    stream_id = request.args.get("id")
    return headrace.stream_from(
        agent(), protocol=protocol, stream=is_streamed, resumable=stream_id is not None, id=stream_id
    )


@app.get("/live")
def live():
    def pieces():
        for number in range(3):
            yield Data("progress", f"secret-{number}", transient=True)
            yield f"{number} "
            if number == 0:
                while not os.path.exists(request_path):
                    time.sleep(0.01)
    stream_id, request_path = request.args["id"], request.args["until"]
    return headrace.stream_from(pieces(), resumable=True, id=stream_id)


class Opaque:
    pass


WRONG = {
    "object": lambda: Opaque(),
    "value": lambda: Data("x", Opaque()),
    "result": lambda: [ToolCallStarted(0, "c", "f"), ToolCallCompleted(0, {}), ToolResult(0, {"a": Opaque()})],
    "no-call": lambda: ToolResult(7, 1),
    "open-call": lambda: [ToolCallStarted(0, "c", "f"), ToolResult(0, 1)],
    "name": lambda: Data("a b", 1),
    "no-url": lambda: File("image/png"),
    "nothing": lambda: Source(),
    "bytes": lambda: b"text",
    "dict": lambda: {"a": 1},
    "large": lambda: File("image/png", data=bytes(9_000_000)),
}


@app.get("/wrong/<kind>")
def wrong(kind):
    def pieces():
        yield "begun "
        yield WRONG[kind]()
    return headrace.stream_from(pieces())
"""
PROTOCOLS = ["native", "openai", "openai-responses", "anthropic", "ai-sdk", "ai-sdk-v4", "text"]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("own"), HOST) as running:
        yield running


def get(host: Host, path: str) -> Answer:
    return send(host.url + path, method="GET")


class TestNative:
    def test_each_is_a_named_frame(self, host: Host) -> None:
        answer = get(host, "/agent/native")
        assert answer.is_done
        assert answer.text == "It is deep."
        assert [tool for tool in answer.named("tool") if "result" in tool or "error" in tool] == [
            {"call": 0, "result": {"depth": 3}},
            {"call": 1, "error": "No place."},
        ]
        assert answer.named("step") == [{}]
        assert answer.named("source") == [
            {"url": "https://mill.example/", "title": "The mill", "id": "source-1"},
            {"url": "https://wheel.example/", "id": "source-2"},
            {"title": "Plan", "media_type": "application/pdf", "filename": "plan.pdf", "id": "source-3"},
        ]
        assert answer.named("file") == [{"media_type": "image/png", "url": "data:image/png;base64,iVBORw=="}]
        assert answer.named("data") == [
            {"name": "progress", "value": "looking", "transient": True},
            {"name": "depth", "id": "d", "value": 1},
            {"name": "depth", "id": "d", "value": 3},
        ]

    def test_a_whole_answer_has_them_all_but_what_is_transient(self, host: Host) -> None:
        body = get(host, "/agent/native?whole=1").json
        assert body["text"] == "It is deep."
        assert body["tool_calls"] == [
            {"id": "c1", "name": "find", "arguments": {"place": "mill"}, "result": {"depth": 3}},
            {"id": "c2", "name": "find", "arguments": {}, "error": "No place."},
        ]
        assert [source["id"] for source in body["sources"]] == ["source-1", "source-2", "source-3"]
        assert body["files"] == [{"media_type": "image/png", "url": "data:image/png;base64,iVBORw=="}]
        assert body["data"] == [{"name": "depth", "id": "d", "value": 3}]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_protocol_has_the_text_and_a_proper_end(host: Host, protocol: str) -> None:
    answer = get(host, f"/agent/{protocol}")
    assert answer.status == 200
    assert b"It is deep." in answer.body
    assert b"error" not in answer.body.replace(b"tool-output-error", b"").replace(b"errorText", b"").replace(
        b'"error":"No place."', b""
    ).replace(b'"error":null', b"").replace(b'{"error":', b"")
    if protocol == "text":
        assert answer.body == b"It is deep."


class TestSDKs:
    """OpenAI's and Anthropic's own packages read what has a place there."""

    def test_chat_completions_cite_web_pages(self, host: Host) -> None:
        client = OpenAI(base_url=f"{host.url}/agent/openai", api_key="x", max_retries=0)
        with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}]) as stream:
            streamed = stream.get_final_completion().choices[0].message
        whole = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=False)
        for message in (streamed, whole.choices[0].message):
            assert message.content == "It is deep."
            cited = [annotation.url_citation for annotation in message.annotations or ()]
            assert [(one.url, one.title) for one in cited] == [
                ("https://mill.example/", "The mill"),
                ("https://wheel.example/", "https://wheel.example/"),
            ]

    def test_responses_cite_web_pages(self, host: Host) -> None:
        client = OpenAI(base_url=f"{host.url}/agent/openai-responses", api_key="x", max_retries=0)
        with client.responses.stream(model="m", input="hi") as stream:
            names = [event.type for event in stream]
            streamed = stream.get_final_response()
        whole = client.responses.create(model="m", input="hi", stream=False)
        assert names.count("response.output_text.annotation.added") == 2
        for response in (streamed, whole):
            assert response.output_text == "It is deep."
            (part,) = response.output[-1].content  # type: ignore[union-attr]
            assert [annotation.url for annotation in part.annotations] == [  # type: ignore[union-attr]
                "https://mill.example/", "https://wheel.example/",
            ]  # fmt: skip

    def test_anthropics_messages_have_calls_and_text(self, host: Host) -> None:
        client = Anthropic(base_url=f"{host.url}/agent/anthropic", api_key="x", max_retries=0)
        asked: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
        with client.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()
        for message in (streamed, client.messages.create(**asked)):
            assert [block.type for block in message.content] == ["tool_use", "tool_use", "text"]
            assert message.content[-1].text == "It is deep."  # type: ignore[union-attr]


class TestTransient:
    def test_goes_to_whom_reads_now_and_to_nobody_later(self, host: Host, tmp_path: Any) -> None:
        go, stream_id = tmp_path / "go", "transient-live-1"
        url = f"{host.url}/live?id={stream_id}&until={go}"
        with Reading(url, method="GET") as first:
            begun = first.until(b'{"delta":"0 "}')
            with Reading(f"{host.url}/a/api/streams/{stream_id}", method="GET") as late:
                late.until(b'{"delta":"0 "}')
                go.touch()
                replayed, rest = b"".join(late.chunks()), b"".join(first.chunks())
        assert [number for number in range(3) if f"secret-{number}".encode() in begun + rest] == [0, 1, 2]
        assert [number for number in range(3) if f"secret-{number}".encode() in replayed] == [1, 2]
        for protocol in ("native", "ui-messages", "openai", "openai-responses", "anthropic", "data-v1", "text"):
            again = get(host, f"/a/api/streams/{stream_id}?protocol={protocol}")
            assert again.status == 200
            assert b"secret" not in again.body

    def test_leaves_the_numbers_of_the_others(self, host: Host, tmp_path: Any) -> None:
        go, stream_id = tmp_path / "go", "transient-live-2"
        go.touch()
        first = get(host, f"/live?id={stream_id}&until={go}")
        again = get(host, f"/a/api/streams/{stream_id}")
        assert ids(first) == list(range(1, len(ids(first)) + 1))
        assert ids(again) == [number for number in ids(first) if number not in {2, 4, 6}]
        assert again.text == first.text == "0 1 2 "
        assert get(host, f"/a/api/streams/{stream_id}?last_event_id=5").text == "2 "


def ids(answer: Answer) -> list[int]:
    lines = answer.body.decode().splitlines()
    return [int(line.removeprefix("id: ").partition("-")[0]) for line in lines if line.startswith("id: ")]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_resumable_answer_is_the_same_again_without_what_is_transient(host: Host, protocol: str) -> None:
    path = f"/agent/{protocol}?id=own-events-{protocol:-<18}"
    first, again = get(host, path), get(host, path)
    assert b"looking" not in again.body
    if protocol in {"openai", "anthropic", "text"}:
        assert again.body == first.body
    assert b"It is deep." in again.body


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("object", "an object of type Opaque"), ("value", "an object of type Data"), ("value", "type Opaque"),
        ("result", "an object of type ToolResult"), ("no-call", "call 7, which was never made"),
        ("open-call", "call 0, which is not complete"), ("name", "the name of Data is"), ("no-url", "a url or data"),
        ("nothing", "a Source needs"), ("bytes", "an object of type bytes"), ("dict", "an object of type dict"),
        ("large", "more than 8388608 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_a_failure_that_names_it(host: Host, kind: str, says: str) -> None:
    (error,) = get(host, f"/wrong/{kind}").named("error")
    assert (error["code"], error["retryable"]) == ("invalid_source", False)
    assert says in error["message"]
    assert "reference" in error["message"]
    reference = error["message"].rpartition(" ")[2].rstrip(".")
    host.wait_until(lambda: reference in host.log())


def test_the_sdk_of_vercel_gets_valid_json(host: Host) -> None:
    lines = get(host, "/agent/ai-sdk").body.decode().splitlines()
    frames = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert [frame["type"] for frame in frames if not frame["type"].startswith("tool-input")] == [
        "start", "start-step", "data-progress", "tool-output-available", "finish-step", "start-step",
        "tool-output-error", "finish-step", "start-step", "source-url", "source-url", "text-start", "text-delta",
        "source-document", "file", "data-depth", "data-depth", "text-end", "finish-step", "finish",
    ]  # fmt: skip
