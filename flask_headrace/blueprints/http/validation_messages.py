"""Finds the allowed values of a field, for the messages of validation errors. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import inspect

_PATH_STEP = re.compile(r"\.(?P<field>\w+)|\[(?:\d+|\.\.\.)\]")

_type_info = lru_cache(maxsize=32)(inspect.type_info)


def allowed_values(body_type: Any, path: str) -> list[str]:  # noqa: ANN401  # a type
    """Return the strings that are allowed at a place in a body; empty if the place does not have an enumerated type.

    Args:
        body_type: The type of the body.
        path: The place, as msgspec's errors write it: `$.messages[0].role`.
    """
    types, values = list(_union_members(_type_info(body_type))), []
    for step in _PATH_STEP.finditer(path):
        field = step["field"]
        structs = [each for each in types if isinstance(each, inspect.StructType)]
        values = [str(each.tag) for each in structs if each.tag is not None and each.tag_field == field]
        types = [member for each in types for inner in _field_types(each, field) for member in _union_members(inner)]
    return values + [str(value) for each in types if isinstance(each, inspect.LiteralType) for value in each.values]


def _union_members(type_: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(type_, inspect.UnionType):
        for member in type_.types:
            yield from _union_members(member)
    else:
        yield type_


def _field_types(type_: inspect.Type, field: str | None) -> list[inspect.Type]:
    match type_:
        case inspect.StructType(fields=fields):
            return [each.type for each in fields if each.encode_name == field]
        case inspect.CollectionType(item_type=item) if field is None:
            return [item]
        case _:
            return []
