"""Events as bytes, and back: how they lie in a store. Pure."""

from __future__ import annotations

import msgspec

from .events import AnyEvent, Event

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[AnyEvent]).decode


def encode(events: list[Event]) -> bytes:
    """Write events as bytes."""
    return _encode(events)


def decode(payload: bytes) -> list[Event]:
    """Read what `encode` wrote.

    Raises:
        msgspec.MsgspecError: the bytes are of another version, or damaged.
    """
    events: list[Event] = list(_decode(payload))
    return events
