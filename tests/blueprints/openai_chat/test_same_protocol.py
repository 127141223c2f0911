"""Requests of chat completions to providers of the same protocol, over real sockets: they go on as they came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.reader import QUESTION, Answer, send
from tests.support.service import Service
from tests.support.upstream import FINISH, Chunk, Upstream, openai_wire, script

CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "1"}
FORMAT = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "x"}}
CUSTOM = {"type": "custom", "custom": {"name": "p", "description": "d", "format": FORMAT}}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]


def ask(service: Service, name: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
    return send(
        service.url + "/v1/chat/completions",
        {"model": f"openai/{name}", "messages": QUESTION, **fields},
        headers=headers,
    )


def chunk(delta: Any = None, reason: Any = None, *, choice: Any = None, **fields: Any) -> Chunk:
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": reason, **(choice or {})}]
    return Chunk(b"data: %b\n\n" % json.dumps({"id": "x", "model": "m", "choices": choices, **fields}).encode())


def chunks(answer: Answer) -> list[Any]:
    return [data for _, data in answer.frames if data != "[DONE]"]


@pytest.fixture
def sent(service: Service, upstream: Upstream):  # a function that asks, and returns what the upstream receives
    def body(*, headers: dict[str, str] | None = None, **fields: Any) -> tuple[Any, dict[str, str]]:
        upstream.answer("sent", openai_wire.answer("ok"))
        answer = ask(service, "sent", headers=headers, **fields)
        assert answer.status == 200, answer.body
        assert "headrace-ignored" not in answer.headers
        request = upstream.requests("sent")[-1]
        return request.body, {name.lower(): value for name, value in dict(request.headers).items()}

    return body


class TestAQuestion:
    @pytest.mark.parametrize(
        "fields",
        [
            {"chat_template_kwargs": {"enable_thinking": False}},
            {"logit_bias": {"50256": -100}, "logprobs": True, "top_logprobs": 3},
            {"service_tier": "flex", "store": True, "metadata": {"a": "b"}, "prompt_cache_key": "k", "n": 1},
            {"reasoning": {"effort": "high"}, "thinking": {"type": "enabled", "budget_tokens": 2000}},
            {"safety_identifier": "s", "prediction": {"type": "content", "content": "x"}},
            {"web_search_options": {"search_context_size": "low"}, "modalities": ["text", "image"]},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "vendor": 1}}},
            {"response_format": {"type": "grammar", "grammar": "root ::= x"}, "stop": "x", "min_p": 0.05},
            {"tools": [*TOOLS, {"type": "web_search", "x": 1}], "tool_choice": {"type": "web_search"}},
            {"tools": TOOLS, "tool_choice": {"type": "allowed_tools", "allowed_tools": {
                "mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}}},
            {"functions": [{"name": "f", "parameters": {}}], "function_call": {"name": "f"}},
        ],
    )  # fmt: skip
    def test_has_all_fields_as_they_were_sent(self, sent, fields) -> None:
        body, _ = sent(**fields)
        asked = {"model": "sent", "messages": QUESTION, "stream": True, "stream_options": {"include_usage": True}}
        assert body == {**asked, **fields}

    @pytest.mark.parametrize(
        "message",
        [
            {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "https://x/y"}}]},
            {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
            {"role": "user", "content": [{"type": "file", "file": {"file_data": "data:application/pdf;base64,JQ=="}}]},
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "UA==", "format": "wav"}}]},
            {"role": "assistant", "content": "a", "vendor": {"x": [1.5]}, "annotations": [{"type": "x"}]},
            {"role": "assistant", "content": "", "prefix": True},
        ],
    )
    def test_has_its_messages_as_they_were_sent(self, sent, message) -> None:
        body, _ = sent(messages=[*QUESTION, message])
        assert body["messages"] == [*QUESTION, message]

    @pytest.mark.parametrize(
        ("fields", "added"),
        [
            ({"reasoning_content": "t"}, {}),
            ({"reasoning": "t"}, {"reasoning_content": "t"}),
            ({"reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "S", "index": 0}]}, {}),
            ({"thinking_blocks": [{"type": "thinking", "thinking": "t"}, 7]}, {"reasoning_content": "t"}),
            ({"thinking_blocks": 7, "reasoning_details": 7}, {}),
        ],
    )
    def test_has_the_reasoning_of_earlier_answers(self, sent, fields, added) -> None:
        called = {"role": "assistant", "content": "", "tool_calls": [CALL], **fields}
        body, _ = sent(messages=[*QUESTION, called, RESULT], tools=TOOLS)
        assert body["messages"] == [*QUESTION, {**called, **added}, RESULT]

    def test_has_the_signatures_of_calls(self, sent) -> None:
        signed = {**CALL, "extra_content": {"google": {"thought_signature": "S"}}}
        called = {"role": "assistant", "content": None, "tool_calls": [signed]}
        body, _ = sent(messages=[*QUESTION, called, RESULT], tools=TOOLS)
        assert body["messages"] == [*QUESTION, called, RESULT]

    def test_has_nothing_that_sdks_add_to_answers(self, sent) -> None:
        function = {**CALL["function"], "parsed_arguments": {}}
        added = {"annotations": None, "audio": None, "function_call": None, "refusal": None, "parsed": {"a": 1}}
        called = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**CALL, "index": 0, "function": function}],
            **added,
        }
        body, _ = sent(messages=[*QUESTION, called, RESULT], tools=TOOLS)
        assert body["messages"][1] == {"role": "assistant", "content": None, "tool_calls": [CALL]}

    def test_has_the_protocol_s_headers_alone(self, sent) -> None:
        private = {"Cookie": "c=1", "X-Forwarded-For": "1.2.3.4", "X-Vendor": "v"}
        _, headers = sent(headers={"OpenAI-Beta": "assistants=v2", **private})
        assert headers["openai-beta"] == "assistants=v2"
        assert not {"cookie", "x-forwarded-for", "x-vendor"} & headers.keys()

    @pytest.mark.parametrize(
        ("value", "why"),
        [("naïve", "'naïve': it may have printable ASCII"), ("x" * 1025, "1025 characters: it may have 1024 at most")],
    )
    def test_is_refused_if_a_header_cannot_go_on(self, service: Service, value: str, why: str) -> None:
        answer = ask(service, "sent", headers={"OpenAI-Beta": value})
        assert answer.status == 400
        assert f"The header OpenAI-Beta {'is' if 'naïve' in why else 'has'} {why}" in answer.body.decode()


class TestCustomTools:
    def test_are_functions_of_one_text_for_other_servers_than_openai_s(self, sent) -> None:
        call = {"id": "a", "type": "custom", "custom": {"name": "p", "input": 'ra"w'}}
        called = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"type": "custom", "custom": {"name": "p"}}
        body, _ = sent(messages=[*QUESTION, called, RESULT], tools=[CUSTOM], tool_choice=choice)
        function = body["tools"][0]["function"]
        assert (function["name"], function["description"]) == (
            "p",
            "d\n\nThe input must match this regex grammar:\nx",
        )
        assert function["parameters"]["required"] == ["input"]
        assert body["messages"][1]["tool_calls"] == [
            {"id": "a", "type": "function", "function": {"name": "p", "arguments": '{"input":"ra\\"w"}'}}
        ]
        assert body["tool_choice"] == {"type": "function", "function": {"name": "p"}}

    @pytest.mark.parametrize("is_resumable", [False, True])
    @pytest.mark.parametrize("arguments", [['{"in', 'put": "ra', '\\"w"', "}"], ['{"input":"ra\\"w"}']])
    def test_are_called_with_text(self, service, upstream, arguments, is_resumable) -> None:
        pieces = [
            chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "p", "arguments": arguments[0]}}]}),
            *(chunk({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}) for text in arguments[1:]),
        ]
        upstream.answer("patching", script(openai_wire.HEAD, *pieces, chunk({}, "tool_calls"), FINISH))
        asked = {"tools": [CUSTOM, *TOOLS], "resumable": is_resumable}
        answer = ask(service, "patching", stream=True, **asked)
        calls = [call for each in chunks(answer) for call in each["choices"][0]["delta"].get("tool_calls", ())]
        assert calls[0] == {"index": 0, "id": "a", "type": "custom", "custom": {"name": "p", "input": ""}}
        assert "".join(call["custom"]["input"] for call in calls) == 'ra"w'
        assert not any("function" in call for call in calls)
        message = ask(service, "patching", **asked).json["choices"][0]["message"]
        assert message["tool_calls"] == [{"id": "a", "type": "custom", "custom": {"name": "p", "input": 'ra"w'}}]
        if is_resumable:
            again = f"{service.url}/api/streams/{answer.headers['headrace-stream-id']}?protocol=openai"
            assert chunks(send(again, method="GET")) == chunks(answer)

    def test_are_called_with_text_by_the_upstream_too(self, service, upstream) -> None:
        def piece(text: str, **fields: Any) -> Chunk:
            custom = {"input": text, **({"name": "p"} if fields else {})}
            return chunk({"tool_calls": [{"index": 0, "custom": custom, **fields}]})

        pieces = [piece("", id="a", type="custom"), piece('ra"'), piece("w\n")]
        upstream.answer("raw", script(openai_wire.HEAD, *pieces, chunk({}, "tool_calls"), FINISH))
        message = ask(service, "raw", tools=[CUSTOM]).json["choices"][0]["message"]
        assert message["tool_calls"][0]["custom"] == {"name": "p", "input": 'ra"w\n'}
        function = {"type": "function", "function": {"name": "p", "parameters": {"type": "object"}}}
        message = ask(service, "raw", tools=[function]).json["choices"][0]["message"]
        assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"input": 'ra"w\n'}


class TestTheOlderAPI:
    def test_has_one_function_call(self, service: Service, upstream: Upstream) -> None:
        called = chunk({"function_call": {"name": "f", "arguments": '{"x":1}'}})
        upstream.answer("older", script(openai_wire.HEAD, called, chunk({}, "function_call"), FINISH))
        functions = [{"name": "f", "parameters": {"type": "object"}}]
        streamed = [each["choices"][0] for each in chunks(ask(service, "older", functions=functions, stream=True))]
        assert [choice["delta"].get("function_call") for choice in streamed] == [
            None, {"name": "f", "arguments": ""}, {"arguments": '{"x":1}'}, None
        ]  # fmt: skip
        assert streamed[-1]["finish_reason"] == "function_call"
        choice = ask(service, "older", functions=functions).json["choices"][0]
        assert choice["message"]["function_call"] == {"name": "f", "arguments": '{"x":1}'}
        assert (choice["finish_reason"], "tool_calls" in choice["message"]) == ("function_call", False)
