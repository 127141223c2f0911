"""/ai: what the Vercel AI SDK's `useChat` speaks to, from version 5 on; its resume and stop.

A chat's stream is always one that can be resumed: its clients come back with no more than the chat's id.
"""

from __future__ import annotations

import logging

import msgspec
from flask import Blueprint, Response
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import PathConverter

from ...core.errors import HeadraceError, InvalidRequest, StoreUnavailable
from ...providers.chat_request import ChatRequest, Json
from ...streaming.reader import StreamReader
from ..http.auth import authorize_request
from ..http.error_handlers import error_response
from ..http.event_loop import has_one_loop
from ..http.request_body import format_validation_error, read_body
from ..http.response import stream_response
from ..open_stream import open_stream
from ..openapi.operation import EVENTS, Operation, Parameter, ResponseSpec, frames
from ..state import current_state
from .chat_body import UiChatBody, read_chat_body
from .chat_request import question_of
from .ui_message_encoder import UIMessageEncoder

log = logging.getLogger("flask_headrace")

_ANSWER = {EVENTS: frames()}
_THE_CHAT = Parameter("id", "path", "The chat's id.")

OPERATIONS = (
    Operation(
        "POST",
        "/ai/chat",
        "Answer a chat of the AI SDK's, as its UI message stream.",
        (ResponseSpec(200, "The answer.", _ANSWER),),
        body=UiChatBody,
        refusal=None,
    ),
    Operation(
        "GET",
        "/ai/chat/{id}/stream",
        "Follow a chat's latest answer from its beginning.",
        (
            ResponseSpec(200, "All of it, and what follows.", _ANSWER),
            ResponseSpec(204, "There is none, or a reader has all of it."),
        ),
        parameters=(_THE_CHAT,),
        refusal=None,
    ),
    Operation(
        "POST",
        "/ai/chat/{id}/stop",
        "Stop a chat's latest answer, whichever worker asks the model.",
        (ResponseSpec(204, "It is stopped, or there is none."),),
        parameters=(_THE_CHAT,),
        refusal=None,
    ),
)

_decoder = msgspec.json.Decoder(Json)


class _ChatId(PathConverter):
    """Any text: a chat's id is its application's."""

    regex = "(?s:.+?)"
    part_isolating = False


def create_ai_sdk_blueprint() -> Blueprint:
    """Return the blueprint of the AI SDK's protocols."""
    blueprint = Blueprint("headrace_ai_sdk", __name__)
    blueprint.record(_add_converter)
    blueprint.add_url_rule("/ai/chat", view_func=chat, methods=["POST"])
    # Slashes that were merged would lead to another chat.
    of_chat = "/ai/chat/<headrace_chat:id>"
    blueprint.add_url_rule(f"{of_chat}/stream", view_func=resume, methods=["GET"], merge_slashes=False)
    blueprint.add_url_rule(f"{of_chat}/stop", view_func=stop, methods=["POST"], merge_slashes=False)
    blueprint.register_error_handler(HeadraceError, told)
    return blueprint


def _add_converter(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["headrace_chat"] = _ChatId


def told(error: HeadraceError) -> Response:
    """Answer with an error's message as plain text: its clients show the body as it is."""
    return error_response(error, error.message)


def chat() -> Response:
    """Answer a chat."""
    owner = authorize_request()
    fields = read_body(_decoder)
    try:
        body = read_chat_body(fields)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The body is not as it should be: {format_validation_error(error)}.") from None
    follower = _ask(body, question_of(body), owner)
    goes_on = body.conversation()[-1].role == "assistant"
    return stream_response(follower, UIMessageEncoder(None if goes_on else follower.session.id))


def _ask(body: UiChatBody, question: ChatRequest, owner: str) -> StreamReader:
    # Without patches there is no stream that outlives its request; without an id, none that could be found again.
    if body.id is not None and has_one_loop():
        try:
            return open_stream(
                body.model, question, owner=owner, is_resumable=True, chat=body.id, is_held_to_schema=True
            )
        except StoreUnavailable as error:
            # Its reader has not asked for more than an answer.
            log.warning("A chat's answer cannot be resumed: %s", error.message)
    return open_stream(body.model, question, owner=owner, is_held_to_schema=True)


def resume(id: str) -> Response:  # noqa: A002  # the path's name
    """Send a chat's running answer from its beginning, and what follows; 204 where there is none."""
    owner = authorize_request()
    follower = current_state().resumption.resume_latest(id, owner) if has_one_loop() else None
    if follower is None:
        return Response(status=204)
    return stream_response(follower, UIMessageEncoder(follower.session.id, is_replay=True))


def stop(id: str) -> Response:  # noqa: A002
    """Stop a chat's running answer, wherever it is filled; again where there is none."""
    owner = authorize_request()
    if has_one_loop():
        current_state().resumption.stop_latest(id, owner)
    return Response(status=204)
