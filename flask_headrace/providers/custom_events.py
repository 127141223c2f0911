"""Converts what a custom generator yields to batches of validated events in the order that sessions expect.

Values that cannot be encoded are rejected here, at the boundary, and fail the stream: later they would break the
encoding of the whole batch.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Iterable, Iterator
from typing import TypeAlias

import msgspec

from ..core import exact_json
from ..core.application_events import APPLICATION_EVENTS, Data, File, OmittedEvent, Source, StreamEvent
from ..core.events import (
    TERMINAL_EVENTS,
    Completed,
    Event,
    ReasoningDelta,
    ResponseStarted,
    StreamMetadata,
    TextDelta,
    Usage,
)
from ..core.exact_json import ExactDecoder
from ..core.source_errors import SourceValueError
from ..core.source_link import LinkOpened, SourceLink, current_link
from ..core.text_buffer import MAX_TEXT_CHARS
from .answer_so_far import AnswerSoFar
from .source_faults import format_value, type_error, value_error
from .source_type import close_unread, source_type_fault

log = logging.getLogger("flask_headrace")

SourceItem: TypeAlias = str | Event | list[Event] | StreamMetadata
"""What a custom generator may yield: text, an event, a list of events, or metadata."""

MAX_BATCH_EVENTS = 512
"""Events in one batch; a longer batch would block all other streams while it is encoded."""

MAX_CLOSE_ATTEMPTS = 3
"""How often a generator that yields again while it is being closed is closed."""

RESERVED_DATA_NAMES = frozenset({"restart"})
"""Names of data that have a meaning of their own in a client's protocol."""

_DATA_NAME = re.compile(r"[\w.-]{1,100}")
_OWN_EVENTS = (ResponseStarted, OmittedEvent)
"""Events that only the stream itself makes."""

_ORDERED_EVENTS = {Usage, *TERMINAL_EVENTS}
_TEXTS = {TextDelta, ReasoningDelta}

_encode = exact_json.encode
_decode = ExactDecoder[Event](StreamEvent).decode


def linked_batches(
    source: Iterable[SourceItem], name: str = "the source of a stream"
) -> Iterator[list[Event] | StreamMetadata]:
    """Yield the items of a custom generator, which may ask models, as batches of events.

    The first item is the generator's `SourceLink`; for the others see `event_batches`.

    Args:
        source: The generator, or any other iterable.
        name: Names the source in messages.
    """
    link = SourceLink()
    batches = event_batches(source, name, link)
    try:
        yield LinkOpened(link)
        while (batch := _next_of(batches, link)) is not None:
            yield batch
    finally:
        link.close()
        batches.close()


def _next_of(batches: Iterator[list[Event] | StreamMetadata], link: SourceLink) -> list[Event] | StreamMetadata | None:
    # Not for longer: the context also belongs to whoever reads the batches, which may be another source.
    token = current_link.set(link)
    try:
        return next(batches, None)
    finally:
        current_link.reset(token)


def event_batches(
    source: Iterable[SourceItem], name: str = "the source of a stream", link: SourceLink | None = None
) -> Generator[list[Event] | StreamMetadata, None, None]:
    """Yield the items of a custom generator as batches of events, and close the generator at the end.

    If the generator ends without a terminal event, a `Completed` is added: with the reason of the model that was asked
    last, if its answer ends the generator's.

    Args:
        source: The generator, or any other iterable.
        name: Names the source in messages.
        link: The link of the generator; None if it asks no models.

    Raises:
        SourceTypeError: `source` is no iterable of `SourceItem`, or yielded something that is none.
        SourceValueError: `source` yielded an event that cannot be encoded.
    """
    if fault := source_type_fault(source):
        close_unread(source)
        raise type_error(name, source, f"return a generator, or a list, of text or events; {fault}.")
    answer = AnswerSoFar(name)
    try:
        pieces = iter(source)
        for piece in pieces:
            if link is not None:
                link.last_end = None
            for checked in _validated_batches(piece, name):
                batch = answer.check(checked)
                yield batch
                if isinstance(batch, list) and batch and isinstance(batch[-1], TERMINAL_EVENTS):
                    # Resuming the generator once more lets it close its own connection.
                    _warn_of_trailing(next(pieces, None), name)
                    return
        yield answer.check([Completed("stop") if link is None or link.last_end is None else link.last_end])
    finally:
        _close(source, name)


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
        yield [_valid_event(event, name) for event in events[start : start + MAX_BATCH_EVENTS]]


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


def _valid_event(event: Event, name: str) -> Event:
    if type(event) not in _TEXTS and (not isinstance(event, Event) or isinstance(event, _OWN_EVENTS)):
        raise type_error(name, event, "yield text, or events other than ResponseStarted.")
    try:
        if type(event) in _TEXTS and type(event.text) is str:  # type: ignore[attr-defined]  # these have one
            event.text.encode()  # type: ignore[attr-defined]
        elif isinstance(event, APPLICATION_EVENTS):
            return _valid_application_event(event, name)
        else:
            # Round trip: an event that other workers or clients cannot decode is rejected.
            _decode(_encode(event))
    except UnicodeEncodeError:
        what = f"{name} gives half a surrogate pair, which is half of a character, in"
        raise value_error(what, event, ": cut text between characters, and decode bytes as UTF-8.") from None
    except SourceValueError:
        raise
    except (msgspec.MsgspecError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise value_error(f"{name} gives an event that cannot be sent on,", event, f": {error}") from None
    if isinstance(event, Usage) and min(event.input_tokens, event.output_tokens, event.cost or 0) < 0:
        raise value_error(f"{name} gives", event, ": the numbers of a Usage must be 0 or more.")
    return event


def _valid_application_event(event: Event, name: str) -> Event:
    if isinstance(event, File):
        event = _with_url(event)
    if (fault := _fault_of(event)) is not None:
        raise value_error(f"{name} gives", event, f": {fault}.")
    encoded = _encode(event)
    if len(encoded) > MAX_TEXT_CHARS:
        advice = f", which has more than {MAX_TEXT_CHARS} bytes as JSON: yield an address of the content instead."
        raise value_error(f"{name} gives", event, advice)
    # A copy: the application may change the object later, while the event still waits for slow readers.
    copy: Event = _decode(encoded)
    return copy


def _with_url(file: File) -> File:
    content = file.url if isinstance(file.url, (bytes, bytearray)) else file.data
    if (content is file.data and file.url) or not isinstance(content, (bytes, bytearray, memoryview)):
        return file
    content = bytes(content)
    return File(file.media_type, File(file.media_type, data=content).source_url()) if content else file


def _fault_of(event: Event) -> str | None:
    match event:
        case File(url="") | File(media_type=""):
            return "a File needs a media type, and a url or data"
        case File(data=data) if data:
            return "a File has either a url or data"
        case Source(url=url, title=title, media_type=media_type, filename=filename):
            return None if url or title or media_type or filename else "a Source needs a url, or what names a document"
        case Data(name=name) if not isinstance(name, str) or not _DATA_NAME.fullmatch(name):
            return "the name of Data is 1 to 100 letters, digits, dots, hyphens and underscores"
        case Data(name=name) if name in RESERVED_DATA_NAMES:
            return f"the name {name!r} is the service's own in the AI SDK's protocol, so take another one"
        case _:
            return None


def _warn_of_trailing(more: object, name: str) -> None:
    if more:
        log.warning("%s yields something behind the end of its answer, which is dropped: %s", name, format_value(more))


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
