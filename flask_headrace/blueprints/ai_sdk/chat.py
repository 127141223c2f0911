"""/ai/chat: `useChat` of the Vercel AI SDK from version 5 on. A resumable answer is resumed by the chat's id."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from flask import Blueprint, Response
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import PathConverter

from ...core.errors import HeadraceError, InvalidRequest, StoreUnavailable
from ...core.exact_json import ExactDecoder
from ...providers.chat_request import ChatRequest, Json
from ...streaming.readable import ReadableStream
from ...streaming.reader import StreamReader
from ..echoed_fields import EchoedFields, echoed_fields
from ..http.auth import authorize_request
from ..http.event_loop import has_one_loop, wait_for_reports
from ..http.no_content import no_content
from ..http.request_body import format_validation_error, read_body
from ..http.stream_response import stream_response
from ..open_stream import open_stream
from ..openapi.operation import EVENT_STREAM, Operation, Parameter, ResponseSpec
from ..requested_tools import local_names
from ..state import current_state
from .chat_body import UIChatBody, read_chat_body
from .chat_request import to_chat_request
from .client import PROTOCOL, encoder_of, fields_of_body
from .error_response import text_error_response
from .frame_types import UI_MESSAGE_STREAM
from .ui_message_encoder import UIMessageEncoder

log = logging.getLogger("flask_headrace")

_EVENT_STREAM_CONTENT = {EVENT_STREAM: UI_MESSAGE_STREAM}
_CHAT_ID = Parameter("id", "path", "The chat's id.")
_STOPPED = ResponseSpec(204, "The answer is stopped, or has ended, or there is none.")

OPERATIONS = (
    Operation(
        "POST",
        "/ai/chat",
        "Answer a chat of the AI SDK's `useChat` as a UI message stream.",
        (ResponseSpec(200, "The answer.", _EVENT_STREAM_CONTENT),),
        body=UIChatBody,
        error=None,
    ),
    Operation(
        "GET",
        "/ai/chat/{id}/stream",
        "Send a chat's latest answer from its beginning, if it is resumable.",
        (
            ResponseSpec(200, "All events, as they come.", _EVENT_STREAM_CONTENT),
            ResponseSpec(204, "There is no answer, or a client has received all of it."),
        ),
        parameters=(_CHAT_ID,),
        error=None,
    ),
    Operation(
        "DELETE",
        "/ai/chat/{id}/stream",
        "Stop a chat's latest answer, if it is resumable.",
        (_STOPPED,),
        parameters=(_CHAT_ID,),
        error=None,
    ),
    Operation(
        "POST",
        "/ai/chat/{id}/stop",
        "Stop a chat's latest answer like DELETE, for requests of `navigator.sendBeacon`, which are always POST.",
        (_STOPPED,),
        parameters=(_CHAT_ID,),
        error=None,
    ),
)

_decoder: ExactDecoder[Json] = ExactDecoder(Json)


class _ChatIdConverter(PathConverter):
    """Accepts any text: applications choose the ids of their chats."""

    regex = "(?s:.+?)"
    part_isolating = False


def create_ai_chat_blueprint() -> Blueprint:
    """Return the blueprint of `useChat` from version 5 on."""
    blueprint = Blueprint("headrace_ai_sdk", __name__)
    blueprint.record(_add_converter)
    blueprint.add_url_rule("/ai/chat", view_func=chat, methods=["POST"])
    # Merging slashes would change the chat's id.
    chat_url = "/ai/chat/<headrace_chat:id>"
    blueprint.add_url_rule(f"{chat_url}/stream", view_func=resume, methods=["GET"], merge_slashes=False)
    blueprint.add_url_rule(f"{chat_url}/stream", view_func=stop, methods=["DELETE"], merge_slashes=False)
    blueprint.add_url_rule(f"{chat_url}/stop", view_func=stop, methods=["POST"], merge_slashes=False)
    blueprint.register_error_handler(HeadraceError, text_error_response)
    return blueprint


def _add_converter(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["headrace_chat"] = _ChatIdConverter


def chat() -> Response:
    """Answer a chat."""
    owner = authorize_request()
    fields = read_body(_decoder)
    try:
        body = read_chat_body(fields)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The body is invalid: {format_validation_error(error)}.") from None
    chat_request = to_chat_request(body)
    echoed = fields_of_body(body, chat_request)
    reader = _open_chat_stream(body, chat_request, owner, EchoedFields(PROTOCOL, echoed))
    encoder = encoder_of(reader.session.id, echoed)
    del body, chat_request, fields, echoed  # may be large, and the answer may take long
    return stream_response(reader, encoder)


def _open_chat_stream(body: UIChatBody, chat_request: ChatRequest, owner: str, echoed: EchoedFields) -> StreamReader:
    chat_request, local = current_state().offered_tools.choose(chat_request, local_names(body.tools), "ai-sdk")
    options: dict[str, Any] = {
        "owner": owner,
        "enforce_schema": True,
        "echoed": echoed,
        "local": local,
        "max_steps": body.max_steps,
        "max_cost": body.max_cost,
    }
    # Without a shared event loop no stream outlives its request.
    if body.resumable and has_one_loop():
        try:
            return open_stream(body.model, chat_request, is_resumable=True, chat_id=body.id, **options)
        except StoreUnavailable as error:
            # The client only needs an answer, so the answer is streamed without resume.
            log.warning("A chat's answer is not resumable: %s", error.message)
    return open_stream(body.model, chat_request, **options)


def encoder_for(stream: ReadableStream, *, is_replay: bool = False) -> UIMessageEncoder:
    """Return the encoder for a stream that is resumed, or of a view of the application.

    Args:
        stream: The stream.
        is_replay: See `UIMessageEncoder`.
    """
    return encoder_of(stream.id, echoed_fields(stream.context, PROTOCOL), is_replay=is_replay)


def resume(id: str) -> Response:  # noqa: A002  # the path's name
    """Send a chat's resumable answer from its beginning; 204 if there is none."""
    owner = authorize_request()
    reader = current_state().resumable_streams.resume_latest(id, owner) if has_one_loop() else None
    if reader is None:
        return no_content()
    return stream_response(reader, encoder_for(reader.session, is_replay=True))


def stop(id: str) -> Response:  # noqa: A002
    """Stop a chat's resumable answer, whichever worker runs it. Does nothing if there is none."""
    owner = authorize_request()
    if has_one_loop():
        current_state().resumable_streams.stop_latest(id, owner)
    wait_for_reports()
    return no_content()
