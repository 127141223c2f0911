"""The ids of calls and results, as Anthropic's API takes them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.providers.anthropic.call_ids import accepted_id, with_accepted_ids

SEARCHED = {"type": "server_tool_use", "id": "srv:1", "name": "web_search", "input": {}}


def called(*ids: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": id_, "name": "f", "input": {}} for id_ in ids]}


def returned(*ids: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id_, "content": "1"} for id_ in ids]}


@pytest.mark.parametrize("id_", ["toolu_01AbC-x", "a", "x" * 64])
def test_stay_where_they_are_allowed(id_: str) -> None:
    sent = [{"role": "user", "content": "hi"}, called(id_), returned(id_)]
    assert all(turn is before for turn, before in zip(with_accepted_ids(sent), sent, strict=True))


@pytest.mark.parametrize("id_", ["functions.f:0", "", "é", "x" * 65])
def test_are_replaced_otherwise_in_the_call_and_in_its_result(id_: str) -> None:
    accepted = accepted_id(id_)
    assert with_accepted_ids([called(id_, "b"), returned("b", id_)]) == [
        called(accepted, "b"),
        returned("b", accepted),
    ]


def test_of_an_earlier_call_are_replaced_in_the_later_call_and_in_its_result() -> None:
    second, third = accepted_id("a", 2), accepted_id("a", 3)
    sent = [called("a", "b"), returned("b", "a"), called("a"), returned("a"), called("a"), returned("a")]
    received = [called("a", "b"), returned("b", "a"), called(second), returned(second), called(third), returned(third)]
    assert with_accepted_ids(sent) == received
    assert [with_accepted_ids(sent[:size]) for size in range(6)] == [received[:size] for size in range(6)]


def test_of_the_providers_own_tools_stay() -> None:
    sent = [{"role": "assistant", "content": [SEARCHED, SEARCHED]}]
    assert with_accepted_ids(sent) == sent


@given(st.sets(st.text(max_size=80), min_size=2, max_size=20))
def test_stay_apart(ids: set[str]) -> None:
    mapped = {accepted_id(id_, occurrence) for id_ in ids for occurrence in (1, 2, 1000)}
    assert len(mapped) == 3 * len(ids)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", id_) for id_ in mapped)
