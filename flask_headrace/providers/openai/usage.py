"""What OpenAI's two APIs tell of an answer's tokens: they differ in the names of the counts alone. Pure."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ...core.events import Usage
from ..decoding.usage import build_usage


class InputTokenDetails(msgspec.Struct, gc=False):
    """Of the tokens that were read: those from the cache, and those that went into it."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputTokenDetails(msgspec.Struct, gc=False):
    """Of the tokens that were written: those that were thought."""

    reasoning_tokens: int | None = None


class TokenCountsBase(msgspec.Struct, gc=False):
    """The counts of an answer; None where the upstream has not told them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_details: InputTokenDetails | None = None
    output_details: OutputTokenDetails | None = None
    # The same by the names of DeepSeek's and Anthropic's counts, in place of the details.
    prompt_cache_hit_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


T = TypeVar("T", bound=TokenCountsBase)


def merge_counts(known: T | None, update: T | None) -> T | None:
    """Return the counts of an answer after more was told: what is left out, or told as 0, stays as it was."""
    if known is None or update is None:
        return update or known
    return type(update)(*(getattr(update, name) or getattr(known, name) for name in update.__struct_fields__))


def partial_usage(tokens: TokenCountsBase | None) -> Usage | None:
    """Return what the upstream has told of an answer that goes on, without a price; None where it told nothing.

    It is the last word where the answer is cut.
    """
    usage = usage_from_counts(tokens, "", None)
    return usage and msgspec.structs.replace(usage, estimated=True)


def usage_from_counts(tokens: TokenCountsBase | None, model: str, pricing_provider: str | None) -> Usage | None:
    """Return what the upstream told of an answer's tokens, with its price; None where it told nothing."""
    if tokens is None:
        return None
    input_details, output_details = (
        tokens.input_details or InputTokenDetails(),
        tokens.output_details or OutputTokenDetails(),
    )
    return build_usage(
        pricing_provider,
        model,
        tokens.input_tokens,
        tokens.output_tokens,
        cached_tokens=input_details.cached_tokens or tokens.prompt_cache_hit_tokens or tokens.cache_read_input_tokens,
        cache_write_tokens=input_details.cache_write_tokens or tokens.cache_creation_input_tokens,
        reasoning_tokens=output_details.reasoning_tokens,
    )
