"""POST /v1/chat/completions: OpenAI's chat completions, for OpenAI's SDKs and all compatible clients."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from ...core.errors import HeadraceError
from ...core.exact_json import ExactDecoder
from ...providers.chat_request import ChatRequest
from ...streaming.readable import ReadableStream
from ..echoed_fields import EchoedFields, echoed_fields
from ..encoding.base import JSONEncoder
from ..encoding.without_local_calls import WithoutLocalCalls
from ..http.auth import authorize_request
from ..http.error_handlers import handle_v1_error
from ..http.json_answer import json_answer_response
from ..http.request_body import read_body_and_fields
from ..http.stream_response import stream_response
from ..open_stream import open_stream
from ..openai_shared.errors import OpenAIError
from ..openai_shared.request import protocol_headers
from ..openapi.operation import EVENT_STREAM, JSON, Operation, ResponseSpec
from ..state import current_state
from .body import ChatCompletionBody
from .encoder import ChatCompletionEncoder
from .request import custom_tool_names, to_chat_request
from .response_types import CHAT_COMPLETION_STREAM, ChatCompletion

OPERATIONS = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "Answer a conversation as OpenAI's chat completions.",
        (
            ResponseSpec(
                200,
                "One JSON object, or an event stream of chunks if `stream` is true.",
                {JSON: ChatCompletion, EVENT_STREAM: CHAT_COMPLETION_STREAM},
            ),
        ),
        body=ChatCompletionBody,
        error=OpenAIError,
    ),
)

PROTOCOL = "openai"
"""The protocol's name in `?protocol=`."""

_decoder: ExactDecoder[ChatCompletionBody] = ExactDecoder(ChatCompletionBody)


def create_openai_chat_blueprint() -> Blueprint:
    """Return the blueprint of OpenAI's chat completions."""
    blueprint = Blueprint("headrace_openai", __name__)
    blueprint.add_url_rule("/v1/chat/completions", view_func=complete, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, handle_v1_error)
    return blueprint


def complete() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body, fields = read_body_and_fields(_decoder)
    chat_request = to_chat_request(body, fields, protocol_headers(request.headers))
    chat_request, local = current_state().offered_tools.choose(chat_request, None, PROTOCOL)
    reader = open_stream(
        body.model,
        chat_request,
        owner=owner,
        default_provider="openai",
        is_resumable=body.resumable,
        id=body.id,
        echoed=EchoedFields(PROTOCOL, _encoder_options(body, chat_request)),
        local=local,
    )
    encoder, is_streamed = encoder_for(reader.session), body.stream
    del body, fields, chat_request  # may be large, and the answer may take long
    return stream_response(reader, encoder) if is_streamed else json_answer_response(reader, encoder)


def _encoder_options(body: ChatCompletionBody, chat_request: ChatRequest) -> dict[str, Any]:
    return {
        "has_usage": bool(body.stream_options and body.stream_options.include_usage),
        "custom_tools": custom_tool_names(chat_request),
        "is_legacy": bool(body.functions),
    }


def encoder_for(stream: ReadableStream) -> JSONEncoder:
    """Return the chat completion encoder for a stream, with the options of its request."""
    # A request in another protocol cannot exclude usage, so usage is included.
    options = {"has_usage": True, **echoed_fields(stream.context, PROTOCOL)}
    encoder = ChatCompletionEncoder(stream.id, stream.context.model, stream.context.created, **options)
    return WithoutLocalCalls(encoder, has_one_text=True) if stream.context.runs_tools else encoder
