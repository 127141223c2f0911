"""JSON texts that are objects. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from .exact_json import ExactDecoder

exact_decoder: ExactDecoder[dict[str, Any]] = ExactDecoder(
    dict[str, Any], parse_fraction=lambda digits: msgspec.Raw(digits.encode())
)
"""Decodes JSON objects that are encoded again unread: fractions and -0 are `msgspec.Raw`, with their digits."""

object_decoder: ExactDecoder[dict[str, Any]] = ExactDecoder(dict[str, Any])
"""Decodes JSON objects that are read. Their numbers keep their digits."""


def is_json_object(text: str) -> bool:
    """Whether `text` is a complete JSON object."""
    try:
        object_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
