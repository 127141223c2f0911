"""The encoding of events as bytes in a store. Pure."""

from __future__ import annotations

import msgspec

from ...core.application_events import StreamEvent, without_transient
from ...core.events import Event

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[StreamEvent]).decode
_decode_json = msgspec.json.Decoder(list[StreamEvent]).decode


def encode(events: list[Event]) -> bytes:
    """Encode events as MessagePack, or as JSON if an integer has more than 64 bits.

    Transient data are never stored: an `OmittedEvent` has their number.

    Raises:
        TypeError: an event contains a value that is no JSON value.
    """
    events = without_transient(events)
    try:
        return _encode(events)
    except OverflowError:
        # A model may write any integer into the arguments of a tool; MessagePack has none of more than 64 bits.
        return msgspec.json.encode(events)


def decode(payload: bytes) -> list[Event]:
    """Decode events that `encode` has encoded.

    Raises:
        msgspec.MsgspecError: the bytes are damaged, or another version of this package has encoded them.
    """
    # No MessagePack list begins with the byte "[".
    events: list[Event] = list(_decode_json(payload) if payload[:1] == b"[" else _decode(payload))
    return events
