"""The cost of a growing document: work and bytes proportional to its text, whatever its shape and its pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import msgspec
import pytest
from hypothesis import given
from msgspec import UNSET

from flask_headrace.core.partial_json import MAX_DEPTH, MAX_PATH, Append, PartialJSON, apply, snapshot
from tests.support.effort import effort_of, effort_of_steps
from tests.support.json_documents import texts

SHAPES = {
    "one long string": lambda size: json.dumps({"text": "so it goes on " * (size // 14)}),
    "a string of escapes": lambda size: '{"text": "' + "\\n\\ud83d\\ude00" * (size // 14) + '"}',
    "a long key": lambda size: json.dumps({"k" * (MAX_PATH - 1): "x" * size}),
    "many numbers": lambda size: json.dumps([1234.5] * (size // 8)),
    "many objects": lambda size: json.dumps([{"id": 1, "title": "a title", "tags": ["x"]}] * (size // 46)),
    "a long array in an object": lambda size: json.dumps({"all": ["😀"] * (size // 5)}, ensure_ascii=False),
    "objects inside each other": lambda size: json.dumps([_nest(MAX_DEPTH - 1)] * (size // (6 * MAX_DEPTH))),
    "blanks": lambda size: "[" + " " * size + "]",
    "prose": lambda size: "As [1] says in `code` { and [ more, " * (size // 36) + '{"a": 1}',
    "an opener that waits": lambda size: "So: {" + " " * size + '"a": 1}',
    "sentences after it": lambda size: '{"a": 1}' + "\nAs [1] says in `code` (see [2]): more" * (size // 36),
    "openers after it": lambda size: '{"a": 1} ' + "{" * size,
    "openers and blanks after it": lambda size: '{"a": 1} ' + "{ (\n" * (size // 4),
    "itself again and again": lambda size: "[[]] " * (size // 5),
    "itself again with blanks": lambda size: '{"a":1}{' + " " * size + '"a":1}',
    "itself again, long": lambda size: 2 * json.dumps({"text": 'so "it" goes on ' * (size // 32)}),
    "fences after it": lambda size: "[[]]" + "\n```json\n[[]]\n```" * (size // 16),
    "ticks": lambda size: "`" * size + '{"a": 1}',
}


def _nest(depth: int) -> dict:
    return {"a": _nest(depth - 1)} if depth > 1 else {}


def pieces_of(text: str, length: int) -> list[str]:
    return [text[at : at + length] for at in range(0, len(text), length)]


def read(pieces: list[str]) -> Iterator[None]:
    parser, document = PartialJSON(), UNSET
    for piece in pieces:
        document = apply(document, parser.feed(piece))
        yield
    parser.end()
    yield


@pytest.mark.parametrize("shape", SHAPES)
def test_work_is_in_proportion_to_the_text(shape: str) -> None:
    few, many = (effort_of_steps(partial(read, pieces_of(SHAPES[shape](size), 4))) for size in (2_500, 10_000))
    assert many < 6 * few  # 4 in proportion, 16 where each piece costs what came before it


def test_a_long_string_grows_in_place() -> None:
    def grow(size: int) -> Iterator[None]:
        document = {"text": ""}
        for _ in range(size // 4):
            apply(document, [Append("/text", "more")])
            yield

    assert effort_of_steps(partial(grow, 20_000)) < 6 * effort_of_steps(partial(grow, 5_000))


@pytest.mark.parametrize("missing", [1, 2, 20])
@pytest.mark.parametrize("shape", ["one long string", "many objects", "a long key", "a long array in an object"])
def test_a_snapshot_takes_work_in_proportion_to_the_text(shape: str, missing: int) -> None:
    few, many = (SHAPES[shape](size)[:-missing] for size in (5_000, 20_000))
    assert effort_of(partial(snapshot, many)) < 6 * effort_of(partial(snapshot, few))


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

    assert size_of_patches(20_000) < 4.4 * size_of_patches(5_000) + 1000


def test_what_is_held_of_a_long_text_is_little() -> None:
    parser = PartialJSON()
    for piece in pieces_of(SHAPES["one long string"](1_000_000), 4):
        parser.feed(piece)
    assert len(msgspec.json.encode([str(value) for value in vars(parser._grammar).values()])) < 2000
