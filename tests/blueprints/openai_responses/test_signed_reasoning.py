"""Reasoning that a provider of the Responses API has signed goes back to it, from clients of all APIs that keep it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blueprints.openai_responses.same_api import CLOSE, THOUGHT, SameApi, ended, event, item
from tests.support.reader import send
from tests.support.upstream import FINISH, Upstream, responses_wire, script

DELTA = event("reasoning_summary_text.delta", item_id="rs_1", output_index=0, summary_index=0, delta="th")
CALLED = {name: value for name, value in CLOSE.items() if name != "namespace"}
FRAMES = [*item(THOUGHT, 0, DELTA), *item(CALLED, 1), ended()]
SUMMARY = [{"type": "summary_text", "text": "th"}]


@pytest.fixture
def model(api: SameApi, upstream: Upstream) -> str:
    said = script(responses_wire.HEAD, *FRAMES, FINISH)
    upstream.answer("signing", [said, said])
    return "resp/signing"


def ask(api: SameApi, endpoint: str, model: str, **body: Any) -> Any:
    return send(f"{api.url}/v1/{endpoint}", {"model": model, **body}).json


def test_from_a_client_of_the_same_api(api: SameApi, upstream: Upstream, model: str) -> None:
    question = {"role": "user", "content": "q"}
    returned = {"type": "function_call_output", "call_id": "c2", "output": "1"}
    output = ask(api, "responses", model, input=[question])["output"]
    ask(api, "responses", model, input=[question, *output, returned])
    assert upstream.requests("signing")[-1].body["input"] == [question, THOUGHT, CALLED, returned]


def test_from_a_client_of_anthropic_s(api: SameApi, upstream: Upstream, model: str) -> None:
    question = {"role": "user", "content": "q"}
    tools = [{"name": "close", "input_schema": {"type": "object"}}]
    asked = {"max_tokens": 99, "tools": tools, "output_config": {"effort": "low"}}
    content = ask(api, "messages", model, messages=[question], **asked)["content"]
    assert upstream.requests("signing")[-1].body["include"] == ["reasoning.encrypted_content"]
    returned = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c2", "content": "1"}]}
    ask(api, "messages", model, messages=[question, {"role": "assistant", "content": content}, returned], **asked)
    reasoning, called, output = upstream.requests("signing")[-1].body["input"][1:]
    assert reasoning == {"type": "reasoning", "summary": SUMMARY, "encrypted_content": "ENC"}
    assert (called["type"], called["call_id"], output["type"]) == ("function_call", "c2", "function_call_output")
