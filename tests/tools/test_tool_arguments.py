"""The arguments of tools: their JSON Schema, their conversion, and what is told of those that do not fit."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal, NewType, TypedDict

import msgspec
import pydantic
import pytest

from flask_headrace.tools.local_tool import LocalTool, ToolContext, tool
from flask_headrace.tools.tool_error import ToolError

ID = uuid.UUID("12345678-1234-5678-1234-567812345678")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Place:
    city: str
    tags: list[str] = dataclasses.field(default_factory=list)


class Point(msgspec.Struct):
    x: int


class Named(TypedDict):
    name: str


class Order(pydantic.BaseModel):
    number: int
    note: str = "none"


UserId = NewType("UserId", int)


def with_parameter(hint: Any, *default: Any) -> LocalTool[..., Any]:
    """Return a tool with one parameter `x`."""

    def take(x, y=None): ...

    take.__annotations__ = {"x": hint, "y": Any}
    take.__defaults__ = (*default, None)
    return tool(take)


def converted(hint: Any, value: Any) -> Any:
    return with_parameter(hint).arguments.convert({"x": value})["x"]


def fault(hint: Any, value: Any) -> str:
    with pytest.raises(ToolError) as caught:
        converted(hint, value)
    return caught.value.message


@pytest.mark.parametrize(
    ("hint", "value", "result"),
    [
        (int, 5, 5),
        (int, "5", 5),
        (int, 2**70, 2**70),
        (float, 2, 2.0),
        (bool, "true", True),
        (str, "ä", "ä"),
        (Color, "red", Color.RED),
        (uuid.UUID, str(ID), ID),
        (dt.date, "2026-01-02", dt.date(2026, 1, 2)),
        (dt.datetime, "2026-01-02T03:04:05", dt.datetime(2026, 1, 2, 3, 4, 5)),
        (decimal.Decimal, "1.50", decimal.Decimal("1.50")),
        (bytes, "aGk=", b"hi"),
        (list[int], [1, "2"], [1, 2]),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (set[str], ["a", "a"], {"a"}),
        (tuple[int, str], [1, "a"], (1, "a")),
        (int | None, None, None),
        (int | str, "a", "a"),
        (Literal["a", 1], 1, 1),
        (Any, {"a": [1, None]}, {"a": [1, None]}),
        (Place, {"city": "Ulm"}, Place("Ulm")),
        (list[Place], [{"city": "Ulm", "tags": ["x"]}], [Place("Ulm", ["x"])]),
        (Point, {"x": 1}, Point(1)),
        (Named, {"name": "n"}, {"name": "n"}),
        (UserId, 3, 3),
        (Order, {"number": "7"}, Order(number=7)),
        (list[Order], [{"number": 7}], [Order(number=7)]),
        (Order | None, None, None),
        (Annotated[int, msgspec.Meta(ge=1)], 1, 1),
    ],
)
def test_values_are_converted_to_the_types_of_the_hints(hint: Any, value: Any, result: Any) -> None:
    got = converted(hint, value)
    assert (got, type(got)) == (result, type(result))


@pytest.mark.parametrize(
    ("hint", "value", "said"),
    [
        (int, "five", "Expected `int`, got `str` - at `$.x`"),
        (int, 1.5, "Expected `int`"),
        (int, True, "Expected `int`"),
        (int, None, "Expected `int`, got `null`"),
        (Color, "green", "Invalid enum value 'green'"),
        (dt.date, "tomorrow", "Invalid RFC3339"),
        (list[int], {}, "Expected `array`, got `object`"),
        (list[int], [1, "b"], "at `$.x[1]`"),
        (Point, {}, "missing required field `x`"),
        (Order, {"number": "many"}, "x.number: Input should be a valid integer"),
        (str, "\ud800", "surrogates not allowed"),
        (Order, {"number": 1, "note": "\ud800"}, "surrogates not allowed"),
        (Annotated[int, msgspec.Meta(ge=1)], 0, "Expected `int` >= 1"),
        (Annotated[int, pydantic.Field(ge=1)], 0, "greater than or equal to 1"),
        (list[Annotated[str, pydantic.Field(max_length=2)]], ["abc"], "at most 2 characters"),
    ],
)
def test_what_does_not_fit_is_told_in_a_short_sentence(hint: Any, value: Any, said: str) -> None:
    message = fault(hint, value)
    assert message.startswith("The arguments do not fit: ")
    assert said in message
    assert len(message) < 2100


def test_missing_and_unknown_arguments_do_not_fit() -> None:
    def find(city: str, *, near: bool = False) -> None: ...

    arguments = tool(find).arguments
    assert arguments.convert({"city": "Ulm"}) == {"city": "Ulm", "near": False}
    with pytest.raises(ToolError, match="missing required field `city`"):
        arguments.convert({})
    with pytest.raises(ToolError, match="unknown field `town`"):
        arguments.convert({"city": "Ulm", "town": 1})
    with pytest.raises(ToolError, match="town: Extra inputs"):
        with_parameter(Order).arguments.convert({"x": {"number": 1}, "town": 1})


def test_the_schema_has_what_a_model_must_know() -> None:
    @tool
    def find(city: str, color: Color = Color.RED, near: Annotated[int, msgspec.Meta(description="km")] = 5) -> None:
        """Find things.

        Args:
            city: Where.
            color: Which.
            near: Not this one.
        """

    assert find.arguments.schema == {
        "type": "object",
        "required": ["city"],
        "additionalProperties": False,
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "color": {"$ref": "#/$defs/Color", "default": "red", "description": "Which."},
            "near": {"type": "integer", "default": 5, "description": "km"},
        },
        "$defs": {"Color": {"title": "Color", "enum": ["blue", "red"]}},
    }


@pytest.mark.parametrize(
    "docstring",
    [
        "Find it.\n\nMore of it.\n\nArgs:\n    x: The number\n        on the invoice.\n\nReturns:\n    It.",
        (
            "Find it.\n\nMore of it.\n\nParameters\n----------\nx : int\n    The number\n    on the invoice.\n\n"
            "Returns\n-------\nint\n    It."
        ),
        "Find it.\n\nMore of it.\n\n:param x: The number\n    on the invoice.\n:returns: It.",
        "Find it.\n\nMore of it.\n\n@param x: The number\n    on the invoice.\n@return: It.",
    ],
    ids=["google", "numpy", "sphinx", "epydoc"],
)
def test_docstrings_of_four_styles_describe_the_tool_and_its_arguments(docstring: str) -> None:
    def find(x: int) -> None: ...

    find.__doc__ = docstring
    made = tool(find).declaration()
    assert made.description == "Find it.\n\nMore of it."
    assert made.parameters["properties"]["x"]["description"].split() == ["The", "number", "on", "the", "invoice."]


@pytest.mark.parametrize("docstring", [None, "", "Args", "Args:\n  :::", "Find.\n\nArgs:\n    other: nothing\n    x"])
def test_a_docstring_without_descriptions_is_no_fault(docstring: str | None) -> None:
    def find(x: int) -> None: ...

    find.__doc__ = docstring
    assert tool(find).declaration().parameters["properties"]["x"] == {"type": "integer"}


@pytest.mark.parametrize("rest", [int, Order], ids=["msgspec", "pydantic"])
def test_defaults_are_those_of_the_function_and_are_not_shared(rest: Any) -> None:
    def find(tags: list[str] = ["a"], names: dict[str, int] = {}, other: rest = None) -> None: ...  # noqa: B006

    find.__annotations__ = {"tags": list[str], "names": dict[str, int], "other": rest}
    arguments = tool(find).arguments
    first = arguments.convert({})
    first["tags"].append("b")
    first["names"]["c"] = 1
    assert arguments.convert({"other": None}) == {"tags": ["a"], "names": {}, "other": None}


def test_a_tool_may_have_the_name_of_the_type_of_its_argument() -> None:
    def find(where: Place) -> None: ...

    find.__annotations__ = {"where": Place}
    for name in ("Place", "Arguments"):
        made = tool(name=name)(find)
        assert made.arguments.convert({"where": {"city": "Ulm"}}) == {"where": Place("Ulm")}
        assert set(made.arguments.schema["$defs"]) == {"Place"}


def test_a_type_named_like_the_arguments_is_another_one() -> None:
    Arguments = dataclasses.make_dataclass("Arguments", [("city", str)])  # noqa: N806
    schema = with_parameter(Arguments).arguments.schema
    [definition] = schema["$defs"].values()
    assert set(schema["properties"]) == {"x", "y"}
    assert set(definition["properties"]) == {"city"}


@pytest.mark.parametrize("hint", [ToolContext, ToolContext | None])
def test_the_context_is_no_argument(hint: Any) -> None:
    made = with_parameter(hint)
    assert made.context_name == "x"
    assert set(made.arguments.schema["properties"]) == {"y"}
