"""Prices of tokens, from the price list of the genai-prices package.

Pure: the price list is a file of that package; nothing is fetched.
"""

from __future__ import annotations

FREE = "free"
"""The `pricing_provider` of models that cost nothing, such as the embedded model."""


def preload() -> None:
    """Load the price list, which takes about 0.4 s, so that the first answer does not wait for it."""
    calculate_cost("https://api.openai.com/v1", "gpt-4o", 1, 1)


def find_context_window(pricing_provider: str, model: str) -> int | None:
    """Return the tokens of prompt and answer together that a model takes, as the price list has them; None if unknown.

    Args:
        pricing_provider: See `calculate_cost`.
        model: The provider's own name of the model.
    """
    if pricing_provider == FREE:
        return None
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415  # see `calculate_cost`

    try:
        _, found = get_snapshot().find_provider_model(model, None, None, pricing_provider)
    except (LookupError, ValueError):
        return None
    return found.context_window


def calculate_cost(  # noqa: PLR0913  # the five numbers and names that a price depends on
    pricing_provider: str,
    model: str,
    input_tokens: int,
    output_tokens: int,
    *,
    cached_tokens: int = 0,
    cache_write_tokens: int = 0,
) -> float | None:
    """Return the price of one answer.

    Args:
        pricing_provider: The base URL of the API, by which the price list identifies the provider, or `FREE`.
        model: The provider's own name of the model.
        input_tokens: Tokens of the prompt, cached ones included.
        output_tokens: Tokens of the answer, those of reasoning included.
        cached_tokens: Input tokens that the provider read from its cache.
        cache_write_tokens: Input tokens that the provider wrote into its cache.

    Returns:
        The price in US dollars; None if the list has no such provider or model, or the numbers are inconsistent.
    """
    if pricing_provider == FREE:
        return 0.0
    from genai_prices import Usage, calc_price  # noqa: PLC0415  # the import takes 0.4 s, and is first needed at the end of an answer

    try:
        usage = Usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cache_read_tokens=cached_tokens,
            cache_write_tokens=cache_write_tokens,
        )
        price = calc_price(usage, model, provider_api_url=pricing_provider)
    except (LookupError, ValueError):
        return None
    return float(round(price.total_price, 9))
