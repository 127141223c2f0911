"""The encoding of events as bytes in a store. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ...core import exact_json
from ...core.application_events import StreamEvent, without_transient
from ...core.events import Event
from ...core.exact_json import ExactDecoder, ExactFloat

_EXACT_FLOAT = 1
"""The code of MessagePack's extension type for an `ExactFloat`, whose data are its digits."""


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
        return exact_json.encode(events)


def decode(payload: bytes) -> list[Event]:
    """Decode events that `encode` has encoded.

    Raises:
        msgspec.MsgspecError: the bytes are damaged, or another version of this package has encoded them.
    """
    # No MessagePack list begins with the byte "[".
    events: list[Event] = list(_decode_json(payload) if payload[:1] == b"[" else _decode(payload))
    return events


def _encode_digits(value: Any) -> msgspec.msgpack.Ext:  # noqa: ANN401  # anything that msgspec does not know
    return msgspec.msgpack.Ext(_EXACT_FLOAT, bytes(exact_json.encode_hook(value)))


def _decode_digits(code: int, digits: memoryview) -> ExactFloat:
    if code != _EXACT_FLOAT:
        raise msgspec.ValidationError(f"{code} is no code of an extension type: another version has encoded it")
    return ExactFloat(bytes(digits).decode())


_encode = msgspec.msgpack.Encoder(enc_hook=_encode_digits).encode
_decode = msgspec.msgpack.Decoder(list[StreamEvent], ext_hook=_decode_digits).decode
_decode_json = ExactDecoder[list[Event]](list[StreamEvent]).decode
