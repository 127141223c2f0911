"""/ai/v4/chat: `useChat` of the Vercel AI SDK's versions 3.4 to 4.3, in the data stream of its first version."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response, request

from ...core.errors import HeadraceError, InvalidRequest
from ..http.auth import authorize_request
from ..http.event_loop import has_one_loop
from ..http.request_body import read_body
from ..http.response import stream_response
from ..open_stream import open_stream
from ..openapi.operation import PLAIN, Operation, Parameter, ResponseSpec
from ..state import current_state
from .chat import told
from .data_stream_v1_encoder import DataStreamV1Encoder
from .options import ChatOptions
from .v4_body import Turn
from .v4_request import messages_of


class OlderChat(ChatOptions, frozen=True, kw_only=True):
    """The body of `POST /ai/v4/chat`.

    Args:
        messages: The conversation, as the hook keeps it.
        id: The chat by which a resumable answer is found again; the hook sends one of its own making.
        data: What the page sends to its own server: for no model.
        resumable: Whether the answer goes on where its reader has left, and can be followed again.
        sendReasoning: Whether the reader is to see what the model thinks: needs 4.1.46 or later.
    """

    messages: list[Turn]
    id: str | None = None
    data: Any = None
    resumable: bool = False
    sendReasoning: bool = False  # noqa: N815  # the SDK's own name for it


_CHAT_ID = Parameter("chatId", "query", "The chat, by the `id` that it was asked with.")

OPERATIONS = (
    Operation(
        "POST",
        "/ai/v4/chat",
        "Answer a conversation of the AI SDK's `useChat`, versions 3.4 to 4.3.",
        (ResponseSpec(200, "The answer in the data stream, version 1.", {PLAIN: None}),),
        body=OlderChat,
        refusal=None,
    ),
    Operation(
        "GET",
        "/ai/v4/chat",
        "Send the latest answer in a chat from its beginning, if it is resumable.",
        (ResponseSpec(200, "The answer; nothing where there is none that a reader lacks.", {PLAIN: None}),),
        parameters=(_CHAT_ID,),
        refusal=None,
    ),
    Operation(
        "DELETE",
        "/ai/v4/chat",
        "Stop the latest answer in a chat, if it is resumable.",
        (ResponseSpec(204, "It is stopped, or has ended, or there is none."),),
        parameters=(_CHAT_ID,),
        refusal=None,
    ),
)

_decoder = msgspec.json.Decoder(OlderChat)


def create_ai_v4_chat_blueprint() -> Blueprint:
    """Return the blueprint of the older `useChat`."""
    blueprint = Blueprint("headrace_ai_v4_chat", __name__)
    blueprint.add_url_rule("/ai/v4/chat", view_func=chat, methods=["POST"])
    blueprint.add_url_rule("/ai/v4/chat", view_func=resume, methods=["GET"])
    blueprint.add_url_rule("/ai/v4/chat", view_func=stop, methods=["DELETE"])
    blueprint.register_error_handler(HeadraceError, told)
    return blueprint


def chat() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body = read_body(_decoder)
    question = body.question(messages_of(body.messages))
    follower = open_stream(body.model, question, owner=owner, is_resumable=body.resumable, chat=body.id)
    return stream_response(follower, DataStreamV1Encoder(has_reasoning=body.sendReasoning))


def resume() -> Response:
    """Send the latest answer in a chat from its beginning; nothing where there is none that a reader lacks.

    Without reasoning: a reader that resumes has no way to say that it knows it.
    """
    owner = authorize_request()
    chat_id = _chat_id()
    follower = current_state().resumption.resume_latest(chat_id, owner) if has_one_loop() else None
    if follower is None:
        # Not a 204: that has no body, which the hook takes for a failure.
        return Response(b"", headers=DataStreamV1Encoder.HEADERS)
    return stream_response(follower, DataStreamV1Encoder())


def stop() -> Response:
    """Stop the latest answer in a chat: the hook's own `stop` only leaves."""
    owner = authorize_request()
    chat_id = _chat_id()
    if has_one_loop():
        current_state().resumption.stop_latest(chat_id, owner)
    return Response(status=204)


def _chat_id() -> str:
    chat_id = request.args.get("chatId")
    if not chat_id:
        raise InvalidRequest("chatId is missing: name the chat, as in ?chatId=….")
    return chat_id
