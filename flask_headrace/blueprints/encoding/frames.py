"""Functions that encode SSE frames for several protocols. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...core.events import Event
from .base import AbortConnection

_lines = msgspec.json.Encoder().encode_lines


OPENAI_HEARTBEAT = b": keep-alive\n"
"""The heartbeat of OpenAI's protocols, with one line end: after an `id` line, OpenAI's SDKs parse a comment followed by
a blank line as a frame without data.
"""


def encode_text_frames(texts: list[str], before: bytes, after: bytes) -> bytes:
    """Return one frame per text: `before`, the text as a JSON string, `after`.

    Args:
        texts: At least one text.
        before: The bytes of each frame before its text.
        after: The bytes of each frame after its text.
    """
    # JSON contains no line feed, so one call encodes all texts and one replacement adds the frames.
    return before + _lines(texts)[:-1].replace(b"\n", after + before) + after


def encode_events(
    events: list[Event],
    first_id: int | None,
    id_suffix: bytes,
    encode_event: Callable[[Event], list[bytes]],
) -> bytes:
    """Return the frames of all events, one event after the other.

    Args:
        events: The next events.
        first_id: The number of the first event in `events`; None for frames without numbers.
        id_suffix: The bytes after each number; see `event_id_suffix`.
        encode_event: Returns the frames of one event.

    Raises:
        AbortConnection: `encode_event` raised it; its `preceding` also has the frames of the earlier events.
    """
    frames: list[bytes] = []
    for number, event in enumerate(events, first_id or 0):
        try:
            event_frames = encode_event(event)
        except AbortConnection as abort:
            raise abort.with_preceding(b"".join(frames)) from None
        frames += event_frames if first_id is None else with_event_id(event_frames, number, id_suffix)
    return b"".join(frames)


def with_event_id(frames: list[bytes], number: int, id_suffix: bytes) -> list[bytes]:
    """Return the frames of one event with an `id:` line in the last frame.

    A client that has received only some of the frames has an older cursor and receives all of them again.

    Args:
        frames: The event's frames; may be empty.
        number: The event's number.
        id_suffix: The bytes after the number; see `event_id_suffix`.
    """
    return [*frames[:-1], b"id: %d%b\n%b" % (number, id_suffix, frames[-1])] if frames else frames
