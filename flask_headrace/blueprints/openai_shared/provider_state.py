"""Finds what names a state that a provider's server keeps, such as a file, in JSON of OpenAI's protocols. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_KEYS = frozenset({"container", "container_id", "file_id", "file_ids", "vector_store_ids"})

_OBJECTS_WITH_ID = frozenset({"audio", "input_audio"})
"""Members whose own `id` is that of a recording which the server keeps."""


def state_names(value: Any) -> Iterator[str]:  # noqa: ANN401  # any JSON
    """Yield the names of the members, at any depth, whose value is the id of a state, or a list of such ids.

    Members with other values are no ids: the JSON Schema of a tool may have a property of the same name.
    """
    unseen = [value]
    while unseen:
        inner = unseen.pop()
        if isinstance(inner, list):
            unseen += inner
        elif isinstance(inner, dict):
            for name, member in inner.items():
                if name in _KEYS and _is_id(member):
                    yield name
                elif name in _OBJECTS_WITH_ID and isinstance(member, dict) and _is_id(member.get("id")):
                    yield f"{name}.id"
            unseen += inner.values()


def _is_id(value: Any) -> bool:  # noqa: ANN401  # any JSON
    if isinstance(value, list):
        return any(isinstance(each, str) for each in value)
    return isinstance(value, str) and bool(value)
