"""The protocols, by their names: in which a stream can be resumed (`?protocol=`), and in which a view can answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, cast

from flask import Response, request

from ..core.errors import HeadraceError, InvalidRequest
from ..providers.chat_request import ChatRequest
from ..streaming.readable import ReadableStream
from ..streaming.reader import StreamReader
from .ai_sdk import chat as ai_chat
from .ai_sdk import client as ai_client
from .ai_sdk import v4_chat
from .ai_sdk.frame_types import UI_MESSAGE_STREAM
from .ai_sdk.text_encoder import PlainTextEncoder
from .anthropic_messages import endpoint as anthropic_messages
from .anthropic_messages.frame_types import ANTHROPIC_STREAM
from .echoed_fields import EchoedFields
from .encoding.base import JSONEncoder, StreamEncoder
from .encoding.error_bodies import anthropic_error_body, openai_error_body
from .encoding.skip_seen import SkipSeenEvents
from .encoding.without_local_calls import WithoutLocalCalls
from .http.error_handlers import error_response
from .http.json_answer import json_answer_response
from .http.request_id import current_request_id
from .http.stream_response import stream_response
from .native import endpoint as native
from .native.frame_types import CHAT_STREAM
from .openai_chat import endpoint as openai_chat
from .openai_chat.response_types import CHAT_COMPLETION_STREAM
from .openai_responses import encoder_factory as openai_responses
from .openai_responses.frame_types import RESPONSE_STREAM

NATIVE = "native"


def _text_encoder(stream: ReadableStream) -> StreamEncoder:
    encoder = PlainTextEncoder()
    return WithoutLocalCalls(encoder, has_one_text=True) if stream.context.runs_tools else encoder


_ENCODER_FACTORIES: dict[str, Callable[[ReadableStream], StreamEncoder]] = {
    openai_chat.PROTOCOL: openai_chat.encoder_for,
    openai_responses.PROTOCOL: openai_responses.encoder_for,
    "anthropic": anthropic_messages.encoder_for,
    ai_client.PROTOCOL: ai_chat.encoder_for,
    v4_chat.PROTOCOL: v4_chat.encoder_for,
    "text": _text_encoder,
}

ViewProtocol: TypeAlias = Literal["native", "openai", "openai-responses", "anthropic", "ai-sdk", "ai-sdk-v4", "text"]
"""The protocols in which a view of the application can answer."""

VIEW_PROTOCOLS: Mapping[str, str] = {
    NATIVE: NATIVE,
    openai_chat.PROTOCOL: openai_chat.PROTOCOL,
    openai_responses.PROTOCOL: openai_responses.PROTOCOL,
    "anthropic": "anthropic",
    "ai-sdk": ai_client.PROTOCOL,
    "ai-sdk-v4": v4_chat.PROTOCOL,
    "text": "text",
}
"""The protocols in which a view of the application can answer, by the names of `Headrace.stream`."""

_WHOLE_PROTOCOLS = (NATIVE, openai_chat.PROTOCOL, openai_responses.PROTOCOL, "anthropic")

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


def check_view_protocol(name: str, *, is_whole: bool) -> None:
    """Return if a view can answer in a protocol.

    Args:
        name: The name; see `VIEW_PROTOCOLS`.
        is_whole: Whether the answer is not streamed.

    Raises:
        InvalidRequest: no protocol has this name, or its answers are always streamed; 400.
    """
    if name not in VIEW_PROTOCOLS:
        raise InvalidRequest(f"protocol is {name!r:.100}: it must be one of {', '.join(VIEW_PROTOCOLS)}.")
    if is_whole and name not in _WHOLE_PROTOCOLS:
        raise InvalidRequest(
            f"stream is False and protocol is {name!r}, whose answers are always streamed: pass one of "
            f"{', '.join(_WHOLE_PROTOCOLS)}, or omit stream."
        )


def echoed_of_view(protocol: str, chat_request: ChatRequest) -> EchoedFields | None:
    """Return what the encoder of a view's response must know of its request; None for nothing.

    Args:
        protocol: See `VIEW_PROTOCOLS`.
        chat_request: The request to the model.
    """
    return ai_client.echoed_of_view(chat_request) if VIEW_PROTOCOLS[protocol] == ai_client.PROTOCOL else None


def view_response(
    open_: Callable[[], StreamReader],
    protocol: str,
    *,
    is_whole: bool,
    on_request_end: Callable[[], object] | None = None,
) -> Response:
    """Return the response of a view of the application.

    Args:
        open_: Opens the stream, and returns a reader at its beginning.
        protocol: See `VIEW_PROTOCOLS`.
        is_whole: Whether the answer is one JSON value.
        on_request_end: See `stream_response`.

    Raises:
        HeadraceError: the stream cannot be opened, and the protocol is the native one. In other protocols, that becomes
            an error response.
    """
    name = VIEW_PROTOCOLS[protocol]
    try:
        reader = open_()
    except HeadraceError as error:
        if name == NATIVE:
            raise
        return error_response(error, _error_body(protocol, error))
    del open_  # has the conversation, which may be large, and the answer may take long
    encoder = native.encoder_for(reader.session.context) if name == NATIVE else _ENCODER_FACTORIES[name](reader.session)
    if is_whole:
        return json_answer_response(reader, cast("JSONEncoder", encoder), on_request_end=on_request_end)
    return stream_response(reader, encoder, on_request_end=on_request_end)


def _error_body(protocol: str, error: HeadraceError) -> Any:  # noqa: ANN401  # a JSON value, or plain text
    match protocol:
        case "anthropic":
            return anthropic_error_body(error, current_request_id())
        case openai_chat.PROTOCOL | openai_responses.PROTOCOL:
            return openai_error_body(error)
        case _:
            return error.message


def encoder_for(protocol: str, reader: StreamReader) -> StreamEncoder:
    """Return the encoder of a protocol for a reader that may already have received a part of the stream.

    Args:
        protocol: One of `PROTOCOLS`.
        reader: The reader; its `seen` is the number of the last event that the client has received.
    """
    if protocol == NATIVE:
        return native.encoder_for(reader.session.context, reader.seen)
    return SkipSeenEvents(_ENCODER_FACTORIES[protocol](reader.session), reader.seen)
