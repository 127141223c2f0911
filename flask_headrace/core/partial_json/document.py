"""Applies patches to a JSON document: the receiving side of `PartialJSON`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any, TypeAlias

from msgspec import UNSET, UnsetType

from .patches import JSON, Add, Append, Close, Patch

_Container: TypeAlias = "dict[Any, Any] | list[Any]"

_INDEX = re.compile("0|[1-9][0-9]*")


def apply(document: JSON | UnsetType, patches: Iterable[Patch]) -> JSON | UnsetType:
    """Return the document after applying patches, in time proportional to their size.

    A document that is one string, not in an array or object, is copied once for each call that appends to it.

    Args:
        document: The document before: the result of `apply` or `snapshot`, or `msgspec.UNSET` if it has not begun. Its
            arrays and objects are modified in place; do not use it afterwards.
        patches: All patches since then, in order.

    Raises:
        LookupError: the document has no place for a patch, because earlier patches are missing: the path is no JSON
            Pointer, leads through what is no array or object, or names an item after the one that comes next; or there
            is no string to append to; or no string, array or object to close.
    """
    holder = {"": document}
    for patch in patches:
        place, key = _find(holder, patch.path)
        match patch:
            case Add(value=value):
                _add(place, key, _copy(value))
            case Append(value=value, path=path):
                _append(place, key, value, path)
            case Close(path=path):
                _check_is_open(place, key, path)
    return holder[""]


def _find(holder: _Container, path: str) -> tuple[_Container, str | int]:
    first, *steps = path.split("/")
    place, key = holder, first
    for step in steps:
        place, key = _enter(place, key, path), step
    if first:
        raise _missing(path)
    return place, _key(place, key, path)


def _enter(place: _Container, key: str, path: str) -> _Container:
    found = _value(place, _key(place, key, path))
    if isinstance(found, dict | list):
        return found
    raise _missing(path)


def _key(place: _Container, step: str, path: str) -> str | int:
    """Return the key or index that a step of a path is; the index may be the one after the last item."""
    if isinstance(place, dict):
        return step.replace("~1", "/").replace("~0", "~")
    end = len(place)
    if step == "-":
        return end
    if _INDEX.fullmatch(step) and len(step) <= len(str(end)) and int(step) <= end:
        return int(step)
    raise _missing(path)


def _value(place: Any, key: str | int) -> Any:  # noqa: ANN401  # the key fits the place
    try:
        return place[key]
    except LookupError:
        return UNSET


def _copy(value: JSON) -> JSON:
    if isinstance(value, dict | list):
        return deepcopy(value) if value else value.copy()  # most are empty, and a deep copy is slow
    return value


def _add(place: Any, key: str | int, value: JSON) -> None:  # noqa: ANN401  # the key fits the place
    if _is_end(place, key):
        place.append(value)
    else:
        place[key] = value


def _is_end(place: object, key: str | int) -> bool:
    return isinstance(place, list) and key == len(place)


def _append(place: Any, key: str | int, more: str, path: str) -> None:  # noqa: ANN401  # the key fits the place
    text = _value(place, key)
    if not isinstance(text, str):
        raise _missing(path)
    # CPython extends a string in place if there is no other reference to it; otherwise each patch would copy it.
    place[key] = None
    text += more
    place[key] = text


def _check_is_open(place: _Container, key: str | int, path: str) -> None:
    if not isinstance(_value(place, key), str | list | dict):
        raise _missing(path)


def _missing(path: str) -> LookupError:
    return LookupError(f"the patch at {path!r} does not fit this document: earlier patches are missing")
