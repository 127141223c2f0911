"""The structure of a body is bounded before it is decoded, and bounding it costs no more than reading it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.blueprints.http.json_structure import MAX_DEPTH, MAX_VALUES, has_too_many_values, is_too_deep
from tests.support.reader import send
from tests.support.service import Service

STRINGS = st.text(alphabet='[]{},"\\a', max_size=20)
VALUES = st.recursive(
    st.none() | st.integers() | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
)


def depth_of(value: Any) -> int:
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(VALUES, st.integers(0, MAX_DEPTH + 2))
def test_the_depth_is_that_of_arrays_and_objects_alone(value: Any, more: int) -> None:
    for _ in range(more):
        value = [value, '[[{"'] if more % 2 else {"]": value}
    assert is_too_deep(json.dumps(value).encode()) == (depth_of(value) > MAX_DEPTH)


def test_brackets_and_commas_in_texts_are_no_values() -> None:
    text = json.dumps({"content": '[{,\\"' * MAX_VALUES}).encode()
    assert not has_too_many_values(text)
    assert not is_too_deep(text)


@pytest.mark.parametrize("element", ["[]", "{}", "0.5", '{"a":1}', '""'])
def test_many_small_values_are_too_many(element: str) -> None:
    few, many = (f"[{','.join([element] * number)}]".encode() for number in (MAX_VALUES // 3, MAX_VALUES + 1))
    assert (has_too_many_values(few), has_too_many_values(many)) == (False, True)


@pytest.mark.parametrize("piece", [b'\\"', b'"', b"\\", b'"\\', b"[", b'{"', b'","'])
def test_a_text_without_an_end_is_no_problem(piece: bytes) -> None:
    # A search that begins anew at each quote would take minutes.
    has_too_many_values(b"," * MAX_VALUES + b'"' + piece * 500_000)
    is_too_deep(b"[" * MAX_DEPTH + b'"' + piece * 500_000)


@pytest.mark.parametrize(
    ("path", "asked"),
    [("/v1/messages", {"messages": []}), ("/v1/responses", {"input": []}), ("/api/chat", {"messages": []})],
)
def test_a_body_of_too_many_values_is_refused_with_the_limit(
    service: Service, path: str, asked: dict[str, Any]
) -> None:
    body = {**asked, "tools": [{"name": "t", "parameters": {"enum": [0.5] * (MAX_VALUES + 1)}}]}
    answer = send(service.url + path, body)
    assert answer.status == 400
    assert f"more than {MAX_VALUES} values" in answer.json["error"]["message"]
