"""The protocols in which a stream can be followed, by their names in `?protocol=`."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from ..core.errors import InvalidRequest
from ..streaming.readable import ReadableStream
from ..streaming.reader import StreamReader
from .ai_sdk.data_stream_v1_encoder import DataStreamV1Encoder
from .ai_sdk.text_encoder import PlainTextEncoder
from .anthropic_messages.encoder import MessagesEncoder
from .encoding.base import StreamEncoder
from .encoding.skip_seen import SkipSeenEvents
from .native import endpoint as native
from .openai_chat import endpoint as openai_chat
from .openai_responses import endpoint as openai_responses

NATIVE = "native"

_OTHERS: dict[str, Callable[[ReadableStream], StreamEncoder]] = {
    openai_chat.PROTOCOL: openai_chat.encoder_of,
    openai_responses.PROTOCOL: openai_responses.encoder_of,
    "anthropic": lambda _: MessagesEncoder(),
    "data-v1": lambda _: DataStreamV1Encoder(),
    "text": lambda _: PlainTextEncoder(),
}

PROTOCOLS = (NATIVE, *_OTHERS)


def wanted_protocol() -> str:
    """Return the protocol that the request names; the native one where it names none.

    Raises:
        InvalidRequest: there is none of that name; 400.
    """
    name = request.args.get("protocol", NATIVE)
    if name not in PROTOCOLS:
        raise InvalidRequest(f"The protocol is {name!r:.100}: it must be one of {', '.join(PROTOCOLS)}.")
    return name


def wire_of(protocol: str, follower: StreamReader) -> StreamEncoder:
    """Return a protocol's wire for a reader that may have a part of the stream already."""
    if protocol == NATIVE:
        return native.encoder_of(follower.session.context, follower.seen)
    return SkipSeenEvents(_OTHERS[protocol](follower.session), follower.seen)
