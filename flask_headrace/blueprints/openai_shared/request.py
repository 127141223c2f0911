"""Conversion of request fields that OpenAI's two protocols share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.errors import InvalidRequest
from ...providers.chat_request import Json

_arguments = msgspec.json.Decoder(Json)


def reject_unsupported(
    body: Any,  # noqa: ANN401  # any body of OpenAI's protocols
    unsupported_fields: Mapping[str, tuple[Any, ...]],
    alternatives: Mapping[str, str],
) -> None:
    """Return if no unsupported field of a body would change the answer.

    Args:
        body: The request body.
        unsupported_fields: The unsupported fields' names, each with the values that have no effect.
        alternatives: Advice for the error message by field name; by default, to omit the field.

    Raises:
        InvalidRequest: an unsupported field has another value; the message names the field.
    """
    for name, harmless_values in unsupported_fields.items():
        value = getattr(body, name)
        if value is not None and value not in harmless_values:
            alternative = alternatives.get(name, "omit it")
            raise InvalidRequest(f"{name} is {value!r:.100}, which is not supported here: {alternative}.")


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
