"""The tools of a Responses API request: which every provider can have, and which are the provider's own."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.openai_responses.body import ResponseBody
from flask_headrace.blueprints.openai_responses.request import to_chat_request
from flask_headrace.core.custom_tool_input import INPUT_SCHEMA
from flask_headrace.core.errors import InvalidRequest
from flask_headrace.core.tool_namespaces import MAX_NAME_CHARS, QualifiedName, flat_names
from flask_headrace.providers.chat_request import ChatRequest, CustomTool, NamedTool, Tool

FIND = {"type": "function", "name": "find", "parameters": {"type": "object"}}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
PATCH = {"type": "custom", "name": "patch", "description": "d", "format": GRAMMAR}
SEARCH = {"type": "web_search"}


def member(name: str) -> dict[str, Any]:
    return {"type": "function", "name": name}


def namespace(name: str, *members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "namespace", "name": name, "description": "d", "tools": list(members)}


def read(**fields: Any) -> ChatRequest:
    sent = {"input": "hi", **fields}
    return to_chat_request(msgspec.convert(sent, ResponseBody), sent)


class TestTools:
    def test_with_free_text_are_functions_of_one_text_for_all(self) -> None:
        assert read(tools=[PATCH]).tools == (CustomTool("patch", "d", INPUT_SCHEMA, format=GRAMMAR),)

    def test_of_a_namespace_are_functions_with_a_flat_name(self) -> None:
        tools = read(tools=[namespace("agents", member("close"), PATCH)]).tools
        assert tools == (Tool("agents__close"), CustomTool("agents__patch", "d", INPUT_SCHEMA, format=GRAMMAR))

    def test_of_the_provider_are_left_out_by_name(self) -> None:
        request = read(tools=[FIND, SEARCH, {"type": "mcp", "server_label": "x"}, namespace("a", SEARCH)])
        assert [tool.name for tool in request.tools] == ["find"]
        assert request.source.unread == ("tools[1] (web_search)", "tools[2] (mcp)", "tools[3].tools[0] (web_search)")

    def test_of_an_item_are_the_requests_as_well(self) -> None:
        added = {"type": "additional_tools", "role": "developer", "tools": [namespace("agents", PATCH), FIND, SEARCH]}
        request = read(tools=[FIND], input=[added, {"role": "user", "content": "hi"}])
        assert [tool.name for tool in request.tools] == ["find", "agents__patch"]
        assert request.source.unread == ("input[0].tools[2] (web_search)",)
        assert request.source.turns[0].values == (added,)
        with pytest.raises(InvalidRequest, match=r'input\[0\]\.tools\[0\] is "x": it must be an object'):
            read(input=[{**added, "tools": ["x"]}])

    @pytest.mark.parametrize(
        ("tool", "wrong"),
        [
            ({"type": "function"}, "tools[0] is invalid: "),
            ({"type": "custom", "name": 1}, "tools[0] is invalid: "),
            (namespace("a", {"type": "function", "name": None}), "tools[0].tools[0] is invalid: "),
            ({"type": None}, "tools[0] has the type null"),
            ({"type": []}, "tools[0] has the type []"),
            (namespace("a", {"type": []}), "tools[0].tools[0] has the type []"),
        ],
    )
    def test_that_are_wrong_are_refused_by_their_place(self, tool: dict[str, Any], wrong: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            read(tools=[tool])
        assert wrong in caught.value.message


class TestFlatNames:
    def test_are_never_those_of_other_tools(self) -> None:
        tools = [
            member("a__b"),
            namespace("a", member("b")),
            namespace("a__b", member("c")),
            namespace("a", member("b__c")),
        ]
        names = flat_names(tools)
        assert len({"a__b", *names.values()}) == 4
        assert names == flat_names(tools)

    @pytest.mark.parametrize("name", ["x" * 100, "näme", "a.b"])
    def test_are_those_of_functions(self, name: str) -> None:
        flat = QualifiedName("space", name).flat
        assert len(flat) <= MAX_NAME_CHARS
        assert flat.isascii()
        assert "." not in flat
        assert flat != QualifiedName("space", name + "x").flat


class TestTheChoice:
    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ({"type": "function", "name": "find"}, NamedTool("find")),
            ({"type": "custom", "name": "patch"}, NamedTool("patch")),
            ({"type": "function", "name": "close"}, NamedTool("agents__close")),
            ("required", "required"),
        ],
    )
    def test_names_a_tool(self, choice: Any, expected: Any) -> None:
        request = read(tools=[FIND, PATCH, namespace("agents", member("close"))], tool_choice=choice)
        assert request.tool_choice == expected

    @pytest.mark.parametrize("choice", [{"type": "web_search"}, {"type": "mcp", "server_label": "x"}])
    def test_of_a_tool_that_was_left_out_is_left_out(self, choice: dict[str, Any]) -> None:
        request = read(tools=[FIND, SEARCH], tool_choice=choice)
        assert request.tool_choice is None
        assert request.source.unread[-1] == f"tool_choice ({choice['type']})"

    def test_of_any_tool_is_left_out_if_all_were(self) -> None:
        request = read(tools=[SEARCH], tool_choice="required")
        assert (request.tool_choice, request.source.unread[-1]) == (None, "tool_choice")

    def test_allows_some_of_the_tools(self) -> None:
        allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "find"}]}
        request = read(tools=[FIND, PATCH], tool_choice=allowed)
        assert ([tool.name for tool in request.tools], request.tool_choice) == (["find"], "required")


class TestFields:
    def test_without_a_counterpart_are_left_out_by_name(self) -> None:
        request = read(
            client_metadata={"a": "b"}, prompt_cache_key="k", top_logprobs=3, service_tier="priority",
            include=["web_search_call.action.sources"], reasoning={"effort": "low", "context": "x"}, text={"x": 1},
        )  # fmt: skip
        assert set(request.source.unread) == {
            "client_metadata", "prompt_cache_key", "top_logprobs", "service_tier", "include", "reasoning.context",
            "text.x",
        }  # fmt: skip

    def test_that_ask_for_nothing_are_not_named(self) -> None:
        request = read(
            include=["reasoning.encrypted_content"], metadata={"a": "b"}, store=False, truncation="auto",
            max_tool_calls=3, service_tier="auto", top_logprobs=0, context_management=[], reasoning={"summary": "auto"},
            stream_options={"include_obfuscation": False}, parallel_tool_calls=True, moderation=None,
        )  # fmt: skip
        assert request.source.unread == ()

    def test_go_on_as_they_came_without_those_of_this_service(self) -> None:
        sent = {"prompt_cache_key": "k", "temperature": msgspec.Raw(b"0.10"), "store": True, "new": {"x": [1]}}
        request = to_chat_request(
            ResponseBody("hi", temperature=0.1, resumable=True),
            {"input": "hi", "stream": True, "resumable": True, "id": None, "user": None, "model": "m", **sent},
            (("OpenAI-Beta", "x"),),
        )
        assert request.source.fields == sent
        assert request.source.headers == (("OpenAI-Beta", "x"),)

    def test_of_an_unknown_format_are_what_the_question_depends_on(self) -> None:
        assert read(text={"format": {"type": "grammar"}}).source.essential == ("text.format (grammar)",)
