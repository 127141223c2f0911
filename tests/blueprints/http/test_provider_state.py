"""What names a state of the provider's server is found wherever a client writes it, in every protocol."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.anthropic_messages.body import MessagesBody
from flask_headrace.blueprints.anthropic_messages.request import to_chat_request as messages_request
from flask_headrace.blueprints.openai_chat.body import ChatCompletionBody
from flask_headrace.blueprints.openai_chat.request import to_chat_request as completion_request
from flask_headrace.blueprints.openai_responses.body import ResponseBody
from flask_headrace.blueprints.openai_responses.request import to_chat_request as response_request
from flask_headrace.providers.chat_request import ChatRequest

HI = {"role": "user", "content": "hi"}
PDF = "data:application/pdf;base64,JVBERi0="
URL = "https://example.com/a.png"


def of_chat(body: dict[str, Any]) -> ChatRequest:
    return completion_request(msgspec.convert(body, ChatCompletionBody), body)


def of_responses(body: dict[str, Any]) -> ChatRequest:
    return response_request(msgspec.convert(body, ResponseBody), body)


def of_messages(body: dict[str, Any]) -> ChatRequest:
    body = {"max_tokens": 1, **body}
    return messages_request(msgspec.convert(body, MessagesBody), body, {})


def asked(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [*parts, {"type": "text", "text": "hi"}]}]}


def item(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"input": [HI, *items], **fields}


def part(**fields: Any) -> dict[str, Any]:
    return item({"role": "user", "content": [fields]})


STATES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a file beside its content, in chat": (
        of_chat, asked({"type": "file", "file": {"file_data": PDF, "file_id": "f"}}), "messages[0].content[0].file_id",
    ),
    "a recording": (
        of_chat,
        asked({"type": "input_audio", "input_audio": {"data": "", "format": "wav", "id": "a"}}),
        "messages[0].content[0].input_audio.id",
    ),
    "a part of another type": (
        of_chat, asked({"type": "image_file", "image_file": {"file_id": "f"}}), "messages[0].content[0].file_id",
    ),
    "a tool of another type, in chat": (
        of_chat,
        {"messages": [HI], "tools": [{"type": "file_search", "vector_store_ids": ["v"]}]},
        "tools[0].vector_store_ids",
    ),
    "a conversation, in chat": (of_chat, {"messages": [HI], "previous_response_id": "r"}, "previous_response_id"),
    "another field, in chat": (of_chat, {"messages": [HI], "x": [{"vector_store_ids": ["v"]}]}, "vector_store_ids"),
    "a file beside its content": (
        of_responses, part(type="input_file", file_data=PDF, file_id="f"), "input[1].content[0].file_id",
    ),
    "an image beside its URL": (
        of_responses, part(type="input_image", image_url=URL, file_id="f"), "input[1].content[0].file_id",
    ),
    "a recording in an item": (
        of_responses,
        part(type="input_audio", input_audio={"data": "", "format": "wav", "id": "a"}),
        "input[1].content[0].input_audio.id",
    ),
    "a screenshot": (
        of_responses,
        item({"type": "computer_call_output", "call_id": "c", "output": {"type": "shot", "file_id": "f"}}),
        "input[1].file_id",
    ),
    "an earlier container": (
        of_responses, item({"type": "code_interpreter_call", "id": "ci", "container_id": "c"}), "input[1].container_id",
    ),
    "an earlier image": (
        of_responses, item({"type": "image_generation_call", "id": "ig"}), "input[1] (image_generation_call)",
    ),
    "a container in a list": (
        of_responses,
        item(tools=[{"type": "shell", "environments": [{"type": "container_reference", "container_id": "c"}]}]),
        "tools[0].container_id",
    ),
    "a container very far inside": (
        of_responses,
        item(tools=[{"type": "z", "a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": {"container": "c"}}}}}}}}}}]),
        "tools[0].container",
    ),
    "a tool in a namespace": (
        of_responses,
        item(tools=[{"type": "namespace", "name": "n", "tools": [{"type": "file_search", "vector_store_ids": ["v"]}]}]),
        "tools[0].tools[0].vector_store_ids",
    ),
    "another field of an item with tools": (
        of_responses, item({"type": "additional_tools", "tools": {"container": "c"}}), "input[1].container",
    ),
    "another field": (of_responses, item(context={"container": "c"}), "container"),
    "an image beside its data": (
        of_messages,
        asked({"type": "image", "source": {"type": "base64", "media_type": "a/b", "data": "", "file_id": "f"}}),
        "messages[0].content[0].source.file_id",
    ),
    "a document in a block of another type": (
        of_messages,
        asked({"type": "z", "content": {"a": [{"type": "document", "source": {"type": "file", "file_id": "f"}}]}}),
        "messages[0].content[0] (z) with a file_id",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", STATES)
def test_a_state_is_found(kind: str) -> None:
    read, body, name = STATES[kind]
    source = read(body).source
    assert source is not None
    assert source.state == (name,)


SCHEMA = {"type": "object", "properties": {"file_id": {"type": "string"}, "container": {"type": "object"}}}
CITED = {"type": "container_file_citation", "container_id": "c", "file_id": "f"}

NO_STATES: dict[str, tuple[Any, dict[str, Any]]] = {
    "a property of a tool": (of_responses, item(tools=[{"type": "tool_search", "tools": [{"parameters": SCHEMA}]}])),
    "a property of a tool, in chat": (of_chat, {"messages": [HI], "tools": [{"type": "z", "parameters": SCHEMA}]}),
    "a new container": (of_responses, item(tools=[{"type": "code_interpreter", "container": {"type": "auto"}}])),
    "a citation": (
        of_responses,
        item({"role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": [CITED]}]}),
    ),
    "an image with its content": (of_responses, item({"type": "image_generation_call", "id": "ig", "result": "aGk="})),
    "metadata": (of_chat, {"messages": [HI], "metadata": {"file_id": "f"}}),
    "the file of a tool's result": (
        of_messages,
        {"messages": [
            HI,
            {"role": "assistant", "content": [
                {"type": "bash_code_execution_tool_result", "content": {"content": [{"type": "out", "file_id": "f"}]}},
            ]},
            HI,
        ]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_STATES)
def test_what_only_looks_like_one_is_none(kind: str) -> None:
    read, body = NO_STATES[kind]
    source = read(body).source
    assert source is not None
    assert source.state == ()
