"""Compaction: a conversation becomes one item, from which any model can continue it."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from flask_headrace.blueprints.openai_responses.summary import decode_summary, encode_summary
from tests.blueprints.openai_responses.response_schema import check_compacted
from tests.support.reader import send
from tests.support.service import Service
from tests.support.upstream import ToolCall, Upstream, anthropic_wire, openai_wire

PROVIDERS = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
TALK = [
    {"type": "message", "role": "user", "content": "We launch on Tuesday."},
    {"type": "message", "role": "assistant", "content": "Understood."},
]
TOOL = {"type": "function", "name": "find", "parameters": {"type": "object"}}
CALLED = [
    {"type": "message", "role": "user", "content": "Find it."},
    {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c1", "output": "found"},
]


def compact(service: Service, **body: Any) -> Any:
    return send(service.url + "/v1/responses/compact", body)


@PROVIDERS
class TestAConversation:
    def test_becomes_one_item_that_continues_it(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("compacting", [wire.answer("Launch: ", "Tuesday. ö🌊"), wire.answer("On Tuesday.")])
        asked = {"model": f"{provider}/compacting", "prompt_cache_key": "k"}
        compacted = compact(service, input=TALK, instructions="Be brief.", **asked).json
        check_compacted(compacted)
        assert "Tuesday" not in compacted["output"][0]["encrypted_content"]
        sent = upstream.requests("compacting")[-1].body["messages"]
        assert "Summarize" in str(sent[-1])
        assert "We launch on Tuesday." in str(sent)
        history = [*compacted["output"], {"role": "user", "content": "When?"}]
        answered = send(service.url + "/v1/responses", {"input": history, **asked}).json
        assert answered["output"][0]["content"][0]["text"] == "On Tuesday."
        messages = str(upstream.requests("compacting")[-1].body["messages"])
        assert "Launch: Tuesday. ö🌊" in messages
        assert "We launch on Tuesday." not in messages

    def test_with_tools_calls_none_of_them(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("tools compacted", wire.answer("It was found."))
        check_compacted(compact(service, model=f"{provider}/tools compacted", input=CALLED, tools=[TOOL]).json)
        choice = upstream.requests("tools compacted")[-1].body["tool_choice"]
        assert choice in ("none", {"type": "none"})

    @pytest.mark.parametrize(("kind", "says"), [("cut", "was cut"), ("silent", "is empty")])
    def test_of_which_there_is_no_whole_summary_is_not_lost(
        self, service, upstream, provider, wire, kind, says
    ) -> None:
        call = ToolCall("c1", "find", ("{}",))
        answers = {
            "cut": wire.answer("Lau", finish=wire.FINISHES[1]),
            "silent": wire.answer(call, finish=wire.FINISHES[2]),
        }
        upstream.answer(f"no summary {kind}", answers[kind])
        answer = compact(service, model=f"{provider}/no summary {kind}", input=TALK)
        assert (answer.status, answer.error["code"]) == (502, "upstream_broken")
        assert says in answer.error["message"]


def test_a_model_must_be_named(service: Service) -> None:
    answer = compact(service, input=TALK)
    assert answer.status == 400
    assert "model is missing" in answer.error["message"]


def test_openais_sdk_compacts(service: Service, upstream: Upstream) -> None:
    upstream.answer("sdk compacting", [openai_wire.answer("Tuesday."), openai_wire.answer("ok")])
    with openai.OpenAI(base_url=service.url + "/v1", api_key="any", max_retries=0) as client:
        compacted = client.responses.compact(model="openai/sdk compacting", input=TALK)
        assert (compacted.object, compacted.output[0].type) == ("response.compaction", "compaction")
        history = [*compacted.output, {"role": "user", "content": "When?"}]
        assert client.responses.create(model="openai/sdk compacting", input=history).output_text == "ok"
    assert "Tuesday." in str(upstream.requests("sdk compacting")[-1].body["messages"])


@pytest.mark.parametrize(
    "content", [None, "", "gAAAAAB", "headrace.summary.%", "headrace.summary.ö", "headrace.summary._w=="]
)
def test_a_compaction_of_another_service_is_refused(service: Service, content: str | None) -> None:
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": content}
    answer = send(service.url + "/v1/responses", {"model": "openai/x", "input": [item]})
    assert answer.status == 400
    assert "openai cannot be sent input[0] (compaction)" in answer.error["message"]
    assert decode_summary(content) is None


@pytest.mark.parametrize("summary", ["", "a", "Grüße 🌊\n"])
def test_a_summary_comes_back_as_it_was(summary: str) -> None:
    assert decode_summary(encode_summary(summary)) == summary
