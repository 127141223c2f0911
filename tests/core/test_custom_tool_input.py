"""The free text of a custom tool as a function's arguments, and back, cut at any place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.core.custom_tool_input import ArgumentsToInput, InputToArguments, input_of

PATCH = '*** Begin Patch\n-"a" \\ b\t\n+ö🌊\u2028\x00\n'
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def to_arguments(texts: list[str]) -> list[str]:
    writer = InputToArguments()
    return [*map(writer.feed, texts), writer.end()]


def to_input(texts: list[str], whole: object = None) -> list[str]:
    reader = ArgumentsToInput()
    return [*map(reader.feed, texts), reader.end(json.loads("".join(texts)) if whole is None else whole)]


@given(st.lists(TEXTS, max_size=5))
def test_any_text_becomes_the_arguments_of_a_function(texts: list[str]) -> None:
    assert json.loads("".join(to_arguments(texts))) == {"input": "".join(texts)}


@given(TEXTS, st.booleans(), st.integers(1, 7), st.sampled_from(["", " ", "\n "]))
def test_arguments_become_the_text_wherever_they_are_cut(text: str, ascii: bool, size: int, blank: str) -> None:  # noqa: A002
    written = f'{blank}{{{blank}"input"{blank}:{blank}{json.dumps(text, ensure_ascii=ascii)}{blank}}}'
    assert "".join(to_input(pieces(written, size))) == text


def test_the_text_is_read_before_the_arguments_are_complete() -> None:
    assert to_input(['{"in', 'put": "*** Be', "gin\\", 'n"', "}"]) == ["", "*** Be", "gin", "\n", "", ""]


def test_half_an_escape_waits_for_its_other_half() -> None:
    assert to_input(['{"input":"\\ud83c', "\\udf", '0a"}']) == ["", "", "🌊", ""]


@pytest.mark.parametrize(
    "arguments", [{"text": "x"}, {"input": 5}, {}, ["a"], "x", {"input": "a", "more": 1}, {"more": 1, "input": "a"}]
)
def test_other_arguments_lose_nothing(arguments: object) -> None:
    written = json.dumps(arguments)
    assert "".join(to_input(pieces(written, 3))) == input_of(arguments)
    assert input_of({"text": "x"}) == '{"text":"x"}'


def test_arguments_of_one_byte_after_another_that_never_begin_cost_no_memory() -> None:
    reader = ArgumentsToInput()
    assert "".join(reader.feed(" ") for _ in range(100_000)) == ""
    assert len(reader._buffer) < 2_000
