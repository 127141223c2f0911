"""The patterns of a JSON Schema in the form that its validator reads. Pure.

They are regular expressions of ECMA-262, of which jsonschema-rs knows nearly all; what it does not is written here in
another way that means the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_DATA_KEYWORDS = {"const", "default", "enum", "example", "examples"}
"""Keywords behind which no schema stands, whatever looks like one."""

_NAME_KEYWORDS = {"$defs", "definitions", "dependentSchemas", "properties"}
"""Keywords behind which the names are the schema's own, and no keywords."""

_TOKEN = re.compile(r"\\k<(?P<name>[^>]*)>|\\.|\(\?<(?P<group>[^=!>][^>]*)>|\((?!\?)|\[\^?\]?|\]", re.DOTALL)
_REPLACEMENTS = {"[^]": r"[\s\S]", "[]": r"[^\s\S]", r"\0": r"\x00"}


def translate_patterns(schema: Any) -> Any:  # noqa: ANN401  # any JSON
    """Return a schema with its patterns as the validator reads them; where there is nothing to be done, itself."""
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
    r"""Return a pattern without `\k<name>`, `[^]`, `[]`, `\0` and, in a class, `\b`."""
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
