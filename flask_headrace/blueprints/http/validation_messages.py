"""Which words a value may be, by its place in a body of a known type. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import inspect

_PATH_STEP = re.compile(r"\.(?P<field>\w+)|\[(?:\d+|\.\.\.)\]")

_type_info = lru_cache(maxsize=32)(inspect.type_info)


def allowed_values(kind: Any, path: str) -> list[str]:  # noqa: ANN401  # a type
    """Return the words that the value at a place may be; none where it is not one of a few.

    Args:
        kind: The type of the body.
        path: The place, as msgspec's errors write it: `$.messages[0].role`.
    """
    here, words = list(_union_members(_type_info(kind))), []
    for step in _PATH_STEP.finditer(path):
        structs = [each for each in here if isinstance(each, inspect.StructType)]
        words = [str(each.tag) for each in structs if each.tag is not None and each.tag_field == step["field"]]
        here = [
            member for each in here for inner in _field_types(each, step["field"]) for member in _union_members(inner)
        ]
    return words + [str(word) for each in here if isinstance(each, inspect.LiteralType) for word in each.values]


def _union_members(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.UnionType):
        for member in kind.types:
            yield from _union_members(member)
    else:
        yield kind


def _field_types(kind: inspect.Type, field: str | None) -> list[inspect.Type]:
    match kind:
        case inspect.StructType(fields=fields):
            return [each.type for each in fields if each.encode_name == field]
        case inspect.CollectionType(item_type=item) if field is None:
            return [item]
        case _:
            return []
