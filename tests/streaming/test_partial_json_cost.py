"""What a growing document costs: work and bytes in proportion to its text, whatever its shape and its cuts."""

from __future__ import annotations

import json
import time

import msgspec
import pytest
from flask_headrace.streaming.partial_json import MAX_DEPTH, MAX_PATH, PartialJSON, apply, snapshot
from hypothesis import given
from msgspec import UNSET

from tests.streaming.documents import texts

SHAPES = {
    "one long string": lambda size: json.dumps({"text": "so it goes on " * (size // 14)}),
    "a string of escapes": lambda size: '"' + "\\n\\ud83d\\ude00" * (size // 14) + '"',
    "a long key": lambda size: json.dumps({"k" * (MAX_PATH - 1): "x" * size}),
    "many numbers": lambda size: json.dumps([1234.5] * (size // 8)),
    "many objects": lambda size: json.dumps([{"id": 1, "title": "a title", "tags": ["x"]}] * (size // 46)),
    "objects inside each other": lambda size: json.dumps([_nest(MAX_DEPTH - 1)] * (size // (6 * MAX_DEPTH))),
    "blanks": lambda size: "[" + " " * size + "]",
    "prose": lambda size: "As [1] says in `code` { and [ more, " * (size // 36) + '{"a": 1}',
    "an opener that waits": lambda size: "So: {" + " " * size + '"a": 1}',
    "ticks": lambda size: "`" * size + '{"a": 1}',
}


def _nest(depth: int) -> dict:
    return {"a": _nest(depth - 1)} if depth > 1 else {}


def pieces_of(text: str, length: int) -> list[str]:
    return [text[at : at + length] for at in range(0, len(text), length)]


def seconds(shape: str, size: int) -> float:
    """Return the time that feeding and applying a document takes, the best of three."""
    pieces = pieces_of(SHAPES[shape](size), 4)
    best = float("inf")
    for _ in range(3):
        parser, document = PartialJSON(), UNSET
        began = time.process_time()
        for piece in pieces:
            document = apply(document, parser.feed(piece))
        parser.end()
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.parametrize("shape", SHAPES)
def test_time_is_in_proportion_to_the_text(shape: str) -> None:
    few, many = seconds(shape, 10_000), seconds(shape, 80_000)
    assert many < 24 * few  # 8 in proportion, 64 where each piece costs what came before it


@pytest.mark.parametrize("shape", ["one long string", "many objects", "a long key"])
def test_a_snapshot_takes_time_in_proportion_to_the_text(shape: str) -> None:
    def best(size: int) -> float:
        text = SHAPES[shape](size)[:-2]
        times = []
        for _ in range(3):
            began = time.process_time()
            snapshot(text)
            times.append(time.process_time() - began)
        return min(times)

    assert best(320_000) < 24 * best(40_000)  # as above


@given(texts)
def test_the_patches_of_a_document_are_at_most_one_for_each_two_characters_and_carry_its_text_once(text: str) -> None:
    parser = PartialJSON()
    patches = [patch for character in text for patch in parser.feed(character)] + parser.end()
    assert len(patches) <= 2 * len(text)
    carried = sum(len(patch.value) for patch in patches if isinstance(getattr(patch, "value", None), str))
    assert carried <= len(text)


@pytest.mark.parametrize("shape", SHAPES)
def test_bytes_are_in_proportion_to_the_text(shape: str) -> None:
    def size_of_patches(size: int) -> int:
        parser = PartialJSON()
        pieces = pieces_of(SHAPES[shape](size), 4)
        return sum(len(msgspec.json.encode(patches)) for patches in map(parser.feed, pieces) if patches)

    assert size_of_patches(40_000) < 4.4 * size_of_patches(10_000) + 1000


def test_what_is_held_of_a_long_text_is_little() -> None:
    parser = PartialJSON()
    for piece in pieces_of(SHAPES["one long string"](1_000_000), 4):
        parser.feed(piece)
    assert len(msgspec.json.encode([str(value) for value in vars(parser._grammar).values()])) < 2000
