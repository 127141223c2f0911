"""The decorator `tool`: which functions can be tools, and what they are to models."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from flask import Flask
from pydantic import Field

from flask_headrace import Headrace
from flask_headrace.core.errors import ConfigurationError
from flask_headrace.providers.chat_request import Tool
from flask_headrace.tools.local_tool import LocalTool, ToolContext, ToolSource, local_tools, tool
from flask_headrace.tools.tool_error import ToolError


def find(city: str, near: bool = False) -> str:
    """Find it."""
    return city


class Desk:
    def find(self, city: str) -> str:
        """Find it at the desk."""
        return city

    def __call__(self, city: str) -> str:
        """Call the desk."""
        return city


def properties(made: LocalTool[..., Any]) -> set[str]:
    return set(made.declaration().parameters["properties"])


def test_a_function_is_a_tool_by_its_name_its_docstring_and_its_hints() -> None:
    made = tool(find)
    assert made.declaration() == Tool("find", "Find it.", made.arguments.schema, None)
    assert properties(made) == {"city", "near"}
    assert made("Ulm") == "Ulm"
    assert made.__doc__ == "Find it."


def test_what_the_decorator_is_told_goes_first() -> None:
    made = tool(name="look", description="Look it up.", strict=True, timeout=5)(find)
    assert made.declaration() == Tool("look", "Look it up.", made.arguments.schema, True)
    assert made.timeout == 5


def test_methods_objects_and_partials_are_tools() -> None:
    desk = Desk()
    assert properties(tool(desk.find)) == {"city"}
    assert properties(tool(desk)) == {"city"}
    assert tool(desk).name == "Desk"
    near = tool(name="near")(functools.partial(find, near=True))
    assert near.arguments.convert({"city": "Ulm"}) == {"city": "Ulm", "near": True}

    @functools.wraps(find)
    def wrapped(*args: Any, **kwargs: Any) -> str:
        return find(*args, **kwargs)

    assert properties(tool(wrapped)) == {"city", "near"}


def test_the_type_of_the_result_need_not_be_there() -> None:
    def look(city: str) -> Town: ...  # noqa: F821  # as an import for type checkers alone has it

    assert properties(tool(look)) == {"city"}


def positional(city: str, /) -> None: ...
def several(*cities: str) -> None: ...
def named(**cities: str) -> None: ...
def unknown_type(city: Town) -> None: ...  # noqa: F821
def unknown_attribute(city: functools.Town) -> None: ...
def no_type(city: "int[") -> None: ...  # noqa: F722
def no_schema(call: Callable[[], int]) -> None: ...
def two_contexts(one: ToolContext, other: ToolContext) -> None: ...
async def later(city: str, near: bool) -> bool: ...


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (positional, "the parameter 'city': a model sets arguments by their names"),
        (several, r"the parameter '\*cities'"),
        (named, r"the parameter '\*\*cities'"),
        (unknown_type, r"type hints that cannot be read \(name 'Town' is not defined\)"),
        (unknown_attribute, r"type hints that cannot be read \(module 'functools'"),
        (no_type, "type hints that cannot be read"),
        (no_schema, "no_schema has a parameter without a JSON Schema: .*Callable"),
        (two_contexts, "has two parameters that get its context: one, other"),
        (Desk, "is no function"),
        (5, "is no function"),
        (Desk.find, r"belongs to no object yet: make a tool of the object's, tool\(the_object.find\)"),
        (lambda x: x, r"name is '<lambda>': .* tool\(name=…\)"),
    ],
)
def test_what_cannot_be_a_tool_is_said(function: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        tool(function)


@pytest.mark.parametrize("name", ["", "a b", "a.b", "é", "x" * 65, "a/b"])
def test_a_name_that_models_cannot_call_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match="must be 1 to 64 letters") if name else pytest.raises(TypeError):
        LocalTool(find, name=name, description=None, arguments=tool(find).arguments)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "5"])
def test_a_timeout_is_more_than_nothing(timeout: Any) -> None:
    with pytest.raises(TypeError, match="must be more than 0 seconds"):
        tool(timeout=timeout)(find)


def test_two_tools_of_one_name_are_refused_wherever_they_come_from() -> None:
    class Many(ToolSource):
        def tools(self) -> list[LocalTool[..., Any]]:
            return [tool(name="find")(many)]

    def many() -> None:
        """Stands for a tool of a server's."""

    assert list(local_tools([find, tool(name="other")(find)])) == ["find", "other"]
    assert local_tools([find, Many()])["find"].function is find  # a server's tool never replaces one
    for items in ([find, find], [find, tool(find)]):
        with pytest.raises(ConfigurationError, match="Two tools have the name 'find'"):
            local_tools(items)


def test_approval_is_needed_always_never_or_as_a_function_says() -> None:
    assert not tool(find).must_be_approved({"city": "Ulm"})
    assert tool(needs_approval=True)(find).must_be_approved({"city": "Ulm"})
    far = tool(needs_approval=lambda city, near: city != "Ulm")(find)
    assert far.must_be_approved({"city": "Bonn", "near": False})
    assert not far.must_be_approved({"city": "Ulm", "near": False})


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (later, "needs_approval of the tool find is an async function: write it with `def`"),
        ("yes", "needs_approval of the tool find is 'yes': it must be True, False, or a function"),
        (None, "is None: it must be True"),
        (lambda city: True, r"gets all arguments of the tool by their names \(city, near\), .*'near'.*\*\*arguments"),
        (lambda town, near: True, "'town'"),
        (lambda city, near, far: True, "'far'"),
    ],
)
def test_a_rule_of_approvals_that_cannot_be_asked_is_refused_where_the_tool_is_made(rule: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        tool(needs_approval=rule)(find)


def test_a_rule_of_approvals_may_take_more_than_it_needs() -> None:
    for rule in (lambda **arguments: bool(arguments["near"]), lambda near, city="", far=False: bool(near)):
        assert tool(needs_approval=rule)(find).must_be_approved({"city": "Ulm", "near": True})


def test_the_rule_of_a_tool_with_a_context_is_not_given_it() -> None:
    def pay(amount: int, *, context: ToolContext) -> None: ...

    assert tool(needs_approval=lambda amount: amount > 10)(pay).must_be_approved({"amount": 11})


@pytest.mark.parametrize("amount", [int, Annotated[int, Field(ge=1)]])
def test_a_model_neither_sees_nor_sets_the_context(amount: Any) -> None:
    def pay(amount: int, *, context: ToolContext) -> None: ...

    pay.__annotations__["amount"] = amount
    made = tool(pay)
    assert properties(made) == {"amount"}
    with pytest.raises(ToolError, match="context"):
        made.arguments.convert({"amount": 5, "context": {"owner": "bob"}})


@pytest.mark.parametrize("tools", [find, tool(find), "find", {"name": "find"}, None])
def test_tools_are_a_list(tools: Any) -> None:
    with pytest.raises(TypeError, match=r"tools is .*: it must be a list of tools, such as \[find, refund\]"):
        Headrace(tools=tools)
    with Flask("desk").test_request_context(), pytest.raises(TypeError, match="it must be a list of tools"):
        Headrace().stream([], tools=tools)


def test_the_context_has_defaults_for_tests_of_the_application() -> None:
    context = ToolContext(tool_name="find", call_id="c1")
    assert (context.owner, context.context, context.is_stopped) == ("", None, False)
    assert repr(context) == "<ToolContext find c1>"
