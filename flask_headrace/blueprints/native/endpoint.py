"""POST /api/chat: the native protocol, streamed or as one JSON object; GET /api/models: whom one can ask."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from ...providers.chat_request import ChatRequest, Json, Message, ResponseFormat, Tool, ToolChoice
from ...streaming.context import StreamContext
from ..encoding.base import JSONEncoder
from ..http.auth import authorize_request, identify
from ..http.json_response import json_value_response
from ..http.request_body import read_body
from ..http.response import json_response, stream_response
from ..open_stream import open_stream
from ..openapi.operation import EVENTS, JSON, Operation, ResponseSpec, frames
from ..state import current_state
from . import encoder
from .document_encoder import NativeDocumentEncoder


class ChatBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/chat`.

    Args:
        messages: The turns so far, oldest first.
        model: `provider/name`, or an alias; the default model where it is left out.
        system: What the model is told before the conversation.
        max_tokens: Most tokens that the answer may have.
        temperature: 0 for the likeliest words, up to 2 for livelier ones.
        tools: What the model may ask to be called.
        tool_choice: Whether it calls tools: as it likes, not at all, at least one, or that one.
        schema: The JSON Schema that the answer is to fit.
        partials: Whether frames tell how the arguments of tool calls grow; with a schema they do.
        stream: Whether the answer comes as an event stream.
        resumable: Whether the stream can be followed and stopped from anywhere.
        id: A resumable stream's own id: 16 to 64 letters, digits, hyphens and underscores.
    """

    messages: list[Message]
    model: str | None = None
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    schema: Json | None = None
    partials: bool = False
    stream: bool = True
    resumable: bool = False
    id: str | None = None


OPERATIONS = (
    Operation(
        "POST",
        "/api/chat",
        "Answer a conversation, streamed or as one JSON object.",
        (
            ResponseSpec(
                200,
                "The answer: an event stream, or with `stream` false one JSON object.",
                {
                    EVENTS: frames(*encoder.EVENTS),
                    JSON: {"type": "object", "required": ["id", "model", "text", "finish_reason"]},
                },
            ),
        ),
        body=ChatBody,
    ),
    Operation(
        "GET",
        "/api/models",
        "List the models that can be asked.",
        (ResponseSpec(200, "The models.", {JSON: {"type": "object", "required": ["default", "models"]}}),),
    ),
)

_decoder = msgspec.json.Decoder(ChatBody)


def create_chat_blueprint() -> Blueprint:
    """Return the blueprint of the native protocol."""
    blueprint = Blueprint("headrace_chat", __name__)
    blueprint.add_url_rule("/api/chat", view_func=chat, methods=["POST"])
    blueprint.add_url_rule("/api/models", view_func=models, methods=["GET"])
    return blueprint


def chat() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body = read_body(_decoder)
    return answer(body, question_of(body), owner)


def answer(body: ChatBody, question: ChatRequest, owner: str) -> Response:
    """Answer in the native protocol.

    Args:
        body: What was asked for, and how it is to be answered.
        question: What the model is asked: that of `question_of`, or more than a body can say.
        owner: Who asks.

    Raises:
        HeadraceError: see `ask`.
    """
    has_schema = question.response_format is not None and question.response_format.schema is not None
    # Nobody reads what HEAD asks for, and so nobody comes back to it.
    is_read = request.method != "HEAD"
    follower = open_stream(
        body.model,
        question,
        owner=owner,
        is_resumable=body.resumable and is_read,
        id=body.id if is_read else None,
        partials="all" if has_schema else "calls" if body.partials else None,
        is_held_to_schema=True,
    )
    wire = encoder_of(follower.session.context)
    return stream_response(follower, wire) if body.stream else json_response(follower, wire)


def models() -> Response:
    """List the models that can be asked."""
    identify()
    service = current_state()
    found = service.catalogue.models()
    default = next((model.id for model in found if model.default), None)
    return json_value_response({"default": default, "models": found})


def question_of(body: ChatBody) -> ChatRequest:
    """Return what the model is asked."""
    system = (Message("system", body.system),) if body.system else ()
    return ChatRequest(
        model="",
        # An empty conversation is a mistake, whatever the system prompt.
        messages=(*system, *body.messages) if body.messages else (),
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        tools=tuple(body.tools),
        tool_choice=body.tool_choice,
        response_format=None if body.schema is None else ResponseFormat(body.schema),
    )


def encoder_of(target: StreamContext, seen: int = 0) -> JSONEncoder:
    """Return the native encoder for a stream.

    Args:
        target: What it was opened with.
        seen: The number of the last event that the reader has already.
    """
    return encoder if target.partial_mode is None else NativeDocumentEncoder(target.partial_mode, seen)
