"""/ai/object: `useObject` of the Vercel AI SDK, which receives the text of one growing JSON document."""

from __future__ import annotations

from flask import Blueprint, Response

from ...core.errors import HeadraceError, InvalidRequest, SchemaNotFound
from ...core.exact_json import ExactDecoder
from ...providers.chat_request import Json, ResponseFormat
from ..http.auth import authorize_request
from ..http.request_body import read_body
from ..http.stream_response import stream_response
from ..open_stream import open_stream
from ..openapi.operation import PLAIN_TEXT, Operation, Parameter, ResponseSpec
from ..state import current_state
from .error_response import text_error_response
from .messages import PromptBody
from .object_encoder import ObjectTextEncoder


class ObjectBody(PromptBody, frozen=True, kw_only=True):
    """The argument of `submit`, if it is an object; a string is a prompt.

    Args:
        schema: The JSON Schema that the document must match, if the URL names none. Without a schema the document is
            any JSON object.
    """

    schema: Json | None = None


_DOCUMENT_RESPONSE = (
    ResponseSpec(200, "The document's text. If it is incomplete, the connection is broken.", {PLAIN_TEXT: None}),
)

OPERATIONS = (
    Operation(
        "POST",
        "/ai/object",
        "Generate a JSON document for the AI SDK's `useObject`.",
        _DOCUMENT_RESPONSE,
        body=ObjectBody | str,
        error=None,
    ),
    Operation(
        "POST",
        "/ai/object/{name}",
        "Generate a JSON document that matches a configured schema.",
        _DOCUMENT_RESPONSE,
        body=ObjectBody | str,
        parameters=(Parameter("name", "path", "The schema's name."),),
        error=None,
    ),
)

_decoder: ExactDecoder[ObjectBody | str] = ExactDecoder(ObjectBody | str)


def create_ai_object_blueprint() -> Blueprint:
    """Return the blueprint of `useObject`."""
    blueprint = Blueprint("headrace_ai_object", __name__)
    blueprint.add_url_rule("/ai/object", view_func=answer, methods=["POST"])
    blueprint.add_url_rule("/ai/object/<name>", view_func=answer, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, text_error_response)
    return blueprint


def answer(name: str | None = None) -> Response:
    """Generate a JSON document.

    Args:
        name: The name of a configured schema; None if the body contains the schema or there is none.
    """
    owner = authorize_request()
    body_or_prompt = read_body(_decoder)
    body = ObjectBody(prompt=body_or_prompt) if isinstance(body_or_prompt, str) else body_or_prompt
    chat_request = body.to_chat_request(body.to_messages(), response_format=_response_format(body, name))
    reader = open_stream(body.model, chat_request, owner=owner, enforce_schema=True)
    del body_or_prompt, body, chat_request  # may be large, and the answer may take long
    return stream_response(reader, ObjectTextEncoder())


def _response_format(body: ObjectBody, name: str | None) -> ResponseFormat:
    if name is None:
        return ResponseFormat(body.schema)
    if body.schema is not None:
        raise InvalidRequest(f"schema is present, but the URL names the schema {name!r:.100}: omit one of them.")
    schemas = current_state().schemas
    if name not in schemas:
        raise SchemaNotFound(
            f"No schema {name!r:.100} is configured: add it to HEADRACE_SCHEMAS, or send it as schema."
        )
    return ResponseFormat(schemas[name], name)
