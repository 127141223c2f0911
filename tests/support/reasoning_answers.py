"""Answers with reasoning that their provider wants back, in the forms of compatible servers, OpenAI and Anthropic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.upstream import FINISH, Script, anthropic_wire, openai_wire, responses_wire, script

Json = dict[str, Any]

CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
SECOND_CALL = {**CALL, "id": "c2"}
TOOLS = [{"name": "find", "parameters": {"type": "object"}}]
RESULTS = [
    {"role": "tool", "tool_call_id": "c1", "content": "1"},
    {"role": "tool", "tool_call_id": "c2", "content": "2"},
]
SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk"


@dataclass(frozen=True)
class Form:
    """The form of one server.

    Args:
        provider: The upstream in the tests' configuration.
        script: The answer.
        wanted: What the next request must have: the fields of the message, or the items or blocks before the text.
        calls: The tool calls in the next request of chat completions.
        text: The text of the answer.
    """

    provider: str
    script: Script
    wanted: Any
    calls: tuple[Json, ...] = ()
    text: str = "Well. It is."


def chat(*deltas: Json, finish: str = "stop") -> Script:
    """Return an answer of chat completions."""
    frames = [openai_wire.chunk(delta) for delta in deltas]
    ending = openai_wire.chunk({}, finish)
    return script(openai_wire.HEAD, *frames, ending, openai_wire.tokens((3, 4)), openai_wire.DONE)


def called(*calls: Json) -> Json:
    """Return a delta with tool calls."""
    return {"tool_calls": [{"index": index, **call} for index, call in enumerate(calls)]}


def item(index: int, fields: Json) -> list[Any]:
    """Return the events of a whole item of the Responses API."""
    kinds = ("response.output_item.added", "response.output_item.done")
    return [responses_wire.frame(kind, output_index=index, item=fields) for kind in kinds]


def block(index: int, start: Json, *deltas: Json) -> list[Any]:
    """Return the events of a block of the Messages API."""
    said = [anthropic_wire.block_delta(index, delta) for delta in deltas]
    stop = anthropic_wire.frame("content_block_stop", index=index)
    return [anthropic_wire.block_start(index, start), *said, stop]


def message_of(*blocks: list[Any], finish: str = "end_turn") -> Script:
    """Return an answer of the Messages API."""
    frames = [frame for each in blocks for frame in each]
    return script(
        anthropic_wire.HEAD, anthropic_wire.opening(), *frames, anthropic_wire.ending(finish), anthropic_wire.STOP
    )


def response_of(*items: Json) -> Script:
    """Return an answer of the Responses API."""
    frames = [frame for index, fields in enumerate(items) for frame in item(index, fields)]
    return script(responses_wire.HEAD, responses_wire.opening(), *frames, responses_wire.ending("completed"), FINISH)


TEXT = ({"content": "Well. "}, {"content": "It is."})
DETAIL = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
SUMMARY = {"type": "reasoning.summary", "summary": "Hm.", "format": "openai-responses-v1", "index": 0}
ENCRYPTED = {
    "type": "reasoning.encrypted",
    "data": "gAAAAA-b",
    "id": "rs_1",
    "format": "openai-responses-v1",
    "index": 0,
}
GOOGLE = {"google": {"thought_signature": "CoQB-sig=="}}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": "gAAAAA-b",
}
SECRET = {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAAAA-c"}
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Well. It is.", "annotations": []}],
}
FUNCTION_CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "find",
    "arguments": "{}",
    "status": "completed",
}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
HM = ({"type": "thinking_delta", "thinking": "H"}, {"type": "thinking_delta", "thinking": "m."})
SIGNED = {"type": "signature_delta", "signature": SIGNATURE}
SAID_TEXT = ({"type": "text", "text": ""}, {"type": "text_delta", "text": "Well. It is."})


def _sent(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if name not in {"id", "status"}}


FORMS = {
    "deepseek": Form(
        "chat",
        chat({"role": "assistant", "content": None, "reasoning_content": "H"}, {"reasoning_content": "m."}, *TEXT),
        {"reasoning_content": "Hm."},
    ),
    "kimi calls": Form(
        "chat",
        chat({"content": "", "reasoning_content": "Hm."}, *TEXT, called(CALL), finish="tool_calls"),
        {"reasoning_content": "Hm."},
        (CALL,),
    ),
    "groq, vllm": Form("chat", chat({"reasoning": "H"}, {"reasoning": "m."}, *TEXT), {"reasoning": "Hm."}),
    "openrouter, anthropic": Form(
        "chat",
        chat(
            {"reasoning": "H", "reasoning_details": [{**DETAIL, "text": "H"}]},
            {"reasoning": "m.", "reasoning_details": [{**DETAIL, "text": "m."}]},
            {"content": "", "reasoning_details": [{**DETAIL, "signature": SIGNATURE}]},
            *TEXT,
            called(CALL),
            finish="tool_calls",
        ),
        {"reasoning": "Hm.", "reasoning_details": [{**DETAIL, "text": "Hm.", "signature": SIGNATURE}]},
        (CALL,),
    ),
    "openrouter, openai": Form(
        "chat",
        chat({"reasoning_details": [SUMMARY]}, *TEXT, {"content": "", "reasoning_details": [ENCRYPTED]}),
        {"reasoning_details": [SUMMARY, ENCRYPTED]},
    ),
    "gemini text": Form("chat", chat(*TEXT, {"content": "", "extra_content": GOOGLE}), {"extra_content": GOOGLE}),
    "gemini calls": Form(
        "chat",
        chat(*TEXT, called({**CALL, "extra_content": GOOGLE}, SECOND_CALL), finish="tool_calls"),
        {},
        ({**CALL, "extra_content": GOOGLE}, SECOND_CALL),
    ),
    "litellm calls": Form(
        "chat",
        chat(*TEXT, called({**CALL, "provider_specific_fields": {"thought_signature": "S"}}), finish="tool_calls"),
        {},
        ({**CALL, "provider_specific_fields": {"thought_signature": "S"}},),
    ),
    "copilot": Form(
        "chat",
        chat({"reasoning_text": "Hm."}, {"content": "", "reasoning_opaque": "OPAQUE"}, *TEXT),
        {"reasoning_text": "Hm.", "reasoning_opaque": "OPAQUE"},
    ),
    "whole message": Form(
        "chat",
        script(
            openai_wire.HEAD,
            openai_wire.chunk({"reasoning_content": "H"}),
            openai_wire.frame(
                {
                    "choices": [
                        {
                            "index": 0,
                            "message": {"content": "Well. It is.", "reasoning_content": "Hm."},
                            "finish_reason": "stop",
                        }
                    ]
                }
            ),
            openai_wire.DONE,
        ),
        {"reasoning_content": "Hm."},
    ),
    "openai": Form("resp", response_of(THOUGHT, SAID), [_sent(THOUGHT)]),
    "openai calls": Form(
        "resp", response_of(THOUGHT, SECRET, SAID, FUNCTION_CALL), [_sent(THOUGHT), _sent(SECRET)], (FUNCTION_CALL,)
    ),
    "anthropic": Form(
        "claude",
        message_of(block(0, THINKING, *HM, SIGNED), block(1, *SAID_TEXT)),
        [{"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE}],
    ),
    "anthropic calls": Form(
        "claude",
        message_of(
            block(0, THINKING, *HM, SIGNED),
            block(1, {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix="}),
            block(2, *SAID_TEXT),
            block(3, {"type": "tool_use", "id": "c1", "name": "find", "input": {}}),
            finish="tool_use",
        ),
        [
            {"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE},
            {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix="},
        ],
        (CALL,),
    ),
    "kimi, messages": Form(
        "moon",
        message_of(block(0, THINKING, *HM), block(1, *SAID_TEXT)),
        [{"type": "thinking", "thinking": "Hm.", "signature": ""}],
    ),
}
"""The forms by the names of the servers."""


def returned(form: Form, body: Json) -> tuple[Any, list[Json]]:
    """Return what a request has of an answer's reasoning, and its tool calls."""
    if form.provider == "chat":
        message = next(message for message in body["messages"] if message["role"] == "assistant")
        assert message["content"] == form.text
        said = {"role", "content", "tool_calls"}
        return {name: value for name, value in message.items() if name not in said}, message.get("tool_calls", [])
    if form.provider == "resp":
        items = [
            each for each in body["input"] if each.get("role") != "user" and each.get("type") != "function_call_output"
        ]
        thoughts = [each for each in items if each.get("type") == "reasoning"]
        assert items[: len(thoughts)] == thoughts
        return thoughts, [each for each in items if each.get("type") == "function_call"]
    content = next(message["content"] for message in body["messages"] if message["role"] == "assistant")
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    thoughts = [each for each in blocks if each["type"].endswith("thinking")]
    assert blocks[: len(thoughts)] == thoughts
    return thoughts, [each for each in blocks if each["type"] == "tool_use"]


CONFIG = """
[upstreams.chat]
kind = "openai"
base_url = "{url}/v1"
api_key_env = "ACME_KEY"

[upstreams.other]
kind = "openai"
base_url = "{url}/v1"
api_key_env = "ACME_KEY"

[upstreams.closed]
kind = "openai"
base_url = "{url}/v1"
api_key_env = "ACME_KEY"
pass = "known"

[upstreams.resp]
kind = "openai-responses"
base_url = "{url}/v1"
api_key_env = "ACME_KEY"

[upstreams.claude]
kind = "anthropic"
base_url = "{url}"
api_key_env = "ACME_KEY"

[upstreams.moon]
kind = "anthropic"
base_url = "{url}"
api_key_env = "ACME_KEY"
"""
"""HEADRACE_CONFIG for the upstreams of the forms."""
