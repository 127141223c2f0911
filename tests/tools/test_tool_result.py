"""What tools return, as JSON values."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import math
from collections import namedtuple
from typing import Any

import msgspec
import pydantic
import pytest
from markupsafe import Markup

from flask_headrace.tools.tool_error import ToolError
from flask_headrace.tools.tool_result import error_text, result_value


class Color(enum.Enum):
    RED = "red"


class Order(pydantic.BaseModel):
    number: int = 1
    day: dt.date = dt.date(2026, 1, 2)


class Item(msgspec.Struct):
    name: str = "n"


@dataclasses.dataclass
class Place:
    city: str = "Ulm"


class Count(int):
    pass


Pair = namedtuple("Pair", "a b")


class Angry:
    @property
    def model_dump(self) -> Any:
        raise ZeroDivisionError("no dump")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, None),
        ("text", "text"),
        (2**70, 2**70),
        (math.nan, None),
        ([math.inf], [None]),
        (Markup("<b>"), "<b>"),
        ({"a": Markup("x"), "n": Count(3)}, {"a": "x", "n": 3}),
        (Pair(1, 2), [1, 2]),
        (Order(), {"number": 1, "day": "2026-01-02"}),
        ({"orders": [Order()]}, {"orders": [{"number": 1, "day": "2026-01-02"}]}),
        (Item(), {"name": "n"}),
        (Place(), {"city": "Ulm"}),
        (Color.RED, "red"),
        (decimal.Decimal("1.50"), "1.50"),
        ({1: 2}, {"1": 2}),
        (b"hi", "aGk="),
        ({3}, [3]),
    ],
)
def test_values_of_many_types_become_json(value: Any, result: Any) -> None:
    got = result_value(value, 1000)
    assert (got, type(got)) == (result, type(result))


@pytest.mark.parametrize(
    "value",
    [
        *(object(), int, len, ValueError("x"), 1j, {(1, 2): 3}, (x for x in "ab"), "\ud800", {"\ud800": 1}),
        *(nested(100), nested(10**5)),
    ],
)
def test_what_json_does_not_have_is_an_error_for_the_model(value: Any) -> None:
    with pytest.raises(ToolError, match=r"^The result of the tool cannot be sent: .{3,500}\.$"):
        result_value(value, 10**9)


def test_a_value_that_contains_itself_is_an_error_for_the_model() -> None:
    value: dict[str, Any] = {}
    value["self"] = [value]
    with pytest.raises(ToolError, match="cannot be sent: maximum recursion depth"):
        result_value(value, 10**9)


def test_a_value_whose_own_code_raises_is_an_error_for_the_model() -> None:
    with pytest.raises(ToolError, match="cannot be sent: no dump"):
        result_value([Angry()], 1000)


def test_the_size_of_a_result_is_that_of_its_json() -> None:
    assert result_value("ä" * 49, 100) == "ä" * 49
    with pytest.raises(ToolError, match="has 102 bytes, more than 100, the maximum: ask for less"):
        result_value("ä" * 50, 100)
    with pytest.raises(ToolError, match="has 10000002 bytes"):
        result_value("x" * 10**7, 262144)


def test_a_result_may_be_as_deep_as_the_next_request_can_send_back() -> None:
    assert result_value(nested(99), 1000) == nested(99)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("no", "no"),
        (None, "None"),
        ("a\ud800b", "a\\ud800b"),
        ("ä" * 10, "ä" * 10),
        ("ä" * 11, "ä" * 10 + "… (cut: the message has 22 bytes)"),
        ("xx" + "ä" * 10**6, "xx" + "ä" * 9 + "… (cut: the message has 2000002 bytes)"),
    ],
)
def test_an_error_is_text_that_can_be_sent_and_says_if_it_is_cut(message: Any, text: str) -> None:
    assert error_text(message, 20) == text
