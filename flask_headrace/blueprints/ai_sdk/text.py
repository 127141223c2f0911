"""/ai/text: only the answer's text, for `useChat` and `useCompletion` with the text protocol."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from ...core.errors import HeadraceError
from ...core.exact_json import ExactDecoder
from ..http.auth import authorize_request
from ..http.request_body import read_body
from ..http.stream_response import stream_response
from ..open_stream import open_stream
from ..openapi.operation import PLAIN_TEXT, Operation, ResponseSpec
from .error_response import text_error_response
from .messages import PromptBody
from .text_encoder import PlainTextEncoder


class TextBody(PromptBody, frozen=True, kw_only=True):
    """The body of `POST /ai/text`.

    Args:
        id: The chat's id; ignored.
        data: Data of the page for its own server; ignored.
        trigger: Whether the page regenerates an answer; ignored, since the page has already removed that answer.
        messageId: The id of the answer to regenerate; ignored.
    """

    id: Any = None
    data: Any = None
    trigger: Any = None
    messageId: Any = None  # noqa: N815  # the hook's name


OPERATIONS = (
    Operation(
        "POST",
        "/ai/text",
        "Answer a prompt or a conversation of the AI SDK's hooks as plain text.",
        (ResponseSpec(200, "The answer's text. If it is incomplete, the connection is broken.", {PLAIN_TEXT: None}),),
        body=TextBody,
        error=None,
    ),
)

_decoder: ExactDecoder[TextBody] = ExactDecoder(TextBody)


def create_ai_text_blueprint() -> Blueprint:
    """Return the blueprint of plain text."""
    blueprint = Blueprint("headrace_ai_text", __name__)
    blueprint.add_url_rule("/ai/text", view_func=text, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, text_error_response)
    return blueprint


def text() -> Response:
    """Answer a prompt or a conversation."""
    owner = authorize_request()
    body = read_body(_decoder)
    reader = open_stream(body.model, body.to_chat_request(body.to_messages()), owner=owner)
    del body  # may be large, and the answer may take long
    return stream_response(reader, PlainTextEncoder())
