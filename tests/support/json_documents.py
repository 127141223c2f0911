"""JSON texts for tests of parsers: drawn by hypothesis, and those of core/partial_json/cases.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from hypothesis import strategies as st
from msgspec import UNSET

from flask_headrace.core.partial_json import Incomplete, JSONError, Malformed, PartialJSON, TooDeep, TooLong, apply

SHARED = json.loads((Path(__file__).resolve().parents[1] / "core/partial_json/cases.json").read_text())

KINDS = {Malformed: "malformed", Incomplete: "incomplete", TooDeep: "too deep", TooLong: "too long"}
"""What the cases call the errors."""

blanks = st.sampled_from(["", "", " ", "\n", "\t \r\n"])
words = st.sampled_from(
    ["true", "false", "null", "0", "-0", "12", "-1.5", "1e5", "1E+2", "2.5e-3", "123456789012345678901"]
)
characters = st.sampled_from(
    [*"aé😀\u2028 \u00a0{}[,:/~", "u12", "\\\\", '\\"', "\\/", "\\n", "\\u0041", "\\u00e9", "\\ud83d\\ude00", "\\uD7FF"]
)
strings = st.lists(characters, max_size=8).map(lambda drawn: f'"{"".join(drawn)}"')


@st.composite
def arrays(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    before, after = draw(blanks), draw(blanks)
    return f"[{before}{f'{after},{before}'.join(draw(st.lists(items, max_size=4)))}{after}]"


@st.composite
def objects(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    before, after, between = draw(blanks), draw(blanks), draw(blanks)
    members = [
        f"{key}{after}:{between}{value}" for key, value in draw(st.lists(st.tuples(strings, values), max_size=4))
    ]
    return f"{{{before}{f'{after},{before}'.join(members)}{after}}}"


def _around(text: str) -> st.SearchStrategy[str]:
    return st.tuples(blanks, blanks).map(lambda both: both[0] + text + both[1])


texts = st.recursive(words | strings, lambda inner: arrays(inner) | objects(inner), max_leaves=12).flatmap(_around)
"""Valid documents, with every kind of blank, escape, number and nesting."""

scraps = st.sampled_from(
    [*'{}[],:"\\ \n-+.0123eE', "tru", "null", "\\u", "\\ud83d", "\\ude00", "```json\n", "x", "😀", "\x01"]
)
rubbish = st.lists(scraps | words | strings, max_size=12).map("".join)
"""Texts of which hardly one is a document."""


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Draw a document of which a part is removed, repeated or replaced."""
    text = draw(texts)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 3)))
    return (
        text[:start]
        + draw(st.sampled_from(["", text[start:end] * 2, ",", "]", "}", '"', "\\", "0", " x"]))
        + text[end:]
    )


around = st.sampled_from(
    [*' \n{}[],:"`1', "{it}", "[1]", "Sure: ", "12 of", "\n```\n", "```json\n", "```", "```python\n", "😀", "{ ", ", "]
)
"""What may stand around a document, or begin another."""


@st.composite
def answers(draw: st.DrawFn) -> str:
    """Draw a document with other text around it, and with itself, the same with other blanks, or another one again."""
    document = draw(st.recursive(words | strings, lambda inner: arrays(inner) | objects(inner), max_leaves=3))
    spaced = re.sub(r'([\[{}\],:])|("(?:[^"\\]|\\.)*")', r" \1\2 ", document)
    parts = st.sampled_from([document, document, spaced]) | around | words | strings
    return "".join(draw(st.lists(parts, max_size=8)))


long_runs = st.builds(
    lambda mark, count, end: mark * count + end,
    st.sampled_from(["`", " ", "\t", "a", "1", "-"]),
    st.sampled_from([1, 2, 3, 60, 61, 62, 63, 64, 65, 66, 70, 1023, 1024, 1025, 1030]),
    st.sampled_from(["", "\n", "json\n", "\r\n", "1", "x", ".5", " ", "{}"]),
)
"""Fences, words and numbers as long as they may be, and longer."""


@st.composite
def long_answers(draw: st.DrawFn) -> str:
    """Draw a text in which a fence's first line or a number may be too long to be one."""
    parts = st.sampled_from(['{"a":1}', "[1]", "```", "```json", "\n", " ", "\n```\n", "x", "7"]) | long_runs
    return "".join(draw(st.lists(parts, min_size=1, max_size=6)))


@st.composite
def cuts(draw: st.DrawFn, source: st.SearchStrategy[str]) -> list[str]:
    """Draw the pieces of a text."""
    text = draw(source)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return [text[start:end] for start, end in pairwise([0, *places, len(text)])]


def prefixes(text: str) -> Iterator[str]:
    return (text[:end] for end in range(1, len(text) + 1))


def result(pieces: Iterable[str], **limits: int) -> tuple[object, tuple[str, int] | None]:
    """Return the document that a parser has built at the end of a text, and its error's class and position."""
    parser, document = PartialJSON(**limits), UNSET
    try:
        for piece in pieces:
            document = apply(document, parser.feed(piece))
        document = apply(document, parser.end())
    except JSONError as error:
        return apply(document, error.patches), (KINDS[type(error)], error.at)
    return document, None


def shown(document: object) -> str:
    """Return a document as text, so that 1, 1.0 and True differ."""
    return "nothing" if document is UNSET else json.dumps(document)
