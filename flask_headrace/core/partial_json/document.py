"""Applies patches to a JSON document: the receiving side of `PartialJSON`."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, TypeAlias

from msgspec import UnsetType

from .patches import JSON, Add, Append, Close, Patch

_Container: TypeAlias = "dict[Any, Any] | list[Any]"


def apply(document: JSON | UnsetType, patches: Iterable[Patch]) -> JSON | UnsetType:
    """Return the document after applying patches, in time proportional to their size.

    A document that is one string, not in an array or object, is copied once for each call that appends to it.

    Args:
        document: The document before: the result of `apply` or `snapshot`, or `msgspec.UNSET` if it has not begun. Its
            arrays and objects are modified in place; do not use it afterwards.
        patches: All patches since then, in order.

    Raises:
        LookupError: a patch's path does not exist, because earlier patches are missing.
    """
    holder = {"": document}
    for patch in patches:
        place, key = _find(holder, patch.path)
        match patch:
            case Add(value=value):
                _add(place, key, _copy(value))
            case Append(value=value, path=path):
                _append(place, key, value, path)
            case Close():
                pass
    return holder[""]


def _find(holder: _Container, path: str) -> tuple[_Container, str | int]:
    place, key = holder, ""
    for step in path.split("/")[1:]:
        place, key = _enter(place, key, path), step
    if isinstance(place, dict):
        return place, _unescape(key)
    return place, len(place) if key == "-" else int(key)


def _enter(place: _Container, key: str, path: str) -> _Container:
    try:
        found = place[_unescape(key)] if isinstance(place, dict) else place[int(key)]
    except LookupError:
        raise _missing(path) from None
    if isinstance(found, dict | list):
        return found
    raise _missing(path)


def _copy(value: JSON) -> JSON:
    if isinstance(value, dict | list):
        return deepcopy(value) if value else value.copy()  # most are empty, and a deep copy is slow
    return value


def _add(place: _Container, key: str | int, value: JSON) -> None:
    if isinstance(place, dict):
        place[key] = value
    else:
        place.append(value)


def _append(place: Any, key: str | int, more: str, path: str) -> None:  # noqa: ANN401  # the key fits the place
    try:
        text = place[key]
    except LookupError:
        text = None
    if not isinstance(text, str):
        raise _missing(path)
    # CPython extends a string in place if there is no other reference to it; otherwise each patch would copy it.
    place[key] = None
    text += more
    place[key] = text


def _unescape(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~")


def _missing(path: str) -> LookupError:
    return LookupError(f"the patch at {path!r} does not fit this document: earlier patches are missing")
