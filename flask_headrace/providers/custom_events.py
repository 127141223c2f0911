"""What an application's own generator yields, as the lists of events that a provider yields: checked, and in order.

What cannot be sent on is refused here, where it enters, and with it the stream: further in, a text that is none would
harm what is written together with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from ..core.errors import InvalidToolArguments
from ..core.events import (
    TERMINAL_EVENTS,
    AnswerRestarted,
    Completed,
    Event,
    ReasoningDelta,
    ResponseStarted,
    StreamEvent,
    StreamMetadata,
    TextDelta,
    ToolCallCompleted,
    ToolCallStarted,
    Usage,
)
from .decoding.tool_calls import to_failed_event

log = logging.getLogger("flask_headrace")

SourceItem: TypeAlias = str | Event | list[Event] | StreamMetadata
"""What a generator of an application's yields: text, an event, or several at once."""

MAX_BATCH_EVENTS = 512
"""Events that are passed on in one list: a longer one would hold up all other streams while it is written."""

MAX_CLOSE_ATTEMPTS = 3
"""How often a generator that goes on when it is closed is closed again."""

_CALL_BOUNDARIES = {ToolCallStarted, ToolCallCompleted, AnswerRestarted, Completed}
"""Events by which it is known whether all calls are whole."""

_ORDERED_EVENTS = {Usage, *TERMINAL_EVENTS}
_TEXTS = {TextDelta, ReasoningDelta}

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(StreamEvent).decode


def event_batches(
    source: Iterable[SourceItem], name: str = "the source of a stream"
) -> Iterator[list[Event] | StreamMetadata]:
    """Yield what an application's generator does, as a provider would; close it at the end, whichever that is.

    Args:
        source: The generator, or whatever else can be iterated.
        name: How messages name it.

    Raises:
        TypeError, ValueError: it yields something else, or what cannot be sent on; the message says what.
    """
    calls = _OpenCalls(name)
    try:
        if not isinstance(source, Iterable):
            raise TypeError(f"{name} gives {_format_value(source)}: it must be a generator, or a list.")
        pieces = iter(source)
        for piece in pieces:
            for checked in _validated_batches(piece, name):
                batch = calls.check(checked)
                yield batch
                if isinstance(batch, list) and batch and isinstance(batch[-1], TERMINAL_EVENTS):
                    # It may now see to its connection.
                    _warn_of_trailing(next(pieces, None), name)
                    return
        yield calls.check([Completed("stop")])
    finally:
        _close(source, name)


class _OpenCalls:
    """The tool calls of an answer that have begun and not ended: with one of them no answer is whole."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._names: dict[int, str] = {}

    def check(self, batch: list[Event] | StreamMetadata) -> list[Event] | StreamMetadata:
        """Return the next events as they may be sent on: a `Completed` while a call is open becomes a failure."""
        if isinstance(batch, StreamMetadata) or _CALL_BOUNDARIES.isdisjoint(map(type, batch)):
            return batch
        for event in batch:
            match event:
                case ToolCallStarted(index, _, name):
                    self._names[index] = name
                case ToolCallCompleted(index):
                    self._names.pop(index, None)
                case AnswerRestarted():
                    self._names.clear()
                case Completed() if self._names:
                    return [*batch[:-1], to_failed_event(self._unfinished_call_error())]
        return batch

    def _unfinished_call_error(self) -> InvalidToolArguments:
        (index, name), *_ = self._names.items()
        return InvalidToolArguments(
            f"{self._source} ended its answer in the middle of call {index}, of the tool {name!r:.100}: a call is whole "
            "with its ToolCallCompleted, which comes before Done."
        )


def _validated_batches(piece: SourceItem, name: str) -> Iterator[list[Event] | StreamMetadata]:
    if isinstance(piece, StreamMetadata):
        yield piece
        return
    if isinstance(piece, str):
        # A piece without text is none: who yields nothing else is silent.
        piece = [TextDelta(piece)] if piece else []
    events = piece if isinstance(piece, list) else [piece]
    if not _ORDERED_EVENTS.isdisjoint(map(type, events)):
        events = _ordered(events, name)
    for start in range(0, len(events) or 1, MAX_BATCH_EVENTS):
        batch = events[start : start + MAX_BATCH_EVENTS]
        for event in batch:
            _validate_event(event, name)
        yield batch


def _ordered(events: list[Event], name: str) -> list[Event]:
    """Return events with the usage behind all else and the end behind that, and nothing behind the end."""
    end = next((place for place, event in enumerate(events) if isinstance(event, TERMINAL_EVENTS)), len(events))
    usages = [event for event in events if isinstance(event, Usage)]
    _warn_of_trailing([event for event in events[end + 1 :] if not isinstance(event, Usage)], name)
    exact = [usage for usage in usages if not usage.estimated]
    return [
        *(event for event in events[:end] if not isinstance(event, Usage)),
        *(exact or usages)[-1:],
        *events[end : end + 1],
    ]


def _validate_event(event: Event, name: str) -> None:
    if type(event) not in _TEXTS and (not isinstance(event, Event) or isinstance(event, ResponseStarted)):
        raise TypeError(
            f"{name} gives {_format_value(event)}: such a source yields text and events other than Started."
        )
    try:
        if type(event) in _TEXTS and type(event.text) is str:  # type: ignore[attr-defined]  # these have one
            event.text.encode()  # type: ignore[attr-defined]
        else:
            # Read as another worker, or a client, reads it: what does not come back has no place in a stream.
            _decode(_encode(event))
    except UnicodeEncodeError:
        raise ValueError(
            f"{name} gives half a surrogate pair, which is half of a character, in {_format_value(event)}: cut text between "
            "characters, and decode bytes as UTF-8."
        ) from None
    except (msgspec.MsgspecError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{name} gives an event that cannot be sent on, {_format_value(event)}: {error}") from None
    if isinstance(event, Usage) and min(event.input_tokens, event.output_tokens, event.cost or 0) < 0:
        raise ValueError(f"{name} gives {_format_value(event)}: a Usage counts from 0 on.")


def _format_value(value: object) -> str:
    try:
        return f"{value!a:.200}"
    except RecursionError:
        return f"a {type(value).__name__} of very many levels"


def _warn_of_trailing(more: object, name: str) -> None:
    if more:
        log.warning(
            "%s yields something behind the end of its answer, which nobody gets: %s", name, _format_value(more)
        )


def _close(source: object, name: str, times: int = MAX_CLOSE_ATTEMPTS) -> None:
    close = getattr(source, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception as error:
        if times > 1 and isinstance(error, RuntimeError):
            # A generator that has caught the request to close, and has yielded once more.
            _close(source, name, times - 1)
        else:
            # How the answer has ended stays as it is.
            log.exception("%s failed to close", name)
