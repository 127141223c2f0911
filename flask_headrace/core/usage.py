"""What an answer took where its provider never told: estimated from what was seen.

Pure and cheap: sizes are counted as the pieces pass, and nothing is tokenised.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from .events import MAX_TOKENS, Attempt, Event, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from .pricing import calculate_cost

BYTES_PER_TOKEN = 4
"""UTF-8 bytes that make one token, roughly, in the tokenisers of the present models and in most scripts."""


def delta_text(event: Event) -> str:
    """Return the text that a model wrote to bring about `event`; empty for all that is no delta."""
    return event.text if isinstance(event, (TextDelta, ReasoningDelta, ToolCallDelta)) else ""


def estimate_tokens(size: int) -> int:
    """Estimate the tokens in `size` bytes of UTF-8 text."""
    return math.ceil(size / BYTES_PER_TOKEN)


def estimate_usage(
    model: str, pricing_provider: str, *, prompt_bytes: int, answer_bytes: int, known: Usage | None = None
) -> Usage:
    """Estimate what an answer took that was cut before its provider told all.

    Args:
        model: The provider's own name of the model.
        pricing_provider: See `prices.cost`.
        prompt_bytes: Size of all that was sent to the model, in bytes of UTF-8.
        answer_bytes: Size of all that came back.
        known: What the provider has told so far, such as the prompt's tokens and their price.
    """
    written = estimate_tokens(answer_bytes)
    if known is None:
        read = estimate_tokens(prompt_bytes)
        return Usage(read, written, cost=calculate_cost(pricing_provider, model, read, written), estimated=True)
    more = max(0, written - known.output_tokens)
    told = msgspec.structs.replace(known, output_tokens=known.output_tokens + more, estimated=True)
    if known.cost is None:
        # Who tells of its tokens all the time leaves the price to the end.
        price = calculate_cost(
            pricing_provider, model, told.input_tokens, told.output_tokens, cached_tokens=told.cached_tokens
        )
        return msgspec.structs.replace(told, cost=price)
    price = calculate_cost(pricing_provider, model, 0, more)
    return msgspec.structs.replace(told, cost=None if price is None else known.cost + price)


def is_plausible(usage: Usage) -> bool:
    """Whether an answer can have taken that: no number is below 0 or beyond `MAX_TOKENS`."""
    counts = usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens
    return min(counts) >= 0 and max(counts) <= MAX_TOKENS and (usage.cost is None or 0 <= usage.cost < math.inf)


def with_attempt(usage: Usage, model: str) -> Usage:
    """Return `usage` with one attempt, of `model`, where its source has named none."""
    if usage.attempts:
        return usage
    attempt = Attempt(model, usage.input_tokens, usage.output_tokens, usage.cost)
    return msgspec.structs.replace(usage, attempts=(attempt,))


NO_USAGE = Usage(0, 0, cost=0.0)
"""What a question takes that no model has worked on."""


def sum_usages(usages: Sequence[Usage]) -> Usage:
    """Add up what several requests took, each of them attributed; those that took nothing are left out."""
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
    )
