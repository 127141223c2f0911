"""Builds a `Usage` from the token counts that an upstream reported. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ...core.events import MAX_TOKENS, Usage
from ...core.pricing import calculate_cost


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
    """Return the usage of an answer with its cost; None if counts are missing or impossible.

    Args:
        pricing_provider: The provider's name in the price list, see `core.pricing`; None for a usage without a cost.
        model: The provider's own name of the model.
        input_tokens: All input tokens, those from the cache included.
        output_tokens: All output tokens.
        cached_tokens: Those of `input_tokens` that were read from the cache.
        cache_write_tokens: Those of `input_tokens` that were written to the cache.
        reasoning_tokens: Those of `output_tokens` that were spent on reasoning.
    """
    if input_tokens is None or output_tokens is None:
        return None
    cached_tokens, cache_write_tokens = cached_tokens or 0, cache_write_tokens or 0
    reasoning_tokens = reasoning_tokens or 0
    counts = (input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens)
    if not all(0 <= count <= MAX_TOKENS for count in counts):
        return None
    usage = Usage(
        input_tokens,
        output_tokens,
        min(cached_tokens, input_tokens),
        min(reasoning_tokens, output_tokens),
        cache_write_tokens=min(cache_write_tokens, max(0, input_tokens - cached_tokens)),
    )
    if pricing_provider is None:
        return usage
    cost_usd = calculate_cost(
        pricing_provider,
        model,
        input_tokens,
        output_tokens,
        cached_tokens=cached_tokens,
        cache_write_tokens=cache_write_tokens,
    )
    return msgspec.structs.replace(usage, cost=cost_usd)


def normalize_integers(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """Return a JSON value whose integral floats are replaced by integers: 5.0 and 5 are the same number in JSON."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: normalize_integers(inner) for name, inner in value.items()}
    return value
