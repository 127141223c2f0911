"""Conversion of request fields that OpenAI's two protocols share. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from werkzeug.datastructures import Headers

from ...core import exact_json
from ...core.errors import InvalidRequest
from ...core.exact_json import ExactDecoder
from ...providers.chat_request import Json
from ..http.protocol_headers import pick_protocol_headers

_arguments: ExactDecoder[Json] = ExactDecoder(Json)

PROTOCOL_HEADERS = ("OpenAI-Beta",)
"""The request headers that belong to OpenAI's protocols, and go to providers that speak them."""

MAX_HEADER_CHARS = 1024

_TEXT_NAMES = (".txt", ".md", ".csv", ".json", ".xml", ".html")


def protocol_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    """Return the names and values of a request's headers that belong to OpenAI's protocols.

    Raises:
        InvalidRequest: a value is too long, or has characters that do not go on.
    """
    return pick_protocol_headers(headers, PROTOCOL_HEADERS, MAX_HEADER_CHARS)


def as_json(value: Any) -> str:  # noqa: ANN401  # any JSON
    """Return the beginning of a JSON value's text, for an error message."""
    return exact_json.encode(value).decode()[:100]


def parse_tool_arguments(text: str, path: str) -> Json:
    """Return the arguments of an earlier tool call from their JSON text.

    Args:
        text: The JSON text of an object. Blank text means no arguments.
        path: The field's path, for the error message.

    Raises:
        InvalidRequest: the text is not a JSON object.
    """
    try:
        # Some models call a tool without parameters with an empty text.
        return _arguments.decode(text) if text.strip() else {}
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        raise InvalidRequest(f"{path} is {text!r:.100}: it must be the text of a JSON object.") from None


def to_data_url(data: str, name: str | None) -> str:
    """Return the `data:` URL of a document in a request.

    Args:
        data: The `data:` URL, as OpenAI's documentation has it, or the base64 text.
        name: The document's file name, which tells the media type of a base64 text; None for none.
    """
    if ":" in data[:16]:
        return data
    is_text = (name or "").lower().endswith(_TEXT_NAMES)
    return f"data:{'text/plain' if is_text else 'application/pdf'};base64,{data}"
