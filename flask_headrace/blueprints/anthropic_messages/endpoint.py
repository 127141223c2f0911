"""Anthropic's Messages API: POST /v1/messages and POST /v1/messages/count_tokens."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ...core.errors import HeadraceError
from ...core.exact_json import ExactDecoder
from ...streaming.readable import ReadableStream
from ..encoding.base import JSONEncoder
from ..encoding.error_bodies import anthropic_error_body
from ..encoding.without_local_calls import WithoutLocalCalls
from ..http.auth import authorize_request
from ..http.error_handlers import error_response
from ..http.json_answer import json_answer_response
from ..http.json_response import json_response
from ..http.request_body import read_body_and_fields
from ..http.request_id import current_request_id
from ..http.stream_response import stream_response
from ..open_stream import open_stream
from ..openapi.operation import EVENT_STREAM, JSON, Operation, ResponseSpec
from ..state import current_state
from ..token_count import count_tokens as count
from .body import MessagesBody
from .encoder import MessagesEncoder
from .frame_types import ANTHROPIC_STREAM
from .models import model_object, models_page
from .request import to_chat_request
from .response_types import AnthropicError, AnthropicMessage, TokenCount

__all__ = ["DEFAULT_PROVIDER", "OPERATIONS", "create_anthropic_messages_blueprint", "model_object", "models_page"]

DEFAULT_PROVIDER = "anthropic"
"""The provider for a model that is named without a provider and that no provider lists."""

OPERATIONS = (
    Operation(
        "POST",
        "/v1/messages",
        "Answer a conversation as Anthropic's Messages API.",
        (
            ResponseSpec(
                200,
                "The answer: one JSON object, or an event stream if `stream` is true.",
                {
                    JSON: AnthropicMessage,
                    EVENT_STREAM: ANTHROPIC_STREAM,
                },
            ),
        ),
        body=MessagesBody,
        error=AnthropicError,
    ),
    Operation(
        "POST",
        "/v1/messages/count_tokens",
        "Count the input tokens of a conversation.",
        (
            ResponseSpec(
                200,
                "The number of input tokens; an estimate if the response has `Headrace-Estimated: true`.",
                {JSON: TokenCount},
            ),
        ),
        body=MessagesBody,
        error=AnthropicError,
    ),
)

_decoder: ExactDecoder[MessagesBody] = ExactDecoder(MessagesBody)


def create_anthropic_messages_blueprint() -> Blueprint:
    """Return the blueprint of Anthropic's Messages API."""
    blueprint = Blueprint("headrace_anthropic", __name__)
    blueprint.add_url_rule("/v1/messages", view_func=messages, methods=["POST"])
    blueprint.add_url_rule("/v1/messages/count_tokens", view_func=count_tokens, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, _handle_error)
    return blueprint


def messages() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body, fields = read_body_and_fields(_decoder)
    chat_request = to_chat_request(body, fields, dict(request.headers))
    chat_request, local = current_state().offered_tools.choose(chat_request, None, "anthropic")
    reader = open_stream(
        body.model,
        chat_request,
        owner=owner,
        default_provider=DEFAULT_PROVIDER,
        is_resumable=body.resumable,
        id=body.id,
        local=local,
    )
    encoder, is_streamed = encoder_for(reader.session), body.stream
    del body, fields, chat_request  # may be large, and the answer may take long
    return stream_response(reader, encoder) if is_streamed else json_answer_response(reader, encoder)


def encoder_for(stream: ReadableStream) -> JSONEncoder:
    """Return the encoder for a stream."""
    encoder = MessagesEncoder(current_request_id())
    return WithoutLocalCalls(encoder, has_one_text=False) if stream.context.runs_tools else encoder


def count_tokens() -> Response:
    """Return the number of input tokens of a conversation: the provider's count, or an estimate with a header."""
    authorize_request()
    body, fields = read_body_and_fields(_decoder)
    chat_request = to_chat_request(body, fields, dict(request.headers))
    counted = count(body.model, chat_request, default_provider=DEFAULT_PROVIDER)
    response = json_response({"input_tokens": counted.input_tokens})
    if counted.is_estimated:
        response.headers["Headrace-Estimated"] = "true"
    return response


def _handle_error(error: HeadraceError) -> Response:
    return error_response(error, anthropic_error_body(error, current_request_id()))
