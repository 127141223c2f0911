"""The patches of a growing document: three kinds of small frozen values, each with a path.

Paths are JSON Pointers (RFC 6901): "" is the whole document, "/items/0/title" a member of the first item, `~0` and `~1`
stand for `~` and `/` in a key. A new item of an array is added at its end, "/items/-" (RFC 6902); later patches name
the item by its index. Encoded as JSON, a patch is an `op` of the native protocol's `partial` frames.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
"""A JSON value as Python's `json` module represents it."""


class _Patch(msgspec.Struct, frozen=True, gc=False, tag_field="op"):
    path: str


class Add(_Patch, frozen=True, gc=False, tag="add"):
    """A value begins at `path`: a member, an item, or the whole document. It replaces an earlier value at that path.

    Numbers, booleans and null are complete. A string starts with its first characters, an array or object starts
    empty; these three grow until their `Close`. For a reader that joins later, a snapshot can be sent as the value of
    the first patch: receivers accept any value.
    """

    value: Any


class Append(_Patch, frozen=True, gc=False, tag="append"):
    """Append `value` to the string at `path`."""

    value: str


class Close(_Patch, frozen=True, gc=False, tag="close"):
    """The string, array or object at `path` is complete."""


Patch: TypeAlias = Add | Append | Close
"""Any patch. `PartialJSON.feed` returns lists of patches, `apply` applies them."""
