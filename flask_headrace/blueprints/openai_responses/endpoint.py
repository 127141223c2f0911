"""POST /v1/responses and /v1/responses/compact: OpenAI's Responses API, for its SDKs and all compatible clients."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ...core.errors import HeadraceError, InvalidRequest
from ...core.exact_json import ExactDecoder
from ...streaming.reader import StreamReader
from ..echoed_fields import EchoedFields
from ..http.auth import authorize_request
from ..http.error_handlers import handle_v1_error
from ..http.ignored_header import add_ignored_header
from ..http.json_answer import json_answer_response
from ..http.request_body import read_body_and_fields
from ..http.stream_response import stream_response
from ..open_stream import open_stream
from ..openai_shared.errors import OpenAIError
from ..openai_shared.request import protocol_headers
from ..openapi.operation import EVENT_STREAM, JSON, Operation, ResponseSpec
from ..state import current_state
from .body import ResponseBody
from .compaction import CompactionEncoder, compaction_request
from .encoder_factory import PROTOCOL, encoder_for
from .frame_types import RESPONSE_STREAM
from .request import to_chat_request
from .request_echo import echoed_request_fields, without_ignored_tools
from .response_resource import resource_response
from .response_types import CompactedResponse, ResponseObject
from .tool_names import stored_tool_names
from .tools import declared_tools

OPERATIONS = (
    Operation(
        "POST",
        "/v1/responses",
        "Answer a conversation as OpenAI's Responses API.",
        (
            ResponseSpec(
                200,
                "One JSON object, or an event stream if `stream` is true.",
                {JSON: ResponseObject, EVENT_STREAM: RESPONSE_STREAM},
            ),
        ),
        body=ResponseBody,
        error=OpenAIError,
    ),
    Operation(
        "POST",
        "/v1/responses/compact",
        "Compact a conversation into one item, which replaces it in the input of the next request.",
        (ResponseSpec(200, "The compacted conversation.", {JSON: CompactedResponse}),),
        body=ResponseBody,
        error=OpenAIError,
    ),
)

_decoder: ExactDecoder[ResponseBody] = ExactDecoder(ResponseBody)


def create_openai_responses_blueprint() -> Blueprint:
    """Return the blueprint of OpenAI's Responses API."""
    blueprint = Blueprint("headrace_responses", __name__)
    blueprint.add_url_rule("/v1/responses", view_func=respond, methods=["POST"])
    blueprint.add_url_rule("/v1/responses/compact", view_func=compact, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, handle_v1_error)
    return blueprint


def respond() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body, fields = read_body_and_fields(_decoder)
    chat_request = to_chat_request(body, fields, protocol_headers(request.headers))
    declared = declared_tools(body.tools, body.input)
    chat_request, local = current_state().offered_tools.choose(chat_request, None, PROTOCOL)
    reader = open_stream(
        body.model,
        chat_request,
        owner=owner,
        default_provider="openai",
        is_resumable=body.resumable,
        is_background=_is_background(body),
        id=body.id,
        echoed=EchoedFields(
            PROTOCOL,
            {**echoed_request_fields(fields), **stored_tool_names(chat_request, declared.values())},
            without_ignored_tools,
        ),
        local=local,
    )
    if body.background and not body.stream:
        return _accepted(reader)
    encoder, is_streamed = encoder_for(reader.session), body.stream
    del body, fields, chat_request, declared  # may be large, and the answer may take long
    return stream_response(reader, encoder) if is_streamed else json_answer_response(reader, encoder)


def compact() -> Response:
    """Compact a conversation: the model writes a summary of it.

    Raises:
        InvalidRequest: the request names no model; 400.
    """
    owner = authorize_request()
    body, fields = read_body_and_fields(_decoder)
    if body.model is None:
        raise InvalidRequest("model is missing: name the model that writes the summary of the conversation.")
    chat_request = compaction_request(to_chat_request(body, fields, protocol_headers(request.headers)))
    reader = open_stream(body.model, chat_request, owner=owner, default_provider="openai")
    context = reader.session.context
    return json_answer_response(reader, CompactionEncoder(reader.session.id, context.model, context.created))


def _is_background(body: ResponseBody) -> bool:
    if body.background and body.store is False:
        raise InvalidRequest(
            "background is true and store is false: a background response is stored until it expires. Omit store, or "
            "background."
        )
    return bool(body.background)


def _accepted(reader: StreamReader) -> Response:
    # Nobody waits for a background response: the client asks for it later.
    stream = reader.session
    reader.close()
    return add_ignored_header(resource_response(stream.id, stream.context.owner), stream)
