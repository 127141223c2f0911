"""The body of a chat completion request as a `ChatRequest`, and the values that are rejected."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.openai_chat.body import ChatCompletionBody
from flask_headrace.blueprints.openai_chat.request import to_chat_request
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

HI = [{"role": "user", "content": "hi"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def with_source(**fields: Any) -> ChatRequest:
    sent = {"messages": HI, **fields}
    return to_chat_request(msgspec.json.decode(msgspec.json.encode(sent), type=ChatCompletionBody), sent)


def chat_request(**fields: Any) -> ChatRequest:
    return msgspec.structs.replace(with_source(**fields), source=None)


def turn(**fields: Any) -> Message:
    return chat_request(messages=[fields]).messages[0]


class TestTurns:
    @pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
    def test_of_text_stay_what_they_are(self, role: str) -> None:
        assert turn(role=role, content="Be brief.") == Message(role, "Be brief.")

    def test_of_parts_have_text_and_pictures(self) -> None:
        image = {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}
        message = turn(role="user", content=[{"type": "text", "text": "What is it?"}, image])
        assert message.content == (TextPart("What is it?"), ImagePart("https://x/y.png", "low"))

    def test_may_hint_at_what_to_cache(self) -> None:
        hint = {"type": "ephemeral"}
        message = turn(role="user", content=[{"type": "text", "text": "a", "cache_control": hint}])
        assert message.content == (TextPart("a", hint),)

    def test_of_an_assistant_may_be_a_refusal(self) -> None:
        assert turn(role="assistant", content=[{"type": "refusal", "refusal": "No."}]).content == (TextPart("No."),)
        assert turn(role="assistant", content=None, refusal="No.").content == (TextPart("No."),)

    def test_of_an_assistant_may_have_what_it_thought(self) -> None:
        message = turn(role="assistant", content="So.", reasoning_content="hm")
        assert message.content == (ReasoningPart("hm"), TextPart("So."))

    def test_of_an_assistant_may_have_called_tools(self) -> None:
        call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": "ö"}'}}
        bare = {"id": "c2", "index": 1, "type": "function", "function": {"name": "now", "arguments": ""}}
        message = turn(role="assistant", content=None, tool_calls=[call, bare])
        assert message == Message(
            "assistant", (), tool_calls=(ToolCall("c1", "find", {"q": "ö"}), ToolCall("c2", "now"))
        )

    def test_of_tools_answer_a_call_whatever_the_tool_was(self) -> None:
        message = turn(role="tool", tool_call_id="c1", content=[{"type": "text", "text": "found"}], name="find")
        assert message == Message("tool", (TextPart("found"),), tool_call_id="c1")

    def test_may_name_who_speaks(self) -> None:
        assert turn(role="user", content="hi", name="ann").name == "ann"

    def test_come_back_with_all_that_an_answer_had(self) -> None:
        echoed = {"annotations": [], "audio": None, "function_call": None, "parsed": {"a": 1}, "refusal": None}
        assert turn(role="assistant", content="a", tool_calls=None, **echoed) == Message("assistant", "a")


class TestFields:
    def test_that_are_the_same_here_are_taken_over(self) -> None:
        same = {
            "temperature": 0.5, "top_p": 0.9, "top_k": 5, "seed": 7, "frequency_penalty": 0.1, "presence_penalty": -0.1,
            "parallel_tool_calls": False, "reasoning_effort": "low", "verbosity": "high", "user": "u1",
        }  # fmt: skip
        request = chat_request(**same)
        assert {name: getattr(request, name) for name in same} == same

    def test_that_are_null_are_left_to_the_provider(self) -> None:
        names = set(ChatCompletionBody.__struct_fields__) - {"messages", "resumable"}
        assert chat_request(**dict.fromkeys(names)) == chat_request()

    @pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
    def test_for_the_length_have_two_names(self, name: str) -> None:
        assert chat_request(**{name: 7}).max_tokens == 7

    def test_for_the_length_may_not_differ(self) -> None:
        assert chat_request(max_tokens=7, max_completion_tokens=7).max_tokens == 7
        with pytest.raises(InvalidRequest, match="max_completion_tokens is 8 and max_tokens is 7"):
            chat_request(max_tokens=7, max_completion_tokens=8)

    @pytest.mark.parametrize(("given", "read"), [("a", ("a",)), (["a", "b"], ("a", "b")), ([], ())])
    def test_for_the_end_are_a_text_or_a_list(self, given, read) -> None:
        assert chat_request(stop=given).stop == read

    def test_that_ask_for_no_penalty_ask_for_nothing(self) -> None:
        assert not chat_request(frequency_penalty=0, presence_penalty=0.0).required_features()

    def test_for_tools_are_read(self) -> None:
        function = {"name": "find", "description": "Finds.", "parameters": SCHEMA, "strict": True}
        request = chat_request(tools=[{"type": "function", "function": function}, {"function": {"name": "now"}}])
        assert request.tools == (Tool("find", "Finds.", SCHEMA, True), Tool("now"))

    @pytest.mark.parametrize("choice", ["auto", "none", "required"])
    def test_for_the_choice_of_tools_are_words(self, choice: str) -> None:
        assert chat_request(tool_choice=choice).tool_choice == choice

    def test_for_the_choice_of_tools_may_name_one(self) -> None:
        assert chat_request(tool_choice={"type": "function", "function": {"name": "find"}}).tool_choice == NamedTool(
            "find"
        )

    def test_for_the_form_of_the_answer_are_of_three_kinds(self) -> None:
        described = {"name": "sum", "schema": SCHEMA, "strict": True, "description": "A sum."}
        request = chat_request(response_format={"type": "json_schema", "json_schema": described})
        assert request.response_format == ResponseFormat(SCHEMA, "sum", True, "A sum.")
        assert chat_request(response_format={"type": "json_object"}).response_format == ResponseFormat(None)
        assert chat_request(response_format={"type": "text"}).response_format is None

    def test_for_the_user_have_two_names(self) -> None:
        assert chat_request(safety_identifier="s").user == "s"
        assert chat_request(safety_identifier="s", user="u").user == "u"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"n": 2}, "n is 2, which is not supported here: send one request per answer"),
        ({"modalities": ["text", "audio"]}, "modalities is ['text', 'audio']: answers have no audio here"),
        ({"messages": [{"role": "user"}]}, "messages[0] has the role 'user' and no content"),
        ({"messages": [*HI, {"role": "tool", "tool_call_id": "c", "content": None}]}, "messages[1]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            "messages[0].content[0].file has no",
        ),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0] has the type None"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0] is invalid"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]},
            "messages[0].tool_calls[0] has no function",
        ),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0] is invalid: an object missing required"),
        ({"tool_choice": {"type": "function"}}, "tool_choice is invalid"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format is invalid"),
    ],
)
def test_refused_by_name_is_what_nobody_here_can_honour(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat_request(**fields)
    assert says in caught.value.message


@pytest.mark.parametrize("arguments", ["{", "[]", "7", '"a"', '{"a": "\ud800"}', "[" * 10000])
def test_refused_are_the_arguments_of_a_call_that_are_no_object(arguments: str) -> None:
    call = {"id": "c1", "function": {"name": "find", "arguments": arguments}}
    sent = {"messages": [{"role": "assistant", "tool_calls": [call]}]}
    with pytest.raises(InvalidRequest, match=r"messages\[0\].tool_calls\[0\].function.arguments"):
        to_chat_request(msgspec.convert(sent, ChatCompletionBody), sent)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"messages": [{"role": "narrator", "content": "x", "name": "f"}]}, "messages[0].role"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": 1}]}]}, "messages[0].tool_calls[0].id"),
        ({"temperature": "hot"}, "temperature"),
        ({"tool_choice": "any"}, "tool_choice"),
    ],
)
def test_refused_with_its_place_is_what_is_of_another_type(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        chat_request(**fields)
    assert says in str(caught.value)
