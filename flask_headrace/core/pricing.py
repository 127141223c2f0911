"""What tokens cost, from the price list that the genai-prices project keeps.

Pure: the list is a file of that package, nothing is fetched. It knows models, addresses and tokens, not streams.
"""

from __future__ import annotations

FREE = "free"
"""The `pricing_provider` of what costs nothing: the embedded model."""


def preload() -> None:
    """Load the price list."""
    calculate_cost("https://api.openai.com/v1", "gpt-4o", 1, 1)


def calculate_cost(  # noqa: PLR0913  # the five numbers and names that a price depends on
    pricing_provider: str,
    model: str,
    input_tokens: int,
    output_tokens: int,
    *,
    cached_tokens: int = 0,
    cache_write_tokens: int = 0,
) -> float | None:
    """Price one answer.

    Args:
        pricing_provider: The base URL of the API that answered, by which the list knows its provider, or `FREE`.
        model: The provider's own name of the model.
        input_tokens: All tokens read, those of the cache included.
        output_tokens: All tokens written, those of the reasoning included.
        cached_tokens: Those of the input that were read from the provider's cache.
        cache_write_tokens: Those of the input that were written into it.

    Returns:
        US dollars; None where the list does not know the provider or the model, or the numbers make no sense.
    """
    if pricing_provider == FREE:
        return 0.0
    from genai_prices import Usage, calc_price  # noqa: PLC0415  # 0.4 s, needed at the first answer's end

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
