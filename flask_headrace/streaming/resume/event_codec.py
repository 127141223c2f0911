"""Events as bytes, and back: how they lie in a store. Pure."""

from __future__ import annotations

import msgspec

from ...core.events import Event, StreamEvent

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[StreamEvent]).decode
_decode_json = msgspec.json.Decoder(list[StreamEvent]).decode


def encode(events: list[Event]) -> bytes:
    """Write events as bytes.

    Raises:
        TypeError: one holds what is no JSON.
    """
    try:
        return _encode(events)
    except OverflowError:
        # A model may write any integer into a tool's arguments; MessagePack has none of more than 64 bits.
        return msgspec.json.encode(events)


def decode(payload: bytes) -> list[Event]:
    """Read what `encode` wrote.

    Raises:
        msgspec.MsgspecError: the bytes are of another version, or damaged.
    """
    # No list of MessagePack begins with this byte.
    events: list[Event] = list(_decode_json(payload) if payload[:1] == b"[" else _decode(payload))
    return events
