"""Translates the patterns of a JSON Schema for its validator. Pure.

The patterns are regular expressions of ECMA-262. jsonschema-rs supports nearly all of their syntax; the rest is
translated here into an equivalent that it supports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_DATA_KEYWORDS = {"const", "default", "enum", "example", "examples"}
"""Keywords whose values are data, not schemas."""

_NAME_KEYWORDS = {"$defs", "definitions", "dependentSchemas", "properties"}
"""Keywords whose values are objects with arbitrary names as keys, not keywords."""

_TOKEN = re.compile(r"\\k<(?P<name>[^>]*)>|\\.|\(\?<(?P<group>[^=!>][^>]*)>|\((?!\?)|\[\^?\]?|\]", re.DOTALL)
_REPLACEMENTS = {"[^]": r"[\s\S]", "[]": r"[^\s\S]", r"\0": r"\x00"}


def translate_patterns(schema: Any) -> Any:  # noqa: ANN401  # any JSON
    """Return a copy of a schema with all of its patterns translated."""
    if isinstance(schema, list):
        return [translate_patterns(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {keyword: _translate_value(keyword, value) for keyword, value in schema.items()}


def _translate_value(keyword: str, value: Any) -> Any:  # noqa: ANN401  # any JSON
    match value:
        case _ if keyword in _DATA_KEYWORDS:
            return value
        case str() if keyword == "pattern":
            return translate_pattern(value)
        case dict() if keyword == "patternProperties":
            return {translate_pattern(pattern): translate_patterns(inner) for pattern, inner in value.items()}
        case dict() if keyword in _NAME_KEYWORDS:
            return {name: translate_patterns(inner) for name, inner in value.items()}
    return translate_patterns(value)


def translate_pattern(pattern: str) -> str:
    r"""Return an equivalent pattern without `\k<name>`, `[^]`, `[]`, `\0` and, in a character class, `\b`."""
    tokens = list(_tokens(pattern))
    groups = [found["group"] for found, is_in_class in tokens if not is_in_class and found[0].startswith("(")]
    pieces, end = [], 0
    for found, is_in_class in tokens:
        pieces += [pattern[end : found.start()], _replacement(found, groups, is_in_class=is_in_class)]
        end = found.end()
    return "".join([*pieces, pattern[end:]])


def _tokens(pattern: str) -> Iterator[tuple[re.Match[str], bool]]:
    is_in_class = False
    for found in _TOKEN.finditer(pattern):
        yield found, is_in_class
        is_in_class = found[0] != "]" if is_in_class else found[0] in {"[", "[^"}


def _replacement(found: re.Match[str], groups: list[str | None], *, is_in_class: bool) -> str:
    token = found[0]
    if is_in_class:
        return {r"\b": r"\x08", r"\0": r"\x00"}.get(token, token)
    if found["name"] is not None and found["name"] in groups:
        return f"\\{groups.index(found['name']) + 1}"
    return _REPLACEMENTS.get(token, token)
