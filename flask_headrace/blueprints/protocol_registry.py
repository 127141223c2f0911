"""The protocols in which a stream can be resumed, by their names in `?protocol=`."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from ..core.errors import InvalidRequest
from ..streaming.readable import ReadableStream
from ..streaming.reader import StreamReader
from .ai_sdk import chat as ai_chat
from .ai_sdk.data_stream_v1_encoder import DataStreamV1Encoder
from .ai_sdk.frame_types import UI_MESSAGE_STREAM
from .ai_sdk.text_encoder import PlainTextEncoder
from .anthropic_messages.encoder import MessagesEncoder
from .anthropic_messages.frame_types import ANTHROPIC_STREAM
from .encoding.base import StreamEncoder
from .encoding.skip_seen import SkipSeenEvents
from .http.request_id import current_request_id
from .native import endpoint as native
from .native.frame_types import CHAT_STREAM
from .openai_chat import endpoint as openai_chat
from .openai_chat.response_types import CHAT_COMPLETION_STREAM
from .openai_responses import encoder_factory as openai_responses
from .openai_responses.frame_types import RESPONSE_STREAM

NATIVE = "native"

_ENCODER_FACTORIES: dict[str, Callable[[ReadableStream], StreamEncoder]] = {
    openai_chat.PROTOCOL: openai_chat.encoder_for,
    openai_responses.PROTOCOL: openai_responses.encoder_for,
    "anthropic": lambda _: MessagesEncoder(current_request_id()),
    ai_chat.PROTOCOL: ai_chat.encoder_for,
    "data-v1": lambda _: DataStreamV1Encoder(),
    "text": lambda _: PlainTextEncoder(),
}

PROTOCOLS = (NATIVE, *_ENCODER_FACTORIES)

STREAMS = (CHAT_STREAM, CHAT_COMPLETION_STREAM, RESPONSE_STREAM, ANTHROPIC_STREAM, UI_MESSAGE_STREAM)
"""The frames of those that are event streams, for the OpenAPI document."""


def requested_protocol() -> str:
    """Return the protocol that the query parameter `protocol` of the current request names; `native` if it is absent.

    Raises:
        InvalidRequest: no protocol has this name; 400.
    """
    name = request.args.get("protocol", NATIVE)
    if name not in PROTOCOLS:
        raise InvalidRequest(f"The protocol is {name!r:.100}: it must be one of {', '.join(PROTOCOLS)}.")
    return name


def encoder_for(protocol: str, reader: StreamReader) -> StreamEncoder:
    """Return the encoder of a protocol for a reader that may already have received a part of the stream.

    Args:
        protocol: One of `PROTOCOLS`.
        reader: The reader; its `seen` is the number of the last event that the client has received.
    """
    if protocol == NATIVE:
        return native.encoder_for(reader.session.context, reader.seen)
    return SkipSeenEvents(_ENCODER_FACTORIES[protocol](reader.session), reader.seen)
