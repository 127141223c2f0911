"""The items of a conversation as turns: what one answer had stays together, and what came goes on as it came."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.openai_responses.body import ResponseBody
from flask_headrace.blueprints.openai_responses.request import to_chat_request
from flask_headrace.core.errors import InvalidRequest
from flask_headrace.core.reasoning_signature import sign_as_openai
from flask_headrace.providers.chat_request import (
    AudioPart,
    ChatRequest,
    FilePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCall,
)
from flask_headrace.providers.openai.responses_request_body import build_body

USER = {"role": "user", "content": "q"}
NOTE = {"role": "user", "content": "quick!"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
PDF = "data:application/pdf;base64,JVBERi0xLjQ="


def call(id: str) -> dict[str, Any]:  # noqa: A002
    return {"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"}


def output(id: str) -> dict[str, Any]:  # noqa: A002
    return {"type": "function_call_output", "call_id": id, "output": f"of {id}"}


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}], **fields}


def read(*items: Any, **fields: Any) -> ChatRequest:
    sent = {"input": list(items), **fields}
    return to_chat_request(msgspec.json.decode(msgspec.json.encode(sent), type=ResponseBody), sent)


def outline(request: ChatRequest) -> list[str]:
    """Return the messages in short: the role, the texts, and the calls or the id of the call."""
    return [
        " ".join(
            [m.role, *[part.text for part in m.parts()], *[c.id for c in m.tool_calls], m.tool_call_id or ""]
        ).strip()
        for m in request.messages
    ]


CONVERSATIONS: dict[str, tuple[list[Any], list[str]]] = {
    "text between calls": (
        [USER, call("a"), said("Well."), call("b"), output("a"), output("b")],
        ["user q", "assistant Well. a b", "tool of a a", "tool of b b"],
    ),
    "thought between calls": (
        [USER, REASONING, call("a"), REASONING, call("b"), output("b"), output("a")],
        ["user q", "assistant hm hm a b", "tool of b b", "tool of a a"],
    ),
    "a call between outputs": (
        [USER, call("a"), call("b"), output("a"), call("c"), output("b"), output("c")],
        ["user q", "assistant a b c", "tool of a a", "tool of b b", "tool of c c"],
    ),
    "a note before the outputs": (
        [USER, call("a"), NOTE, said("Yes."), output("a"), said("So.")],
        ["user q", "assistant Yes. a", "user quick!", "tool of a a", "assistant So."],
    ),
    "one call after the other": (
        [USER, call("a"), output("a"), REASONING, call("b"), output("b"), said("So.")],
        ["user q", "assistant a", "tool of a a", "assistant hm b", "tool of b b", "assistant So."],
    ),
    "a call that was never answered": (
        [USER, call("a"), NOTE, said("So.")],
        ["user q", "assistant a", "user quick!", "assistant So."],
    ),
    "calls of the provider's own tools": (
        [USER, {"type": "web_search_call", "id": "ws_1", "action": {"query": "q"}}, REASONING,
         {"type": "local_shell_call", "call_id": "s"}, call("a"), {"type": "local_shell_call_output", "output": "x"},
         output("a")],
        ["user q", "assistant hm a", "tool of a a"],
    ),
}  # fmt: skip
conversations = pytest.mark.parametrize(("items", "messages"), CONVERSATIONS.values(), ids=CONVERSATIONS)


@conversations
def test_an_answer_stays_one_turn_until_its_outputs_have_come(items: list[Any], messages: list[str]) -> None:
    assert outline(read(*items)) == messages


@conversations
def test_a_provider_of_the_same_api_receives_the_items_as_they_came(items: list[Any], messages: list[str]) -> None:
    request = read(*items)
    assert build_body(request, request.source)["input"] == items


@conversations
def test_what_follows_changes_nothing_before_it(items: list[Any], messages: list[str]) -> None:
    assert outline(read(*items, said("And."), NOTE))[: len(messages)] == messages


class TestItems:
    def test_of_custom_tools_are_calls_with_an_input(self) -> None:
        called = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "raw"}
        returned = {"type": "custom_tool_call_output", "call_id": "a", "output": "1"}
        assert read(USER, called, returned).messages[1:] == (
            Message("assistant", (), (ToolCall("a", "patch", {"input": "raw"}),)),
            Message("tool", "1", tool_call_id="a"),
        )

    def test_of_functions_in_a_namespace_have_the_flat_name(self) -> None:
        (_, answer) = read(USER, {**call("a"), "namespace": "agents"}).messages
        assert answer.tool_calls[0].name == "agents__f"

    def test_have_the_text_of_reasoning_and_else_its_summary(self) -> None:
        whole = {**REASONING, "content": [{"type": "reasoning_text", "text": "hm!"}]}
        assert read(USER, whole, said("So.")).messages[1].content == (ReasoningPart("hm!"), TextPart("So."))

    def test_have_the_signature_of_openai_marked_as_such(self) -> None:
        encrypted = "gAAAAABo-abc"
        (_, answer) = read(USER, {**REASONING, "encrypted_content": encrypted}).messages
        assert answer.parts() == (ReasoningPart("hm", sign_as_openai(encrypted)),)

    def test_have_documents_and_recordings(self) -> None:
        parts = [
            {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
            {"type": "input_file", "file_data": "JVBERi0xLjQ="},
            {"type": "input_file", "file_url": "https://a/b.pdf"},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        ]
        assert read({"role": "user", "content": parts}).messages[0].content == (
            FilePart(PDF, "a.pdf"), FilePart(PDF), FilePart("https://a/b.pdf"), AudioPart("AAAA", "wav"),
        )  # fmt: skip

    def test_that_are_not_known_are_left_out_by_name(self) -> None:
        request = read(USER, {"type": "web_search_call", "id": "ws_1"}, said("So."))
        assert request.source.unread == ("input[1] (web_search_call)",)
        assert outline(request) == ["user q", "assistant So."]

    def test_that_stand_for_the_conversation_cannot_be_left_out(self) -> None:
        request = read({"type": "compaction", "encrypted_content": "x"}, USER)
        assert request.source.essential == ("input[0] (compaction)",)

    def test_of_the_user_s_question_cannot_be_left_out(self) -> None:
        video = {"type": "input_video", "video_url": "https://a/b.mp4"}
        assert read({"role": "user", "content": [video]}).source.essential == ("input[0].content[0] (input_video)",)
        assert read(USER, said("So."), {"role": "assistant", "content": [video]}).source.essential == ()


class TestWhatTheProviderKeeps:
    @pytest.mark.parametrize(
        ("items", "fields", "state"),
        [
            ([USER], {"previous_response_id": "resp_1"}, "previous_response_id"),
            ([USER], {"conversation": {"id": "conv_1"}}, "conversation"),
            ([USER], {"prompt": {"id": "pmpt_1"}}, "prompt"),
            ([{"type": "item_reference", "id": "msg_1"}], {}, "input[0] (item_reference)"),
            (
                [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}],
                {},
                "input[0].content[0].file_id",
            ),
            (
                [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}],
                {},
                "input[0].content[0].file_id",
            ),
            ([USER], {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "tools[0].vector_store_ids"),
            ([USER], {"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, "tools[0].container"),
            (
                [USER],
                {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}}]},
                "tools[0].file_ids",
            ),
        ],
    )
    def test_is_told(self, items: list[Any], fields: dict[str, Any], state: str) -> None:
        request = read(*items, **fields)
        assert request.source.state == (state,)
        body = build_body(request, request.source)
        assert body["input"] == items
        assert {name: body[name] for name in fields} == fields

    def test_may_be_the_call_of_an_output(self) -> None:
        request = read(output("a"), previous_response_id="resp_1")
        assert build_body(request, request.source)["input"] == [output("a")]
        with pytest.raises(InvalidRequest):
            read(output("a"))

    def test_may_be_all_but_the_instructions(self) -> None:
        sent = {"prompt": {"id": "pmpt_1"}, "instructions": "Be brief."}
        request = to_chat_request(msgspec.convert(sent, ResponseBody), sent)
        assert build_body(request, request.source) == {
            **sent, "model": "", "input": [], "store": False, "stream": True,
        }  # fmt: skip
