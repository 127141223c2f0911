"""The JSON objects in what only Anthropic's models send. Pure.

For the kinds of a `ProviderEvent` see `providers.anthropic.source_decoder`, which makes them.
"""

from __future__ import annotations

from typing import Any

from ...core.events import ProviderEvent
from ...core.json_object import exact_decoder

FAMILY = "anthropic"


def fields_of(event: ProviderEvent) -> dict[str, Any]:
    """Return the JSON object in a provider event. Numbers keep their digits."""
    return exact_decoder.decode(event.data)


def merge_fields(known: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """Return fields after an update; `delta` and `usage` are merged field by field."""
    nested: dict[str, Any] = {
        name: {**known[name], **update[name]}
        for name in ("delta", "usage")
        if isinstance(known.get(name), dict) and isinstance(update.get(name), dict)
    }
    return {**known, **update, **nested}
