"""What an upstream has counted of an answer's tokens, as the accounts have it. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ...core.events import MAX_TOKENS, Usage
from ...core.pricing import calculate_cost


def counted(  # noqa: PLR0913  # the counts of an answer
    pricing_provider: str | None,
    model: str,
    read: int | None,
    written: int | None,
    *,
    cached: int | None = None,
    cache_write: int | None = None,
    reasoning: int | None = None,
) -> Usage | None:
    """Return an answer's tokens with their price; None where the upstream has not told them, or told what cannot be.

    Args:
        pricing_provider: See `streaming.prices`; None for counts without a price.
        model: The model's name, as its provider knows it.
        read: Tokens that were read, those of the cache included.
        written: Tokens that were written.
        cached: Those of `read` that came from the cache.
        cache_write: Those of `read` that went into it.
        reasoning: Those of `written` that were thought.
    """
    if read is None or written is None:
        return None
    cached, cache_write, reasoning = cached or 0, cache_write or 0, reasoning or 0
    if not all(0 <= count <= MAX_TOKENS for count in (read, written, cached, cache_write, reasoning)):
        return None
    usage = Usage(read, written, min(cached, read), min(reasoning, written))
    if pricing_provider is None:
        return usage
    price = calculate_cost(pricing_provider, model, read, written, cached_tokens=cached, cache_write_tokens=cache_write)
    return msgspec.structs.replace(usage, cost=price)


def whole_numbers(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """Return counts as whole numbers, where an upstream wrote some with a fraction that is none: 5.0 is 5 in JSON."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: whole_numbers(inner) for name, inner in value.items()}
    return value
