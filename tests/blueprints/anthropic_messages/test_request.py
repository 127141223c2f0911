"""The body of a Messages API request as a `ChatRequest`, and the fields that are rejected."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.anthropic_messages.body import MessagesBody
from flask_headrace.blueprints.anthropic_messages.request import to_chat_request
from flask_headrace.core.errors import InvalidRequest
from flask_headrace.providers.anthropic.request_body import build_body
from flask_headrace.providers.chat_request import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)

HI = {"role": "user", "content": "hi"}
MARK = {"type": "ephemeral"}
USES = {"type": "tool_use", "id": "c1", "name": "find", "input": {"q": "ö"}}
RETURNS = {"type": "tool_result", "tool_use_id": "c1", "content": "found"}
SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def read(*messages: dict[str, Any], **fields: Any) -> ChatRequest:
    """Return the request without its source: what providers of all kinds receive."""
    body = {"model": "m", "max_tokens": 9, "messages": messages or [HI], **fields}
    chat_request = to_chat_request(msgspec.json.decode(json.dumps(body), type=MessagesBody), body, {})
    return msgspec.structs.replace(chat_request, source=None)


def messages_of(*blocks: dict[str, Any], role: str = "user") -> tuple[Message, ...]:
    return read({"role": role, "content": blocks}).messages


class TestTurns:
    def test_of_text_stay_what_they_are(self) -> None:
        assert read(HI, {"role": "assistant", "content": "Well,"}).messages == (
            Message("user", "hi"),
            Message("assistant", "Well,"),
        )

    def test_of_text_and_pictures_are_parts(self) -> None:
        linked = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}, "cache_control": MARK}
        text = {"type": "text", "text": "What?", "cache_control": MARK, "citations": None}
        assert messages_of(text, PICTURE, linked) == (
            Message(
                "user",
                (
                    TextPart("What?", MARK),
                    ImagePart("data:image/png;base64,AAAA"),
                    ImagePart("https://x/y.png", cache_control=MARK),
                ),
            ),
        )

    def test_of_a_model_keep_its_thoughts_and_calls(self) -> None:
        thoughts = [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "thinking", "thinking": "foreign", "signature": ""},
            {"type": "redacted_thinking", "data": "d"},
        ]
        calls = {**USES, "caller": {"type": "direct"}, "cache_control": MARK}
        assert messages_of(*thoughts, {"type": "text", "text": "So."}, calls, role="assistant") == (
            Message(
                "assistant",
                (
                    ReasoningPart("hm", "s"),
                    ReasoningPart("foreign"),
                    ReasoningPart("", "d", is_redacted=True),
                    TextPart("So."),
                ),
                (ToolCall("c1", "find", {"q": "ö"}, MARK),),
            ),
        )

    def test_with_results_of_tools_become_turns_of_the_tools(self) -> None:
        failed = {"type": "tool_result", "tool_use_id": "c2", "content": [PICTURE], "is_error": True}
        empty = {"type": "tool_result", "tool_use_id": "c3"}
        assert messages_of({**RETURNS, "cache_control": MARK}, failed, empty, {"type": "text", "text": "So?"}) == (
            Message("tool", (TextPart("found", MARK),), tool_call_id="c1"),
            Message("tool", (ImagePart("data:image/png;base64,AAAA"),), tool_call_id="c2", is_error=True),
            Message("tool", "", tool_call_id="c3"),
            Message("user", (TextPart("So?"),)),
        )

    def test_keep_the_order_of_their_blocks(self) -> None:
        first, result, last = messages_of({"type": "text", "text": "a"}, RETURNS, {"type": "text", "text": "b"})
        assert (first.text(), result.role, last.text()) == ("a", "tool", "b")

    def test_without_a_block_are_turns_all_the_same(self) -> None:
        assert messages_of() == (Message("user", ()),)

    @pytest.mark.parametrize("role", ["user", "assistant"])
    def test_come_out_for_anthropic_as_they_came_in(self, role: str) -> None:
        content = {
            "user": [
                RETURNS,
                {**RETURNS, "tool_use_id": "c2", "is_error": True},
                PICTURE,
                {"type": "text", "text": "?"},
            ],
            "assistant": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {**USES, "cache_control": MARK}],
        }[role]
        assert build_body(read({"role": role, "content": content}))["messages"][-1] == {
            "role": role,
            "content": content,
        }


class TestTheSystemPrompt:
    def test_is_the_first_turn(self) -> None:
        assert read(system="Be brief.").messages == (Message("system", "Be brief."), Message("user", "hi"))

    def test_in_blocks_keeps_its_marks(self) -> None:
        blocks = [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Long.", "cache_control": MARK}]
        assert read(system=blocks).messages[0] == Message("system", (TextPart("Be brief."), TextPart("Long.", MARK)))
        assert build_body(read(system=blocks))["system"] == blocks

    def test_does_not_make_a_conversation(self) -> None:
        body = msgspec.json.decode(b'{"messages":[],"system":"x"}', type=MessagesBody)
        assert to_chat_request(body, {"messages": [], "system": "x"}, {}).messages == ()

    def test_may_stand_between_turns(self) -> None:
        assert read(HI, {"role": "system", "content": "Now in French."}).messages[1].role == "system"


class TestAMarkForTheCacheOfTheWholeRequest:
    def test_is_put_on_its_last_piece(self) -> None:
        assert read(cache_control=MARK).messages == (Message("user", (TextPart("hi", MARK),)),)
        assert read({"role": "assistant", "content": [USES]}, cache_control=MARK).messages[0].tool_calls == (
            ToolCall("c1", "find", {"q": "ö"}, MARK),
        )

    def test_leaves_one_that_is_there_and_thoughts_as_they_are(self) -> None:
        hour = {"type": "ephemeral", "ttl": "1h"}
        for block in ({"type": "text", "text": "x", "cache_control": hour}, {**USES, "cache_control": hour}):
            turn = {"role": "user" if "text" in block else "assistant", "content": [block]}
            assert read(turn, cache_control=MARK) == read(turn)
        thought = {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "d"}]}
        assert read(thought, cache_control=MARK).messages[0].content == (ReasoningPart("", "d", is_redacted=True),)


class TestSettings:
    def test_have_their_place_in_the_question(self) -> None:
        chat_request = read(
            temperature=0.5,
            top_p=0.9,
            top_k=5,
            stop_sequences=["END"],
            thinking={"type": "adaptive"},
            output_config={"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
            metadata={"user_id": "u1"},
            service_tier="auto",
        )
        assert (chat_request.max_tokens, chat_request.temperature, chat_request.top_p, chat_request.top_k) == (
            9,
            0.5,
            0.9,
            5,
        )
        assert (chat_request.stop, chat_request.thinking, chat_request.user) == (("END",), {"type": "adaptive"}, "u1")
        assert (chat_request.reasoning_effort, chat_request.response_format) == ("low", ResponseFormat(SCHEMA))

    def test_that_are_null_are_not_set(self) -> None:
        names = ("system", "stop_sequences", "tools", "tool_choice", "thinking", "output_config", "metadata")
        assert read(**dict.fromkeys(names)) == read()
        assert read().required_features() == {"max_tokens"}

    def test_that_ask_for_no_thinking_ask_nothing_of_a_provider(self) -> None:
        chat_request = read(thinking={"type": "disabled"})
        assert "thinking" not in chat_request.required_features()
        assert build_body(chat_request)["thinking"] == {"type": "disabled"}
        assert "thinking" in read(thinking={"type": "enabled", "budget_tokens": 1024}).required_features()

    def test_of_tools_are_kept(self) -> None:
        tool = {"name": "find", "description": "Finds.", "input_schema": SCHEMA, "strict": True, "cache_control": MARK}
        chat_request = read(tools=[tool, {"type": "custom", "name": "now", "input_schema": {}}])
        assert chat_request.tools == (Tool("find", "Finds.", SCHEMA, True, MARK), Tool("now"))

    @pytest.mark.parametrize(
        ("given", "choice", "parallel"),
        [
            ({"type": "auto"}, "auto", None),
            ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
            ({"type": "tool", "name": "find", "disable_parallel_tool_use": False}, NamedTool("find"), None),
            ({"type": "none"}, "none", None),
        ],
    )
    def test_of_the_choice_of_tools_are_kept(self, given: dict, choice: Any, parallel: bool | None) -> None:
        chat_request = read(tools=[{"name": "find", "input_schema": SCHEMA}], tool_choice=given)
        assert (chat_request.tool_choice, chat_request.parallel_tool_calls) == (choice, parallel)


class TestRefused:
    @pytest.mark.parametrize(
        ("role", "block", "says"),
        [
            ("user", {"text": "x"}, "messages[0].content[0] is of type None: give each block its type"),
            ("user", {"type": ["text"]}, "is of type ['text']"),
            ("user", {"type": "text"}, "messages[0].content[0] is invalid: an object missing required"),
            ("user", {**PICTURE, "source": {"type": "base64"}}, "missing required field `media_type` - at `source`"),
            ("user", {"type": "document", "source": {"type": "text"}}, "missing required field `data`"),
            ("user", {**RETURNS, "content": [{"type": "text"}]}, "messages[0].content[0].content[0] is invalid"),
            ("assistant", {**USES, "input": "x"}, "Expected `object`, got `str` - at `input`"),
        ],
    )
    def test_is_a_block_that_is_invalid(self, role: str, block: dict, says: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            messages_of(block, role=role)
        assert says in refused.value.message

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"tools": [{"type": ["custom"]}]}, "tools[0] is of type ['custom']"),
            ({"tools": [{"name": "find"}]}, "tools[0] is invalid: an object missing required field"),
            ({"tool_choice": {"type": "tool"}}, "add the tool's name"),
            ({"system": [{"type": "text"}]}, "system[0] is invalid"),
        ],
    )
    def test_is_a_field_that_is_invalid(self, fields: dict, says: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            read(**fields)
        assert says in refused.value.message
