"""The JSON objects in what only Anthropic's models send. Pure.

For the kinds of a `ProviderEvent` see `providers.anthropic.source_decoder`, which makes them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...core.events import ProviderEvent

FAMILY = "anthropic"

decode_object = msgspec.json.Decoder(dict[str, Any], float_hook=lambda digits: msgspec.Raw(digits.encode())).decode
"""Decodes a JSON object. Fractions are `msgspec.Raw`, so that their digits stay."""


def fields_of(event: ProviderEvent) -> dict[str, Any]:
    """Return the JSON object in a provider event. Fractions are `msgspec.Raw`, so that their digits stay."""
    return decode_object(event.data)


def merge_fields(known: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """Return fields after an update; `delta` and `usage` are merged field by field."""
    nested: dict[str, Any] = {
        name: {**known[name], **update[name]}
        for name in ("delta", "usage")
        if isinstance(known.get(name), dict) and isinstance(update.get(name), dict)
    }
    return {**known, **update, **nested}
