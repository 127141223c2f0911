"""A question of a client of the Responses API to a provider of the same API: all of it goes on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blueprints.openai_responses.same_api import (
    ANSWERS,
    CLOSE,
    SEARCH,
    THOUGHT,
    SameApi,
    delta,
    ended,
    item,
    message,
    output_of,
)
from tests.support.reader import send
from tests.support.upstream import FINISH, Upstream, responses_wire, script


class TestAQuestion:
    def test_goes_on_as_it_came(self, api: SameApi) -> None:
        sent = {
            "input": [{"role": "user", "content": [{"type": "novel", "x": 1}]}, THOUGHT, CLOSE, SEARCH],
            "tools": [{"type": "web_search", "x": {"y": 0.10}}], "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "k", "reasoning": {"summary": "auto"}, "store": True, "novel": [1.0],
            "client_metadata": {"a": "b"}, "truncation": "auto", "max_tool_calls": 3, "service_tier": "priority",
            "tool_choice": {"type": "web_search"}, "top_logprobs": 2, "stream_options": {"include_obfuscation": False},
        }  # fmt: skip
        answer = api.ask(*item(message(0, "hi"), 0, delta("hi", 0)), ended(), headers={"OpenAI-Beta": "x=y"}, **sent)
        assert answer.status == 200
        assert "headrace-ignored" not in answer.headers
        body = dict(api.request.body)
        assert body.pop("model").startswith("same")
        assert body == {**sent, "stream": True}
        assert api.request.headers["openai-beta"] == "x=y"

    def test_comes_back_with_the_answer_s_items(self, api: SameApi) -> None:
        frames, _ = ANSWERS["calls"]
        history = [{"role": "user", "content": "q"}, *output_of(api.ask(*frames, ended()))]
        history += [
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
            {"type": "function_call_output", "call_id": "c2", "output": "2"},
        ]
        api.ask(*item(message(0, "hi"), 0, delta("hi", 0)), ended(), input=history)
        assert api.request.body["input"] == history

    @pytest.mark.parametrize("field", [{"previous_response_id": "r"}, {"conversation": "c"}, {"prompt": {"id": "p"}}])
    def test_that_names_what_the_provider_keeps_is_refused_unless_it_may(
        self, api: SameApi, upstream: Upstream, field: dict[str, Any]
    ) -> None:
        refused = api.ask(**field)
        assert refused.status == 400
        assert refused.error["message"].startswith(f"{next(iter(field))} names what a provider's server keeps")
        upstream.answer(
            "kept", script(responses_wire.HEAD, *item(message(0, "hi"), 0, delta("hi", 0)), ended(), FINISH)
        )
        body = {"model": "kept/kept", "input": [{"role": "user", "content": "hi"}], **field}
        assert send(api.url + "/v1/responses", body).status == 200
        assert upstream.requests("kept")[-1].body | field == upstream.requests("kept")[-1].body
