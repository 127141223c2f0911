"""Whether an object can be the source of a stream: an iterable of text or events. Pure."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterable, Awaitable, Iterable, Mapping, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from ..core.events import Event

_FAULTS: Sequence[tuple[tuple[type, ...], str | None]] = (
    ((str,), "a str would be streamed letter by letter, so put it into a list: [text]"),
    ((bytes, bytearray, memoryview), "decode bytes, and put the text into a list: [data.decode()]"),
    ((Mapping,), "of a mapping only the keys would be streamed"),
    ((Event,), "put a single event into a list: [event]"),
    ((Awaitable,), "a coroutine must be awaited first, so use a generator that is written with `def`, not `async def`"),
    ((Iterable,), None),
    (
        (AsyncIterable,),
        "only `async for` can iterate this, so use a generator that is written with `def`, not `async def`",
    ),
    (
        (FunctionType, MethodType, BuiltinFunctionType, type),
        "this is a function or a class, so call it, and use what it returns",
    ),
    ((object,), "this cannot be iterated"),
)
"""What is wrong with sources of these types; the first of an object's types counts. None is nothing."""


def source_type_fault(source: object) -> str | None:
    """Return what is wrong with the type of a source, and what to do, as the end of a sentence; None if it is right.

    Strings, bytes and mappings are iterable, but what their iteration yields is not what was meant.

    Args:
        source: The object.
    """
    return next(fault for types, fault in _FAULTS if isinstance(source, types))


def close_unread(source: Any) -> None:  # noqa: ANN401
    """Close a source that will not be iterated, if it can be closed. Errors are ignored."""
    with contextlib.suppress(Exception):
        closing = source.close()
        if inspect.iscoroutine(closing):
            closing.close()  # otherwise Python warns that nobody has awaited it
