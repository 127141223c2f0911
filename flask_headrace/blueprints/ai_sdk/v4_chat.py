"""/ai/v4/chat: `useChat` of the Vercel AI SDK's versions 3.4 to 4.3, as a data stream v1."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from ...core.errors import HeadraceError, InvalidRequest
from ...core.exact_json import ExactDecoder
from ...streaming.readable import ReadableStream
from ..echoed_fields import EchoedFields, echoed_fields
from ..http.auth import authorize_request
from ..http.event_loop import has_one_loop, wait_for_reports
from ..http.no_content import no_content
from ..http.request_body import read_body
from ..http.stream_response import stream_response
from ..open_stream import open_stream
from ..openapi.operation import PLAIN_TEXT, Operation, Parameter, ResponseSpec
from ..requested_tools import local_names
from ..state import current_state
from .data_stream_v1_encoder import DataStreamV1Encoder
from .error_response import text_error_response
from .options import ChatOptions
from .v4_body import V4Message
from .v4_request import to_messages


class V4ChatBody(ChatOptions, frozen=True, kw_only=True):
    """The body of `POST /ai/v4/chat`.

    Args:
        messages: The conversation.
        id: The chat's id, by which a resumable answer is resumed; the hook generates one.
        data: Data of the page for its own server; ignored.
        resumable: Whether the answer continues after its client disconnects, and can be resumed.
        sendReasoning: Whether the answer includes reasoning; requires version 4.1.46 or later.
    """

    messages: list[V4Message]
    id: str | None = None
    data: Any = None
    resumable: bool = False
    sendReasoning: bool = False  # noqa: N815  # the SDK's name


PROTOCOL = "data-v1"
"""The protocol's name in `?protocol=`."""

_CHAT_ID_PARAMETER = Parameter("chatId", "query", "The `id` of the chat.")

OPERATIONS = (
    Operation(
        "POST",
        "/ai/v4/chat",
        "Answer a conversation of the AI SDK's `useChat`, versions 3.4 to 4.3.",
        (ResponseSpec(200, "The answer as a data stream v1.", {PLAIN_TEXT: None}),),
        body=V4ChatBody,
        error=None,
    ),
    Operation(
        "GET",
        "/ai/v4/chat",
        "Send a chat's latest answer from its beginning, if it is resumable.",
        (
            ResponseSpec(
                200, "The answer; empty if there is none, or a client has received all of it.", {PLAIN_TEXT: None}
            ),
        ),
        parameters=(_CHAT_ID_PARAMETER,),
        error=None,
    ),
    Operation(
        "DELETE",
        "/ai/v4/chat",
        "Stop a chat's latest answer, if it is resumable.",
        (ResponseSpec(204, "The answer is stopped, or has ended, or there is none."),),
        parameters=(_CHAT_ID_PARAMETER,),
        error=None,
    ),
)

_decoder: ExactDecoder[V4ChatBody] = ExactDecoder(V4ChatBody)


def create_ai_v4_chat_blueprint() -> Blueprint:
    """Return the blueprint of `useChat` before version 5."""
    blueprint = Blueprint("headrace_ai_v4_chat", __name__)
    blueprint.add_url_rule("/ai/v4/chat", view_func=chat, methods=["POST"])
    blueprint.add_url_rule("/ai/v4/chat", view_func=resume, methods=["GET"])
    blueprint.add_url_rule("/ai/v4/chat", view_func=stop, methods=["DELETE"])
    blueprint.register_error_handler(HeadraceError, text_error_response)
    return blueprint


def chat() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body = read_body(_decoder)
    chat_request = body.to_chat_request(to_messages(body.messages))
    chat_request, local = current_state().offered_tools.choose(chat_request, local_names(body.tools), "ai-sdk")
    # The first versions whose messages have parts know steps.
    has_steps = any(message.parts for message in body.messages)
    reader = open_stream(
        body.model,
        chat_request,
        owner=owner,
        is_resumable=body.resumable,
        chat_id=body.id,
        echoed=EchoedFields(PROTOCOL, {"steps": has_steps}),
        local=local,
        max_steps=body.max_steps,
        max_cost=body.max_cost,
    )
    encoder = DataStreamV1Encoder(has_reasoning=body.sendReasoning, has_steps=has_steps)
    del body, chat_request  # may be large, and the answer may take long
    return stream_response(reader, encoder)


def encoder_for(stream: ReadableStream) -> DataStreamV1Encoder:
    """Return the encoder for a stream that is resumed, or of a view of the application."""
    return DataStreamV1Encoder(has_steps=bool(echoed_fields(stream.context, PROTOCOL).get("steps")))


def resume() -> Response:
    """Send a chat's latest answer from its beginning; an empty body if there is none or a client has all of it.

    Reasoning is omitted, because the resume request cannot contain `sendReasoning`.
    """
    owner = authorize_request()
    chat_id = _chat_id_argument()
    reader = current_state().resumable_streams.resume_latest(chat_id, owner) if has_one_loop() else None
    if reader is None:
        # The hook takes a 204, which has no body, for an error.
        return Response(b"", headers=DataStreamV1Encoder.HEADERS)
    return stream_response(reader, encoder_for(reader.session))


def stop() -> Response:
    """Stop a chat's latest answer. The hook's own `stop` only disconnects."""
    owner = authorize_request()
    chat_id = _chat_id_argument()
    if has_one_loop():
        current_state().resumable_streams.stop_latest(chat_id, owner)
    wait_for_reports()
    return no_content()


def _chat_id_argument() -> str:
    chat_id = request.args.get("chatId")
    if not chat_id:
        raise InvalidRequest("chatId is missing: add the chat's id, as in ?chatId=….")
    return chat_id
