"""The iterables that an application streams from its views: which types can be streamed, and when they may begin."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from inspect import getgeneratorlocals
from types import GeneratorType

from flask.ctx import AppContext
from gevent.event import Event as Flag

from .core.events import Event, StreamMetadata
from .providers.custom_events import SourceItem, linked_batches
from .providers.source_type import close_unread, source_type_fault

MAX_INNER_ITERATORS = 64
"""How many iterators inside of a source are searched for a context; a source has one or two."""


def has_context(source: Iterable[SourceItem]) -> bool:
    """Whether a source, or an iterator inside of it, pushes the request's context, as `stream_with_context` does.

    The view and the source run in different greenlets, and a context can only be popped where it was pushed last: such
    a source must not begin before the request has ended.
    """
    seen: set[int] = set()
    iterators: list[object] = [source]
    while iterators and len(seen) < MAX_INNER_ITERATORS:
        iterator = iterators.pop()
        if id(iterator) in seen:
            continue
        seen.add(id(iterator))
        for value in _values_inside(iterator):
            if isinstance(value, AppContext):
                return True
            if issubclass(type(value), (Iterator, tuple)):  # `map` and the like keep theirs in a tuple
                iterators.append(value)
    return False


def _values_inside(iterator: object) -> Iterable[object]:
    if isinstance(iterator, GeneratorType):
        return getgeneratorlocals(iterator).values()
    if not issubclass(type(iterator), (Iterator, tuple)):
        return ()
    attributes: Mapping[str, object] = getattr(iterator, "__dict__", {})
    return (*attributes.values(), *gc.get_referents(iterator))


def late_batches(source: Iterable[SourceItem], request_end: Flag) -> Iterator[list[Event] | StreamMetadata]:
    """Yield the events of a source, which is not begun before `request_end` is set."""
    try:
        request_end.wait()
    except BaseException:
        close_unread(source)
        raise
    yield from linked_batches(source)


def check_type(source: object) -> None:
    """Return if a source can be streamed.

    Raises:
        TypeError: it is something else than an iterable of text and events; the message says what to pass.
    """
    if fault := source_type_fault(source):
        raise TypeError(
            f"stream_from got {source!a:.200}, of type {type(source).__name__}: pass a generator, or a list, of text "
            f"or events; {fault}."
        )
