"""What a tool returns, as the JSON value that the model and readers get."""

from __future__ import annotations

from typing import Any

import msgspec

from ..core import exact_json
from ..core.json_depth import MAX_TOOL_DEPTH, is_deeper
from .tool_error import ToolError

_decode = exact_json.ExactDecoder[Any](Any).decode


def _dump(value: Any) -> Any:  # noqa: ANN401  # anything that msgspec does not know
    if hasattr(value, "model_dump"):  # a model of pydantic's
        return value.model_dump(mode="json")
    for plain in (str, int):  # msgspec knows no subclasses of them, such as Markup
        if isinstance(value, plain):
            return plain(value)
    return exact_json.encode_hook(value)


_encode = msgspec.json.Encoder(enc_hook=_dump).encode


def result_value(value: Any, max_bytes: int) -> Any:  # noqa: ANN401
    """Return a JSON value for what a tool has returned: text as it is, and all else through JSON.

    Args:
        value: What it has returned.
        max_bytes: The most bytes that the value may have as JSON.

    Raises:
        ToolError: the value is none that JSON has, or is too large; the message says so, for the model.
    """
    try:
        encoded = _encode(value)
    except Exception as error:  # noqa: BLE001  # methods of the value run, such as properties of its class
        raise ToolError(f"The result of the tool cannot be sent: {error!s:.500}.") from None
    if len(encoded) > max_bytes:
        raise ToolError(
            f"The result of the tool has {len(encoded)} bytes, more than {max_bytes}, the maximum: ask for less."
        )
    try:
        decoded = _decode(encoded)
    except (ValueError, RecursionError) as error:  # more levels than can be read again
        raise ToolError(f"The result of the tool cannot be sent: {error!s:.500}.") from None
    if is_deeper(decoded, MAX_TOOL_DEPTH):
        raise ToolError(
            f"The result of the tool cannot be sent: it has more than {MAX_TOOL_DEPTH} levels of arrays and objects."
        )
    return decoded


def error_text(message: object, max_bytes: int) -> str:
    """Return the message of a `ToolError`, as the model and readers get it: without half characters, and not too long.

    Args:
        message: The message; text, if the tool is right.
        max_bytes: The most bytes that are kept of it.
    """
    encoded = str(message).encode(errors="backslashreplace")
    if len(encoded) <= max_bytes:
        return encoded.decode()
    return f"{encoded[:max_bytes].decode(errors='ignore')}… (cut: the message has {len(encoded)} bytes)"
