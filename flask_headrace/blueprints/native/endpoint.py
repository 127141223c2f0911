"""POST /api/chat: the native protocol, streamed or as one JSON object; GET /api/models: whom one can ask."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from ...providers.chat_request import ChatRequest, Json, Message, ResponseFormat, Tool, ToolChoice
from ...streaming.context import StreamContext
from ..encoding.base import JSONEncoder
from ..http.auth import authenticate, authorize_request
from ..http.json_response import json_response
from ..http.request_body import read_body
from ..http.response import json_answer_response, stream_response
from ..open_stream import open_stream
from ..openapi.operation import EVENT_STREAM, JSON, Operation, ResponseSpec, event_stream_schema
from ..state import current_state
from . import encoder as native_encoder
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
                    EVENT_STREAM: event_stream_schema(*native_encoder.EVENT_NAMES),
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
    return chat_response(body, to_chat_request(body), owner)


def chat_response(body: ChatBody, chat_request: ChatRequest, owner: str) -> Response:
    """Answer in the native protocol.

    Args:
        body: What was asked for, and how it is to be answered.
        question: What the model is asked: that of `question_of`, or more than a body can say.
        owner: Who asks.

    Raises:
        HeadraceError: see `ask`.
    """
    has_schema = chat_request.response_format is not None and chat_request.response_format.schema is not None
    # Nobody reads what HEAD asks for, and so nobody comes back to it.
    is_read = request.method != "HEAD"
    reader = open_stream(
        body.model,
        chat_request,
        owner=owner,
        is_resumable=body.resumable and is_read,
        id=body.id if is_read else None,
        partial_mode="all" if has_schema else "calls" if body.partials else None,
        enforce_schema=True,
    )
    encoder = encoder_for(reader.session.target)
    return stream_response(reader, encoder) if body.stream else json_answer_response(reader, encoder)


def models() -> Response:
    """List the models that can be asked."""
    authenticate()
    state = current_state()
    available = state.registry.models()
    default = next((model.id for model in available if model.default), None)
    return json_response({"default": default, "models": available})


def to_chat_request(body: ChatBody) -> ChatRequest:
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


def encoder_for(context: StreamContext, seen: int = 0) -> JSONEncoder:
    """Return the native encoder for a stream.

    Args:
        target: What it was opened with.
        seen: The number of the last event that the reader has already.
    """
    return native_encoder if context.partials is None else NativeDocumentEncoder(context.partials, seen)
