"""The JSON objects of an upstream's events that travel to clients of the same protocol unread. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ...core import exact_json
from ...core.events import ProviderEvent
from ...core.json_depth import MAX_DEPTH, is_deeper
from ...core.json_object import exact_decoder
from ..chat_request import Json
from ..source_request import Family

_encode = exact_json.encode


def decode_fields(data: bytes) -> Json:
    """Return the JSON object of an event; empty if it is invalid or too deep to be passed on."""
    try:
        fields = exact_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return {} if is_deeper(fields, MAX_DEPTH) else fields


def provider_event(family: Family, kind: str, fields: Json, *, is_content: bool = False) -> ProviderEvent:
    """Return the provider event with a JSON object; see `ProviderEvent`."""
    return ProviderEvent(family, kind, _encode(fields).decode(), is_content)


def object_or_empty(value: Any) -> Json:  # noqa: ANN401  # any JSON
    """Return a value that is a JSON object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def describes_text(event: ProviderEvent) -> bool:
    """Whether an event describes the run of text that begins next: a block, or an item, of text."""
    match event.family, event.kind:
        case "anthropic", "block":
            return decode_fields(event.data.encode()).get("type") == "text"
        case "openai-responses", "item":
            return object_or_empty(decode_fields(event.data.encode()).get("item")).get("type") == "message"
    return False


def belongs_to_next_text(event: ProviderEvent) -> bool:
    """Whether an event is about the very next piece of text: the log probabilities of its tokens."""
    return (event.family, event.kind) == ("openai-responses", "logprobs")
