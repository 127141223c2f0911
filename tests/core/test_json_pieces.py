"""JSON objects put together from pieces, in the forms in which compatible servers send reasoning."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.core.json_pieces import JSONPieces


def joined(*pieces: dict[str, Any]) -> dict[str, Any]:
    found = JSONPieces()
    for piece in pieces:
        found.add(piece)
    return found.value()


def details(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    whole = joined(*[{"reasoning_details": [{"index": 0, **entry}]} for entry in entries])
    return [{name: value for name, value in entry.items() if name != "index"} for entry in whole["reasoning_details"]]


def test_texts_go_on_objects_are_merged_and_other_values_are_replaced() -> None:
    whole = joined({"a": "x", "b": {"c": "1", "d": [1]}, "n": 1}, {"a": "y", "b": {"c": "2", "d": [2]}, "n": None})
    assert whole == {"a": "xy", "b": {"c": "12", "d": [1, 2]}, "n": 1}
    assert joined({"n": 1, "none": None}, {"n": 2}) == {"n": 2, "none": None}


def test_a_name_that_every_piece_repeats_is_one() -> None:
    found = details({"text": "a", "format": "x-v1"}, {"text": "b", "format": "x-v1"})
    assert found == [{"text": "ab", "format": "x-v1"}]


def test_a_signature_joins_the_text_of_its_entry() -> None:
    text = {"type": "reasoning.text"}
    found = details({**text, "text": "a"}, {**text, "text": "b"}, {**text, "signature": "S"})
    assert found == [{**text, "text": "ab", "signature": "S"}]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"type": "reasoning.summary", "summary": "s"}, {"type": "reasoning.encrypted", "data": "E", "id": "rs_1"}),
        (
            {"type": "reasoning.encrypted", "data": "E", "id": "a"},
            {"type": "reasoning.encrypted", "data": "F", "id": "b"},
        ),
    ],
)
def test_entries_of_another_type_or_id_stay_apart_although_they_have_one_index(first: Any, second: Any) -> None:
    assert details(first, second) == [first, second]


def test_entries_without_an_index_are_one_behind_the_other() -> None:
    assert joined({"l": [{"a": "1"}, 2]}, {"l": [{"a": "3"}]}) == {"l": [{"a": "1"}, 2, {"a": "3"}]}


def test_what_was_received_can_be_replaced() -> None:
    found = JSONPieces()
    found.add({"a": "x", "b": "y"})
    found.replace({"a": "whole"})
    assert (bool(found), found.value()) == (True, {"a": "whole", "b": "y"})


def test_a_text_of_many_pieces_takes_time_in_proportion_to_its_length() -> None:
    # Of two million characters: joined anew for each piece, this would take minutes.
    count = 500_000
    assert len(joined(*({"a": "word"} for _ in range(count)))["a"]) == 4 * count
