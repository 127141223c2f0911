"""Upstreams of chat completions: what clients of other protocols send them, and what the operator lets pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.reader import QUESTION, Answer, send
from tests.support.service import Service
from tests.support.upstream import Upstream, openai_wire

PNG = "iVBORw0KGgo="
TOOL = {"name": "f", "input_schema": {"type": "object"}}
A, B = ({"type": "tool_use", "id": name, "name": "f", "input": {}} for name in "ab")
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}

UPSTREAMS = """
[upstreams.open]
kind = "openai"
base_url = "{url}/v1"

[upstreams.known]
kind = "openai"
base_url = "{url}/v1"
pass = "known"

[upstreams.narrow]
kind = "openai"
base_url = "{url}/v1"
refuse = ["service_tier", "web_search"]

[upstreams.keeping]
kind = "openai"
base_url = "{url}/v1"
state = true
"""


@pytest.fixture(scope="module")
def configured(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    config: Path = tmp_path_factory.mktemp("upstreams") / "headrace.toml"
    config.write_text(UPSTREAMS.format(url=upstream.url))
    with Service(HEADRACE_CONFIG=str(config)) as running:
        yield running


def result(call: dict[str, Any], content: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call["id"], "content": content}


class TestAClientOfAnthropicS:
    @pytest.fixture
    def sent(self, service: Service, upstream: Upstream):  # a function that asks, and returns the upstream's messages
        def messages(called: list[Any], answered: list[Any]) -> list[Any]:
            upstream.answer("translated", openai_wire.answer("ok"))
            turns = [*QUESTION, {"role": "assistant", "content": called}, {"role": "user", "content": answered}]
            body = {"model": "openai/translated", "max_tokens": 9, "messages": turns, "tools": [TOOL]}
            assert send(service.url + "/v1/messages", body).status == 200
            return upstream.requests("translated")[-1].body["messages"]

        return messages

    def test_sends_pictures_of_results_behind_them(self, sent) -> None:
        said, shown = sent([A], [result(A, [{"type": "text", "text": "x"}, PICTURE])])[2:]
        assert (said["role"], said["tool_call_id"], type(said["content"])) == ("tool", "a", str)
        assert said["content"].startswith("x")
        assert (shown["role"], shown["content"][-1]) == (
            "user",
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        )

    def test_sends_notes_between_results_behind_them(self, sent) -> None:
        answered = [result(A, "1"), {"type": "text", "text": "note"}, result(B, "2")]
        assert [turn["role"] for turn in sent([A, B], answered)] == ["user", "assistant", "tool", "tool", "user"]

    def test_sends_its_thoughts_back(self, sent) -> None:
        thought = {"type": "thinking", "thinking": "t", "signature": ""}
        assert sent([thought, A], [result(A, "1")])[1]["reasoning_content"] == "t"


class TestAnOperator:
    def ask(self, configured: Service, upstream: Upstream, provider: str, **fields: Any) -> Answer:
        upstream.answer("asked", openai_wire.answer("ok"))
        body = {"model": f"{provider}/asked", "messages": QUESTION, **fields}
        return send(configured.url + "/v1/chat/completions", body)

    def test_may_let_pass_what_is_known_alone(self, configured: Service, upstream: Upstream) -> None:
        answer = self.ask(configured, upstream, "known", temperature=0.5, min_p=0.1, service_tier="flex")
        assert (answer.status, answer.headers["headrace-ignored"]) == (200, "min_p, service_tier")
        assert upstream.requests("asked")[-1].body.keys() == {
            "model", "messages", "stream", "stream_options", "temperature"
        }  # fmt: skip
        assert "system_fingerprint" not in answer.json

    def test_may_refuse_what_costs_money(self, configured: Service, upstream: Upstream) -> None:
        for fields in ({"service_tier": "flex"}, {"web_search_options": {}}, {"tools": [{"type": "web_search"}]}):
            answer = self.ask(configured, upstream, "narrow", **fields)
            assert (answer.status, "is not allowed for models of narrow" in answer.error["message"]) == (400, True)
        assert self.ask(configured, upstream, "narrow", min_p=0.1).status == 200

    def test_may_let_clients_share_files(self, configured: Service, upstream: Upstream) -> None:
        file = {"type": "file", "file": {"file_id": "f1"}}
        messages = [{"role": "user", "content": [file]}]
        assert self.ask(configured, upstream, "open", messages=messages).status == 400
        assert self.ask(configured, upstream, "keeping", messages=messages).status == 200
        assert upstream.requests("asked")[-1].body["messages"] == messages
