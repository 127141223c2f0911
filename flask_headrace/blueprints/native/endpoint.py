"""POST /api/chat, streamed or as one JSON object, and GET /api/models."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from msgspec.structs import replace

from ...core.exact_json import ExactDecoder
from ...providers.chat_request import ChatRequest
from ...providers.request_validation import MAX_MESSAGES
from ...streaming.context import StreamContext
from ...streaming.reader import StreamReader
from ..encoding.base import JSONEncoder
from ..http.auth import authenticate, authorize_request
from ..http.item_limits import MAX_ITEMS
from ..http.json_answer import json_answer_response
from ..http.json_response import json_response
from ..http.request_body import read_body
from ..http.stream_response import stream_response
from ..open_stream import open_stream
from ..openapi.operation import EVENT_STREAM, JSON, Operation, ResponseSpec
from ..requested_tools import local_names
from ..resolution import offered_models
from ..state import current_state
from . import encoder as native_encoder
from .body import ChatBody
from .document_encoder import NativeDocumentEncoder
from .frame_types import CHAT_STREAM
from .request import to_chat_request
from .response_types import ChatAnswer, ModelList, RequestLimits

OPERATIONS = (
    Operation(
        "POST",
        "/api/chat",
        "Answer a conversation, streamed or as one JSON object.",
        (
            ResponseSpec(
                200,
                "The answer: an event stream, or one JSON object if `stream` is false.",
                {
                    JSON: ChatAnswer,
                    EVENT_STREAM: CHAT_STREAM,
                },
            ),
        ),
        body=ChatBody,
    ),
    Operation(
        "GET",
        "/api/models",
        "List the available models.",
        (ResponseSpec(200, "The models.", {JSON: ModelList}),),
    ),
)

_decoder: ExactDecoder[ChatBody] = ExactDecoder(ChatBody)


def create_native_blueprint() -> Blueprint:
    """Return the blueprint of the native protocol."""
    blueprint = Blueprint("headrace_chat", __name__)
    blueprint.add_url_rule("/api/chat", view_func=chat, methods=["POST"])
    blueprint.add_url_rule("/api/models", view_func=models, methods=["GET"])
    return blueprint


def chat() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body = read_body(_decoder)
    chat_request = to_chat_request(body)
    chat_request, local = current_state().offered_tools.choose(chat_request, local_names(body.tools), "native")
    reader, is_streamed = open_chat(body, chat_request, owner, local=local), body.stream
    del body, chat_request  # may be large, and the answer may take long
    encoder = encoder_for(reader.session.context)
    return stream_response(reader, encoder) if is_streamed else json_answer_response(reader, encoder)


def open_chat(body: ChatBody, chat_request: ChatRequest, owner: str, **options: Any) -> StreamReader:  # noqa: ANN401
    """Open the stream of a chat, and return a reader at its beginning.

    Args:
        body: The body.
        chat_request: The request: that of `to_chat_request`, possibly with further options.
        owner: The authenticated caller; empty if the service has no keys.
        options: Further arguments of `open_stream`, for a view of the application.

    Raises:
        HeadraceError: the stream cannot be opened; see `open_stream`.
    """
    has_schema = chat_request.response_format is not None and chat_request.response_format.schema is not None
    # The answer to a HEAD request is never read, so its stream is never resumed.
    is_read = request.method != "HEAD"
    return open_stream(
        body.model,
        chat_request,
        owner=owner,
        is_resumable=body.resumable and is_read,
        id=body.id if is_read else None,
        partial_mode="all" if has_schema else "calls" if body.partials else None,
        enforce_schema=True,
        max_steps=body.max_steps,
        max_cost=body.max_cost,
        **options,
    )


def models() -> Response:
    """List the available models."""
    authenticate()
    available = offered_models()
    default = next((model.id for model in available if model.default), None)
    # Anthropic's form of the capabilities is for its own clients.
    models = [replace(model, anthropic_capabilities=None) for model in available]
    return json_response({"default": default, "models": models, "limits": _limits()})


def _limits() -> RequestLimits:
    state = current_state()
    max_text = min(state.max_text_length, state.max_content_length)
    return RequestLimits(state.max_content_length, max_text, MAX_MESSAGES, MAX_ITEMS)


def encoder_for(context: StreamContext, seen: int = 0) -> JSONEncoder:
    """Return the native encoder for a stream.

    Args:
        context: The stream's context.
        seen: The number of the last event that the client has received.
    """
    return native_encoder if context.partial_mode is None else NativeDocumentEncoder(context.partial_mode, seen)
