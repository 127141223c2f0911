"""The protocols in which a stream can be followed, by their names in `?protocol=`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from flask import request

from ..core.errors import InvalidRequest
from ..streaming.context import Target
from ..streaming.reader import Follower, Stream
from .ai_sdk.data_stream_v1_encoder import DataStream
from .ai_sdk.text_encoder import Text
from .anthropic_messages.encoder import MessagesWire
from .encoding.base import WholeWire, Wire
from .encoding.skip_seen import Resumed
from .native import encoder as native_encoder
from .native.document_encoder import NativeDocument
from .openai_chat.encoder import ChatCompletion
from .openai_responses.encoder import Responses
from .openapi.operation import frames

NATIVE, OPENAI, OPENAI_RESPONSES = "native", "openai", "openai-responses"


def chat_completion(stream: Stream) -> ChatCompletion:
    """Return the wire of OpenAI's chat completions for a stream, with what the answer repeats of its question."""
    # Where the question came in another protocol, nobody has said that its usage is not wanted.
    has_usage = _repeated(stream, OPENAI).get("include_usage", True)
    return ChatCompletion(stream.id, stream.target.model, stream.target.created, has_usage=has_usage)


def responses(stream: Stream) -> Responses:
    """Return the wire of OpenAI's Responses API for a stream, with what the answer repeats of its question."""
    return Responses(stream.id, stream.target.model, stream.target.created, _repeated(stream, OPENAI_RESPONSES))


def _repeated(stream: Stream, protocol: str) -> dict[str, Any]:
    target = stream.target
    return msgspec.json.decode(target.repeated, type=dict[str, Any]) if target.protocol == protocol else {}


_OTHERS: dict[str, Callable[[Stream], Wire]] = {
    OPENAI: chat_completion,
    OPENAI_RESPONSES: responses,
    "anthropic": lambda _: MessagesWire(),
    "data-v1": lambda _: DataStream(),
    "text": lambda _: Text(),
}

NATIVE_FRAMES = frames(*native_encoder.EVENTS)
"""How the description of the endpoints tells the native frames."""

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


def wire_of(protocol: str, follower: Follower) -> Wire:
    """Return a protocol's wire for a reader that may have a part of the stream already."""
    if protocol == NATIVE:
        return native_wire(follower.session.target, follower.seen)
    return Resumed(_OTHERS[protocol](follower.session), follower.seen)


def native_wire(target: Target, seen: int = 0) -> WholeWire:
    """Return the native wire for a stream.

    Args:
        target: What it was opened with.
        seen: The number of the last event that the reader has already.
    """
    return native_encoder if target.partials is None else NativeDocument(target.partials, seen)
