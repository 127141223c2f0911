"""Which tools are offered, and under which names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.mcp_client.tool_choice import MAX_NAME, NameFilter, approval_rule, model_names


@pytest.mark.parametrize(
    ("patterns", "matching", "others"),
    [
        (["search"], ["search"], ["Search", "search2", "research", "search\n", ""]),
        (["read_*"], ["read_", "read_a.b/c", "read_\n"], ["read", "xread_a"]),
        (["a?"], ["ab", "a."], ["a", "abc"]),
        (["[ab]c"], ["ac", "bc", "[ab]c"], ["cc"]),
        (["*"], ["", "a", "\n"], []),
        (["a.b"], ["a.b"], ["axb"]),
        ([], [], ["", "a"]),
    ],
)
def test_names_and_patterns(patterns: list[str], matching: list[str], others: list[str]) -> None:
    names = NameFilter(patterns)
    assert [name for name in (*matching, *others) if name in names] == matching


def test_many_stars_are_no_trouble() -> None:
    assert "a" * 5_000 + "b" not in NameFilter(["*a*a*a*a*a*c"])


@pytest.mark.parametrize(
    ("names", "prefix", "found", "left_out"),
    [
        (["a"], "", {"a": "a"}, {}),
        (["a.b", "a/b"], "", {"a.b": "a_b"}, {"a/b": "a.b"}),
        (["a.b", "a_b"], "", {"a_b": "a_b"}, {"a.b": "a_b"}),
        (["a", "a"], "p-", {"a": "p-a"}, {}),
        (["ü", ""], "", {"ü": "_"}, {}),
    ],
)
def test_names_for_models(names: list[str], prefix: str, found: dict[str, str], left_out: dict[str, str]) -> None:
    assert model_names(names, prefix) == (found, left_out)


def test_long_names_stay_apart() -> None:
    found, left_out = model_names(["x" * 65, "x" * 66, "x" * 64], "")
    assert (len(set(found.values())), left_out, {len(name) for name in found.values()}) == (3, {}, {MAX_NAME})
    assert found["x" * 64] == "x" * 64


@given(st.lists(st.text(max_size=80)), st.text("ab_-", max_size=32))
def test_each_name_is_one_that_models_can_call(names: list[str], prefix: str) -> None:
    found, left_out = model_names(names, prefix)
    assert len(set(found.values())) == len(found)
    assert set(found) | set(left_out) == {name for name in names if name}
    for name in found.values():
        assert 1 <= len(name) <= MAX_NAME
        assert name.isascii()
        assert name.replace("_", "").replace("-", "").isalnum() or set(name) <= {"_", "-"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(True, True), (False, False), (["a"], True), (["b"], False), ("*", True), ({"a*"}, True), ([], False)],
)
def test_the_rule_of_a_tool(rule: Any, expected: bool) -> None:
    assert approval_rule(rule, "a") is expected


def test_a_rule_that_is_a_function() -> None:
    rule = approval_rule(lambda name, arguments: (name, arguments) == ("a", {"b": 1}), "a")
    assert callable(rule)
    assert (rule(arguments={"b": 1}), rule(arguments={})) == (True, False)
