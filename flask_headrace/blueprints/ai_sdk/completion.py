"""/ai/completion and /ai/v4/completion: `useCompletion` of the Vercel AI SDK from version 5 on, and before.

A request does not reveal its SDK's version, so each protocol has its own URL; /ai/text is the third.
"""

from __future__ import annotations

from flask import Blueprint, Response

from ...core.errors import HeadraceError
from ...core.exact_json import ExactDecoder
from ...streaming.reader import StreamReader
from ..http.auth import authorize_request
from ..http.request_body import read_body
from ..http.stream_response import stream_response
from ..open_stream import open_stream
from ..openapi.operation import EVENT_STREAM, PLAIN_TEXT, Operation, ResponseSpec
from .data_stream_v1_encoder import DataStreamV1Encoder
from .error_response import text_error_response
from .frame_types import UI_MESSAGE_STREAM
from .messages import PromptBody
from .ui_completion_encoder import UICompletionEncoder

OPERATIONS = (
    Operation(
        "POST",
        "/ai/completion",
        "Answer a prompt of the AI SDK's `useCompletion`, version 5 and later.",
        (ResponseSpec(200, "The answer as a UI message stream.", {EVENT_STREAM: UI_MESSAGE_STREAM}),),
        body=PromptBody,
        error=None,
    ),
    Operation(
        "POST",
        "/ai/v4/completion",
        "Answer a prompt of the AI SDK's `useCompletion`, versions 3.4 to 4.3.",
        (ResponseSpec(200, "The answer as a data stream v1.", {PLAIN_TEXT: None}),),
        body=PromptBody,
        error=None,
    ),
)

_decoder: ExactDecoder[PromptBody] = ExactDecoder(PromptBody)


def create_ai_completion_blueprint() -> Blueprint:
    """Return the blueprint of `useCompletion`."""
    blueprint = Blueprint("headrace_ai_completion", __name__)
    blueprint.add_url_rule("/ai/completion", view_func=complete, methods=["POST"])
    blueprint.add_url_rule("/ai/v4/completion", view_func=complete_v4, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, text_error_response)
    return blueprint


def complete() -> Response:
    """Answer a prompt as a UI message stream."""
    reader = _open_stream()
    return stream_response(reader, UICompletionEncoder(reader.session.id))


def complete_v4() -> Response:
    """Answer a prompt as a data stream v1."""
    return stream_response(_open_stream(), DataStreamV1Encoder(aborts_on_failure=True))


def _open_stream() -> StreamReader:
    owner = authorize_request()
    body = read_body(_decoder)
    return open_stream(body.model, body.to_chat_request(body.to_messages()), owner=owner)
