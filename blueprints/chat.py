"""POST /api/chat: the native protocol, streamed or as one JSON object; GET /api/models: whom one can ask."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from ..providers.request import AnswerFormat, ChatRequest, Json, Message, Tool, ToolChoice
from ..streaming.errors import InvalidRequest
from .asking import ask
from .body import read_body
from .guard import enter
from .reply import json_reply
from .respond import event_stream, json_answer
from .service import current_service


class ChatBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/chat`."""

    messages: list[Message]
    model: str | None = None
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    schema: Json | None = None
    stream: bool = True
    resumable: bool = False
    id: str | None = None


_decoder = msgspec.json.Decoder(ChatBody)


def create_chat_blueprint() -> Blueprint:
    """Return the blueprint of the native protocol."""
    blueprint = Blueprint("headrace_chat", __name__)
    blueprint.add_url_rule("/api/chat", view_func=chat, methods=["POST"])
    blueprint.add_url_rule("/api/models", view_func=models, methods=["GET"])
    return blueprint


def chat() -> Response:
    """Answer a conversation."""
    owner = enter()
    body = read_body(_decoder)
    if body.id is not None and not body.resumable:
        raise InvalidRequest("id is given, and resumable is not true: only a resumable stream has an id of one's own.")
    follower = ask(body.model, _question(body), owner=owner, is_resumable=body.resumable, id=body.id)
    return event_stream(follower) if body.stream else json_answer(follower)


def models() -> Response:
    """List the models that can be asked."""
    service = current_service()
    service.authorize()
    found = service.catalogue.models()
    default = next((model.id for model in found if model.default), None)
    return json_reply({"default": default, "models": found})


def _question(body: ChatBody) -> ChatRequest:
    system = (Message("system", body.system),) if body.system else ()
    return ChatRequest(
        model="",
        # An empty conversation is a mistake, whatever the system prompt.
        messages=(*system, *body.messages) if body.messages else (),
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        tools=tuple(body.tools),
        tool_choice=body.tool_choice,
        answer_format=None if body.schema is None else AnswerFormat(body.schema),
    )
