"""What the frames of several protocols have in common. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...core.events import Event
from .base import AbortConnection

_lines = msgspec.json.Encoder().encode_lines


OPENAI_HEARTBEAT = b": keep-alive\n"
"""The heartbeat of OpenAI's two protocols: one line end, since the SDKs, once they have seen an `id`, take a blank line
after a comment for a frame without data."""


def encode_text_frames(texts: list[str], before: bytes, after: bytes) -> bytes:
    """Write texts as JSON strings, each between the same bytes; there must be at least one."""
    # JSON holds no line end, so one call encodes all of them and one replacement frames them.
    return before + _lines(texts)[:-1].replace(b"\n", after + before) + after


def encode_events(
    events: list[Event],
    first: int | None,
    suffix: bytes,
    frames_of: Callable[[Event], list[bytes]],
) -> bytes:
    """Write events one after the other.

    Args:
        events: What has come.
        first: The number of the first of them, where the frames are to carry numbers.
        suffix: What follows each number; see `position`.
        frames_of: Writes one event.

    Raises:
        AbortConnection: one of them cannot be written; with all that was written before it.
    """
    frames: list[bytes] = []
    for number, event in enumerate(events, first or 0):
        try:
            of_event = frames_of(event)
        except AbortConnection as broken:
            raise broken.with_preceding(b"".join(frames)) from None
        frames += of_event if first is None else with_event_id(of_event, number, suffix)
    return b"".join(frames)


def with_event_id(frames: list[bytes], number: int, suffix: bytes) -> list[bytes]:
    """Give the frames of one event its number: who has the last has the event, until then all have to come again."""
    return [*frames[:-1], b"id: %d%b\n%b" % (number, suffix, frames[-1])] if frames else frames
