"""JSON texts that are objects. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

exact_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=lambda digits: msgspec.Raw(digits.encode()))
"""Decodes JSON objects. Fractions become `msgspec.Raw`, so that they are encoded with the same digits."""


def is_json_object(text: str) -> bool:
    """Whether `text` is a complete JSON object."""
    try:
        msgspec.json.decode(text, type=dict)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
