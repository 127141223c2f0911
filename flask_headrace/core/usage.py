"""Arithmetic of token usage, and estimates of usage that a provider did not report.

Pure and cheap: estimates are derived from sizes in bytes; nothing is tokenized.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from .events import MAX_TOKENS, Attempt, Event, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from .pricing import calculate_cost

BYTES_PER_TOKEN = 4
"""UTF-8 bytes per token, roughly, for the tokenizers of current models and for most scripts."""


def delta_text(event: Event) -> str:
    """Return the model's text in a delta (text, reasoning or tool arguments); empty for all other events."""
    return event.text if isinstance(event, (TextDelta, ReasoningDelta, ToolCallDelta)) else ""


def estimate_tokens(size: int) -> int:
    """Return the estimated number of tokens in `size` bytes of UTF-8 text, rounded up."""
    return math.ceil(size / BYTES_PER_TOKEN)


def estimate_usage(
    model: str, pricing_provider: str, *, prompt_bytes: int, answer_bytes: int, known: Usage | None = None
) -> Usage:
    """Return the estimated usage of an answer whose provider did not report its final usage.

    Args:
        model: The provider's own name of the model.
        pricing_provider: See `pricing.calculate_cost`.
        prompt_bytes: Size of the texts sent to the model, in bytes of UTF-8.
        answer_bytes: Size of the texts received from the model, in bytes of UTF-8.
        known: The latest usage that the provider reported, such as the tokens and the price of the prompt; None if it
            reported nothing. The result is never below it.
    """
    written = estimate_tokens(answer_bytes)
    if known is None:
        read = estimate_tokens(prompt_bytes)
        return Usage(read, written, cost=calculate_cost(pricing_provider, model, read, written), estimated=True)
    more = max(0, written - known.output_tokens)
    reported = msgspec.structs.replace(known, output_tokens=known.output_tokens + more, estimated=True)
    if known.cost is None:
        # Providers that report running counts of tokens report no price before the end.
        price = calculate_cost(
            pricing_provider,
            model,
            reported.input_tokens,
            reported.output_tokens,
            cached_tokens=reported.cached_tokens,
            cache_write_tokens=reported.cache_write_tokens,
        )
        return msgspec.structs.replace(reported, cost=price)
    price = calculate_cost(pricing_provider, model, 0, more)
    return msgspec.structs.replace(reported, cost=None if price is None else known.cost + price)


def is_plausible(usage: Usage) -> bool:
    """Whether all counts are within 0…`MAX_TOKENS`, and the cost is None or a finite number of at least 0."""
    counts = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.reasoning_tokens,
        usage.cache_write_tokens,
    )
    return min(counts) >= 0 and max(counts) <= MAX_TOKENS and (usage.cost is None or 0 <= usage.cost < math.inf)


def with_attempt(usage: Usage, model: str) -> Usage:
    """Return `usage` with one attempt, of `model`, if it lists no attempts."""
    if usage.attempts:
        return usage
    attempt = Attempt(model, usage.input_tokens, usage.output_tokens, usage.cost)
    return msgspec.structs.replace(usage, attempts=(attempt,))


NO_USAGE = Usage(0, 0, cost=0.0)
"""The usage of a request that reached no model."""


def sum_usages(usages: Sequence[Usage]) -> Usage:
    """Return the sum of the usage of several requests.

    Args:
        usages: At least one usage, each with its attempts (see `with_attempt`). Requests without any usage are omitted
            from the sum's attempts.
    """
    spent = [usage for usage in usages if usage.input_tokens or usage.output_tokens or usage.cost != 0]
    if len(spent) < 2:
        return spent[0] if spent else usages[-1]
    costs = [usage.cost for usage in spent]
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in spent),
        output_tokens=sum(usage.output_tokens for usage in spent),
        cached_tokens=sum(usage.cached_tokens for usage in spent),
        reasoning_tokens=sum(usage.reasoning_tokens for usage in spent),
        cost=None if None in costs else round(sum(cost for cost in costs if cost is not None), 9),
        currency=spent[-1].currency,
        estimated=any(usage.estimated for usage in spent),
        attempts=tuple(attempt for usage in spent for attempt in usage.attempts),
        cache_write_tokens=sum(usage.cache_write_tokens for usage in spent),
    )
