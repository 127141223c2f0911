"""The body of a Responses API request as a `ChatRequest`, and the fields and items that are rejected."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.openai_responses.body import ResponseBody
from flask_headrace.blueprints.openai_responses.request import to_chat_request
from flask_headrace.core.errors import InvalidRequest
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

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
CALL = {"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"q": "ö"}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "found"}
ANSWER = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "So.", "annotations": []}],
}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}


def chat_request(input: Any = "hi", **fields: Any) -> ChatRequest:  # noqa: A002
    sent = {"input": input, **fields}
    return to_chat_request(msgspec.json.decode(msgspec.json.encode(sent), type=ResponseBody), sent)


def read(input: Any = "hi", **fields: Any) -> ChatRequest:  # noqa: A002
    """Return what every provider understands of a request."""
    return msgspec.structs.replace(chat_request(input, **fields), source=None)


def converted(*items: dict[str, Any]) -> tuple[Message, ...]:
    return chat_request(list(items)).messages


class TestTheInput:
    def test_may_be_a_text(self) -> None:
        assert chat_request("What is a mill?").messages == (Message("user", "What is a mill?"),)

    def test_comes_after_the_instructions(self) -> None:
        assert chat_request("hi", instructions="Be brief.").messages == (
            Message("system", "Be brief."), Message("user", "hi"),
        )  # fmt: skip

    @pytest.mark.parametrize("role", ["system", "developer", "user"])
    @pytest.mark.parametrize("kind", [{}, {"type": "message"}], ids=["untyped", "typed"])
    def test_has_turns(self, role: str, kind: dict[str, str]) -> None:
        assert converted({**kind, "role": role, "content": "Be brief."}) == (Message(role, "Be brief."),)

    def test_has_text_and_pictures(self) -> None:
        image = {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"}
        messages = converted({"role": "user", "content": [{"type": "input_text", "text": "What is it?"}, image]})
        assert messages[0].content == (TextPart("What is it?"), ImagePart("https://x/y.png", "low"))

    def test_has_what_an_answer_had_as_one_turn(self) -> None:
        assert converted({"role": "user", "content": "hi"}, THOUGHT, ANSWER, CALL, OUTPUT) == (
            Message("user", "hi"),
            Message(
                "assistant",
                (ReasoningPart("hm"), TextPart("So.")),
                tool_calls=(ToolCall("c1", "find", {"q": "ö"}),),
            ),
            Message("tool", "found", tool_call_id="c1"),
        )

    def test_has_several_calls_of_one_answer(self) -> None:
        now = {"type": "function_call", "call_id": "c2", "name": "now", "arguments": ""}
        called, *answers = converted(CALL, now, OUTPUT, {**OUTPUT, "call_id": "c2"})
        assert called.tool_calls == (ToolCall("c1", "find", {"q": "ö"}), ToolCall("c2", "now"))
        assert [answer.tool_call_id for answer in answers] == ["c1", "c2"]

    def test_has_answers_that_follow_each_other_as_turns_of_their_own(self) -> None:
        assert [message.text() for message in converted(ANSWER, ANSWER)] == ["So.", "So."]
        assert [message.parts() for message in converted(CALL, THOUGHT, ANSWER)] == [
            (), (ReasoningPart("hm"), TextPart("So.")),
        ]  # fmt: skip

    def test_has_a_refusal_as_text(self) -> None:
        refused = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
        assert converted(refused) == (Message("assistant", (TextPart("No."),)),)

    def test_has_what_a_tool_returned_as_parts(self) -> None:
        returned = {**OUTPUT, "output": [{"type": "input_text", "text": "found"}]}
        assert converted(CALL, returned)[1].content == (TextPart("found"),)

    @pytest.mark.parametrize(
        ("signature", "part"),
        [
            (None, ReasoningPart("hm")),
            ("abc", ReasoningPart("hm", "abc")),
            ("redacted:abc", ReasoningPart("", "abc", is_redacted=True)),
        ],
    )
    def test_has_thoughts_by_which_their_provider_knows_them(self, signature: str | None, part: ReasoningPart) -> None:
        assert converted({**THOUGHT, "encrypted_content": signature}, ANSWER)[0].content == (part, TextPart("So."))

    def test_comes_back_with_all_that_an_answer_had(self) -> None:
        echoed = {**ANSWER, "id": "msg_1", "status": "completed", "phase": None}
        called = {**CALL, "id": "fc_1", "status": "completed", "async": None, "caller": None, "namespace": None}
        assert converted(echoed, called) == converted(ANSWER, CALL)

    @pytest.mark.parametrize(
        ("items", "wrong"),
        [
            ([], "input is empty"),
            ([{"role": "user"}], "input[0] is a message without content"),
            ([{"content": "hi"}], "input[0] is a message without a role"),
            ([CALL, {**OUTPUT, "call_id": "c9"}], "input[1].call_id is 'c9'"),
            ([CALL, {"type": "function_call_output", "call_id": "c1"}], "input[1] has no output"),
            ([{**CALL, "name": None}], "input[0] is a function_call without call_id or name"),
            ([{**CALL, "arguments": "["}], "input[0].arguments is '['"),
            ([{"role": "user", "content": [{"type": "input_image"}]}], "input[0].content[0] has no image_url: add"),
            ([{"role": "user", "content": [{"type": "input_file"}]}], "input[0].content[0] has no file_data and no"),
            ([{"role": "user", "content": [{"type": "input_text"}]}], "input[0].content[0] is invalid: "),
            ([{"role": "user", "content": [{"text": "hi"}]}], "input[0].content[0] has the type null"),
            ([{"type": "message", "role": "tool", "content": ""}], "input[0] is invalid: "),
            ([{"type": 3}], "input[0] has the type 3"),
            ([{"type": msgspec.Raw(b"1.50")}], "input[0] has the type 1.50"),
            ([{"role": "user", "content": msgspec.Raw(b"1.50")}], "Expected `str | array | null`, got `float`"),
            ([{**CALL, "type": "custom_tool_call", "call_id": ""}], "is a custom_tool_call without call_id or name"),
        ],
    )
    def test_that_is_wrong_is_refused_by_its_place(self, items: list[Any], wrong: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            chat_request(items)
        assert wrong in caught.value.message


class TestFields:
    def test_that_are_the_same_here_are_taken_over(self) -> None:
        same = {"temperature": 0.5, "top_p": 0.9, "parallel_tool_calls": False, "user": "u"}
        request = chat_request(**same, max_output_tokens=7)
        assert {name: getattr(request, name) for name in same} == same
        assert request.max_tokens == 7

    def test_of_reasoning_and_text_are_taken_over(self) -> None:
        request = chat_request(reasoning={"effort": "low", "summary": "auto"}, text={"verbosity": "high"})
        assert (request.reasoning_effort, request.verbosity, request.response_format) == ("low", "high", None)

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"type": "text"}, None),
            ({"type": "json_object"}, ResponseFormat(None)),
            (
                {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True},
                ResponseFormat(SCHEMA, "a", True),
            ),
        ],
    )
    def test_of_the_format_are_taken_over(self, given: dict[str, Any], expected: ResponseFormat | None) -> None:
        assert chat_request(text={"format": given}).response_format == expected

    def test_of_tools_are_taken_over(self) -> None:
        tool = {"type": "function", "name": "find", "description": "Finds.", "parameters": SCHEMA, "strict": True}
        request = chat_request(tools=[tool], tool_choice={"type": "function", "name": "find"})
        assert request.tools == (Tool("find", "Finds.", SCHEMA, True),)
        assert request.tool_choice == NamedTool("find")
        assert chat_request(tools=[tool], tool_choice="required").tool_choice == "required"

    @pytest.mark.parametrize("value", [None, False, True])
    def test_that_are_this_service_s_reach_no_provider(self, value: Any) -> None:
        asked = chat_request(background=value, background_options={"completion_window": "2h"})
        assert (asked.source.fields, asked.source.unread) == (chat_request().source.fields, ())

    def test_name_the_end_user_by_either_name(self) -> None:
        assert (chat_request(user="u").user, chat_request(safety_identifier="s").user) == ("u", "s")
