"""Unusual answers of upstreams, as clients of the three protocols receive them from a real service."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Service
from tests.support.upstream import FINISH, Chunk, Upstream, anthropic_wire, openai_wire, responses_wire, script

KINDS = {
    "chat": ("openai", "/v1", openai_wire),
    "resp": ("openai-responses", "/v1", responses_wire),
    "ant": ("anthropic", "", anthropic_wire),
}
TOOLS = {
    "/v1/chat/completions": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "/v1/messages": [{"name": "f", "input_schema": {"type": "object"}}],
    "/v1/responses": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
}


class QuirkyService:
    """A service with one upstream of each kind."""

    def __init__(self, service: Service, upstream: Upstream) -> None:
        self._service, self._upstream, self._count = service, upstream, 0

    def ask(self, endpoint: str, kind: str, *frames: bytes) -> tuple[int, list[Any]]:
        """Return the status and the data of the frames that a client receives."""
        self._count += 1
        name = f"m{self._count}"
        self._upstream.answer(name, script(KINDS[kind][2].HEAD, *(Chunk(frame) for frame in frames), FINISH))
        conversation = (
            {"input": "hi"} if endpoint == "/v1/responses" else {"messages": [{"role": "user", "content": "hi"}]}
        )
        body = {"model": f"{kind}/{name}", "stream": True, "max_tokens": 9, "tools": TOOLS[endpoint], **conversation}
        if endpoint == "/v1/responses":
            body["max_output_tokens"] = body.pop("max_tokens")
        connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=20)
        connection.request("POST", endpoint, json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        frames = [line[6:] for line in response.read().decode().split("\n") if line.startswith("data: ")]
        connection.close()
        return response.status, [data if data == "[DONE]" else json.loads(data) for data in frames]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuirkyService]:
    with Upstream() as upstream:
        tables = [
            f'[upstreams.{name}]\nkind = "{kind}"\nbase_url = "{upstream.url}{path}"\napi_key_env = "ACME_KEY"\n'
            for name, (kind, path, _) in KINDS.items()
        ]
        config: Path = tmp_path_factory.mktemp("odd") / "headrace.toml"
        config.write_text("".join(tables))
        with Service(HEADRACE_CONFIG=str(config), ACME_KEY="sk-test-0123456789") as running:
            yield QuirkyService(running, upstream)


def chunk(delta: Any = None, reason: Any = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason, **fields}
    return b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode()


def event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def choices(frames: list[Any]) -> list[Any]:
    return [frame["choices"][0] for frame in frames if frame != "[DONE]" and frame.get("choices")]


DONE = b"data: [DONE]\n\n"
CALLED = chunk({"tool_calls": [{"index": "0", "id": 17, "function": {"name": "f", "arguments": {"x": 1}}}]})


class TestChatCompletions:
    @pytest.mark.parametrize(
        ("word", "reason"), [("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("eos_token", "stop")]
    )
    def test_tell_why_an_answer_ended_in_openai_s_words(self, service: QuirkyService, word: str, reason: str) -> None:
        _, frames = service.ask("/v1/chat/completions", "chat", chunk({"content": "hi"}), chunk({}, word), DONE)
        assert [c["finish_reason"] for c in choices(frames) if c["finish_reason"]] == [reason]
        assert frames[-1] == "[DONE]"

    @pytest.mark.parametrize("word", ["abort", "error"])
    def test_tell_no_end_of_an_answer_that_was_given_up(self, service: QuirkyService, word: str) -> None:
        _, frames = service.ask("/v1/chat/completions", "chat", chunk({"content": "hi"}), chunk({}, word), DONE)
        assert f"{word!r}" in frames[-1]["error"]["message"]
        assert not any(choice["finish_reason"] for choice in choices(frames))

    def test_have_the_text_that_only_the_response_s_end_tells(self, service: QuirkyService) -> None:
        item = {"type": "message", "content": [{"type": "output_text", "text": "hi"}]}
        ended = event("response.completed", response={"status": "incomplete", "output": [item]})
        _, frames = service.ask("/v1/chat/completions", "resp", ended)
        assert "".join(choice["delta"].get("content") or "" for choice in choices(frames)) == "hi"
        assert [c["finish_reason"] for c in choices(frames) if c["finish_reason"]] == ["length"]

    def test_are_refused_with_an_error_where_nothing_could_be_read(self, service: QuirkyService) -> None:
        foreign = b'data: {"message":{"content":"hi"},"done":true}\n\n'
        status, _ = service.ask("/v1/chat/completions", "chat", foreign, chunk({}, "stop"), DONE)
        assert status == 502


class TestMessages:
    def test_end_for_a_call_whatever_its_shape_and_the_upstream_s_word(self, service: QuirkyService) -> None:
        _, frames = service.ask("/v1/messages", "chat", CALLED, chunk({}, "eos"), b"data: [DONE] \n\n")
        pieces = [frame["delta"]["partial_json"] for frame in frames if frame.get("delta", {}).get("partial_json")]
        assert json.loads("".join(pieces)) == {"x": 1}
        assert [f["delta"]["stop_reason"] for f in frames if f["type"] == "message_delta"] == ["tool_use"]

    def test_end_the_turn_where_a_call_was_announced_and_text_came(self, service: QuirkyService) -> None:
        _, frames = service.ask("/v1/messages", "chat", chunk({"content": "I look."}), chunk({}, "tool_calls"), DONE)
        assert [f["delta"]["stop_reason"] for f in frames if f["type"] == "message_delta"] == ["end_turn"]


class TestResponses:
    def test_are_incomplete_where_the_upstream_s_answer_was_cut(self, service: QuirkyService) -> None:
        delta = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "hi"})
        ended = event("message_delta", delta={"stop_reason": "MAX_TOKENS"})
        _, frames = service.ask("/v1/responses", "ant", delta, ended, DONE)
        assert (frames[-1]["type"], frames[-1]["response"]["status"]) == ("response.incomplete", "incomplete")

    def test_have_two_calls_of_one_id_apart(self, service: QuirkyService) -> None:
        called = [
            chunk({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": text}}]})
            for text in ('{"x":1}', '{"x":2}')
        ]
        _, frames = service.ask("/v1/responses", "chat", *called, chunk({}, "stop"), DONE)
        items = frames[-1]["response"]["output"]
        assert [item["arguments"] for item in items] == ['{"x":1}', '{"x":2}']
        assert len({item["call_id"] for item in items}) == 2
