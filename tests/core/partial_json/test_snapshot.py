"""The snapshot of an incomplete document: no guesses, no half characters, no nesting beyond the limit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from msgspec import UNSET
from partial_json_parser import parse_json

from flask_headrace.core.partial_json import MAX_DEPTH, Malformed, TooDeep, snapshot
from tests.support.json_documents import damaged, prefixes, rubbish, shown

GUESSES = {
    "a number goes no further": ("[1, 12", [1, 12], [1]),
    "a number's exponent is dropped": ("[1, 12e", [1, 12], [1]),
    "t is true": ("[1, t", [1, True], [1]),
    "n is null": ("[1, n", [1, None], [1]),
    "a number that is all goes no further": ("12", 12, UNSET),
    "blanks at the end of an open string are none of it": ('"so ', "so", "so "),
    "blanks at the end of an open item are none of it": ('["so ', ["so"], ["so "]),
    "half a surrogate pair is a character": ('["a\\ud83d', ["a\ud83d"], ["a"]),
    "half a surrogate pair is a character beside half an escape": ('["a\\ud83d\\ude', ["a\ud83d"], ["a"]),
}
"""What the library takes a cut text for when nobody stops it, and what there is."""


@pytest.mark.parametrize(("text", "guess", "value"), GUESSES.values(), ids=GUESSES)
def test_a_guess_of_the_library_is_set_aside(text: str, guess: object, value: object) -> None:
    assert shown(parse_json(text)) == shown(guess), "the library has changed"
    assert shown(snapshot(text)) == shown(value)


def test_a_number_counts_when_a_blank_has_followed_it() -> None:
    assert snapshot("[1, 2 ") == [1, 2]
    assert snapshot('{"a": 1\n') == {"a": 1}
    assert snapshot('{"a": "1 ') == {"a": "1 "}
    assert snapshot("12 ") == 12


@pytest.mark.parametrize("text", ["", "  ", "The", "t", "tru", "-", "1.", "```js", "So: {", "I see [1"])
def test_there_is_nothing_before_the_document_has_begun(text: str) -> None:
    assert snapshot(text) is UNSET


def test_what_is_around_the_document_is_skipped() -> None:
    text = 'Here is [it]:\n```json\n{"a": ["b\\"]"]}\n```\nand "that'
    assert snapshot(text) == {"a": ['b"]']}
    assert snapshot(text[: text.index("]}")]) == {"a": ['b"]']}


@pytest.mark.parametrize(
    "text", ["[1 2", '{"a" "b', "[}", "[1,,", "{1", '["\\x', '["a\n', "[NaN,", '["\\ud83d",', "[1e999,"]
)
def test_what_cannot_be_completed_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match=f"at character {len(text)}"):
        snapshot(text)


def test_depth_is_bounded_before_anything_recurses() -> None:
    assert snapshot("[" * MAX_DEPTH) == json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for text in ("[" * (MAX_DEPTH + 1), '[{"a":' * 100_000):
        with pytest.raises(TooDeep):
            snapshot(text)


def test_a_depth_that_recursion_cannot_reach_is_refused_too() -> None:
    with pytest.raises(TooDeep):
        snapshot("[" * 100_000, max_depth=1_000_000)


@settings(max_examples=150)
@given(damaged() | rubbish)
def test_any_text_gives_a_value_that_can_be_sent_or_is_refused(text: str) -> None:
    for prefix in prefixes(text):
        try:
            value = snapshot(prefix)
        except (Malformed, TooDeep):
            continue
        if value is not UNSET:
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
