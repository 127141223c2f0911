"""What an upstream has counted of an answer's tokens, as the accounts have it. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ...core.events import MAX_TOKENS, Usage
from ...core.pricing import cost


def build_usage(  # noqa: PLR0913  # the counts of an answer
    pricing_provider: str | None,
    model: str,
    input_tokens: int | None,
    output_tokens: int | None,
    *,
    cached_tokens: int | None = None,
    cache_write_tokens: int | None = None,
    reasoning_tokens: int | None = None,
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
    if input_tokens is None or output_tokens is None:
        return None
    cached_tokens, cache_write_tokens, reasoning_tokens = (
        cached_tokens or 0,
        cache_write_tokens or 0,
        reasoning_tokens or 0,
    )
    if not all(
        0 <= count <= MAX_TOKENS
        for count in (input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens)
    ):
        return None
    usage = Usage(input_tokens, output_tokens, min(cached_tokens, input_tokens), min(reasoning_tokens, output_tokens))
    if pricing_provider is None:
        return usage
    cost_usd = cost(
        pricing_provider,
        model,
        input_tokens,
        output_tokens,
        cached_tokens=cached_tokens,
        cache_write_tokens=cache_write_tokens,
    )
    return msgspec.structs.replace(usage, cost=cost_usd)


def normalize_integers(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """Return counts as whole numbers, where an upstream wrote some with a fraction that is none: 5.0 is 5 in JSON."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: normalize_integers(inner) for name, inner in value.items()}
    return value
