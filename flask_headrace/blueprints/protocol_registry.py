"""The protocols in which a stream can be followed, by their names in `?protocol=`."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from ..core.errors import InvalidRequest
from ..streaming.readable import Stream
from ..streaming.reader import Follower
from .ai_sdk.data_stream_v1_encoder import DataStream
from .ai_sdk.text_encoder import Text
from .anthropic_messages.encoder import MessagesWire
from .encoding.base import Wire
from .encoding.skip_seen import Resumed
from .native import endpoint as native
from .openai_chat import endpoint as openai_chat
from .openai_responses import endpoint as openai_responses

NATIVE = "native"

_OTHERS: dict[str, Callable[[Stream], Wire]] = {
    openai_chat.PROTOCOL: openai_chat.encoder_of,
    openai_responses.PROTOCOL: openai_responses.encoder_of,
    "anthropic": lambda _: MessagesWire(),
    "data-v1": lambda _: DataStream(),
    "text": lambda _: Text(),
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


def wire_of(protocol: str, follower: Follower) -> Wire:
    """Return a protocol's wire for a reader that may have a part of the stream already."""
    if protocol == NATIVE:
        return native.encoder_of(follower.session.target, follower.seen)
    return Resumed(_OTHERS[protocol](follower.session), follower.seen)
