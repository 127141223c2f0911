"""What changes when a document grows: three kinds of small frozen values, and the path at which each happens.

Paths are JSON Pointers (RFC 6901): "" is the whole document, "/items/0/title" a member of the first item, `~0` and `~1`
stand for `~` and `/` in a key. A new item of an array is added at its end, "/items/-" (RFC 6902); all that follows
names it by its index. Encoded as JSON, a patch is an `op` of the native protocol's `partial` frames.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
"""A value as the standard library's `json` has it."""


class _Patch(msgspec.Struct, frozen=True, gc=False, tag_field="op"):
    path: str


class Add(_Patch, frozen=True, gc=False, tag="add"):
    """A value begins here: a member, an item, or the document itself. It takes the place of what was here before.

    A number, a boolean and null come whole. A string comes with the beginning that it has so far, an array and an
    object come empty, and each of these three grows until its `Close`. To a reader who joins, a snapshot can be sent as
    the value of the first patch: readers take any value.
    """

    value: Any


class Append(_Patch, frozen=True, gc=False, tag="append"):
    """The string here goes on like this."""

    value: str


class Close(_Patch, frozen=True, gc=False, tag="close"):
    """The string, array or object here is complete."""


Patch: TypeAlias = Add | Append | Close
"""What `PartialJSON.feed` returns lists of, and `apply` takes."""
