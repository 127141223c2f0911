"""Converts what a custom generator yields to batches of validated events in the order that sessions expect.

Values that cannot be encoded are rejected here, at the boundary, and fail the stream: later they would break the
encoding of the whole batch.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from ..core import exact_json
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
from ..core.exact_json import ExactDecoder
from ..core.source_errors import SourceTypeError, SourceValueError
from .decoding.tool_calls import to_failed_event
from .source_type import close_unread, source_type_fault

log = logging.getLogger("flask_headrace")

SourceItem: TypeAlias = str | Event | list[Event] | StreamMetadata
"""What a custom generator may yield: text, an event, a list of events, or metadata."""

MAX_BATCH_EVENTS = 512
"""Events in one batch; a longer batch would block all other streams while it is encoded."""

MAX_CLOSE_ATTEMPTS = 3
"""How often a generator that yields again while it is being closed is closed."""

_CALL_BOUNDARIES = {ToolCallStarted, ToolCallCompleted, AnswerRestarted, Completed}
"""Events that open or close a tool call, or require that none is open."""

_ORDERED_EVENTS = {Usage, *TERMINAL_EVENTS}
_TEXTS = {TextDelta, ReasoningDelta}

_encode = exact_json.encode
_decode = ExactDecoder[Event](StreamEvent).decode


def event_batches(
    source: Iterable[SourceItem], name: str = "the source of a stream"
) -> Iterator[list[Event] | StreamMetadata]:
    """Yield the items of a custom generator as batches of events, and close the generator at the end.

    If the generator ends without a terminal event, a `Completed` is added.

    Args:
        source: The generator, or any other iterable.
        name: Names the source in messages.

    Raises:
        SourceTypeError: `source` is no iterable of `SourceItem`, or yielded something that is none.
        SourceValueError: `source` yielded an event that cannot be encoded.
    """
    if fault := source_type_fault(source):
        close_unread(source)
        raise _type_error(name, source, f"return a generator, or a list, of text or events; {fault}.")
    calls = _OpenCalls(name)
    try:
        pieces = iter(source)
        for piece in pieces:
            for checked in _validated_batches(piece, name):
                batch = calls.check(checked)
                yield batch
                if isinstance(batch, list) and batch and isinstance(batch[-1], TERMINAL_EVENTS):
                    # Resuming the generator once more lets it close its own connection.
                    _warn_of_trailing(next(pieces, None), name)
                    return
        yield calls.check([Completed("stop")])
    finally:
        _close(source, name)


class _OpenCalls:
    """Tracks the tool calls that have started and not completed: an answer that has one cannot complete."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._names: dict[int, str] = {}

    def check(self, batch: list[Event] | StreamMetadata) -> list[Event] | StreamMetadata:
        """Return the batch to send: if a tool call is open, `Completed` is replaced by `Failed`."""
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
            f"{self._source} ended its answer in the middle of call {index}, of the tool {name!r:.100}: "
            "yield the call's ToolCallCompleted before Completed."
        )


def _validated_batches(piece: SourceItem, name: str) -> Iterator[list[Event] | StreamMetadata]:
    if isinstance(piece, StreamMetadata):
        yield piece
        return
    if isinstance(piece, str):
        # Empty text is no event: a source that yields nothing else counts as silent.
        piece = [TextDelta(str(piece))] if piece else []  # `str`, since msgspec encodes no subclass, such as Markup
    events = piece if isinstance(piece, list) else [piece]
    if not _ORDERED_EVENTS.isdisjoint(map(type, events)):
        events = _ordered(events, name)
    for start in range(0, len(events) or 1, MAX_BATCH_EVENTS):
        batch = events[start : start + MAX_BATCH_EVENTS]
        for event in batch:
            _validate_event(event, name)
        yield batch


def _ordered(events: list[Event], name: str) -> list[Event]:
    """Return events with the last usage, then the terminal event, at the end; drop all events behind the latter."""
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
        raise _type_error(name, event, "yield text, or events other than ResponseStarted.")
    try:
        if type(event) in _TEXTS and type(event.text) is str:  # type: ignore[attr-defined]  # these have one
            event.text.encode()  # type: ignore[attr-defined]
        else:
            # Round trip: an event that other workers or clients cannot decode is rejected.
            _decode(_encode(event))
    except UnicodeEncodeError:
        what = f"{name} gives half a surrogate pair, which is half of a character, in"
        raise _value_error(what, event, ": cut text between characters, and decode bytes as UTF-8.") from None
    except (msgspec.MsgspecError, TypeError, OverflowError, RecursionError) as error:
        raise _value_error(f"{name} gives an event that cannot be sent on,", event, f": {error}") from None
    if isinstance(event, Usage) and min(event.input_tokens, event.output_tokens, event.cost or 0) < 0:
        raise _value_error(f"{name} gives", event, ": the numbers of a Usage must be 0 or more.")


def _type_error(name: str, value: object, advice: str) -> SourceTypeError:
    return SourceTypeError(
        f"{name} gives {_format_value(value)}: {advice}", f"{name} gives {_format_type(value)}: {advice}"
    )


def _value_error(what: str, event: Event, advice: str) -> SourceValueError:
    return SourceValueError(f"{what} {_format_value(event)}{advice}", f"{what} {_format_type(event)}{advice}")


def _format_type(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"


def _format_value(value: object) -> str:
    try:
        return f"{value!a:.200}"
    except RecursionError:
        return f"a {type(value).__name__} with too many levels"


def _warn_of_trailing(more: object, name: str) -> None:
    if more:
        log.warning("%s yields something behind the end of its answer, which is dropped: %s", name, _format_value(more))


def _close(source: object, name: str, times: int = MAX_CLOSE_ATTEMPTS) -> None:
    close = getattr(source, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception as error:
        if times > 1 and isinstance(error, RuntimeError):
            # The generator caught GeneratorExit and yielded once more.
            _close(source, name, times - 1)
        else:
            # The answer has ended: an error while closing does not change how.
            log.exception("%s failed to close", name)
