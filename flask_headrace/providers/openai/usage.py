"""Token counts of OpenAI's two APIs, which differ only in their names. Pure."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ...core.events import Usage
from ..decoding.usage import build_usage


class InputTokenDetails(msgspec.Struct, gc=False):
    """A breakdown of the input tokens: those read from the cache, and those written to it."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputTokenDetails(msgspec.Struct, gc=False):
    """A breakdown of the output tokens."""

    reasoning_tokens: int | None = None


class TokenCountsBase(msgspec.Struct, gc=False):
    """Token counts; None for those that the upstream has not reported. Subclasses have the JSON names."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_details: InputTokenDetails | None = None
    output_details: OutputTokenDetails | None = None
    # DeepSeek's and Anthropic's names of the cache counts.
    prompt_cache_hit_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


T = TypeVar("T", bound=TokenCountsBase)


def merge_counts(known: T | None, update: T | None) -> T | None:
    """Return the token counts after an update: a count that the update leaves out, or reports as 0, stays as it is."""
    if known is None or update is None:
        return update or known
    return type(update)(*(getattr(update, name) or getattr(known, name) for name in update.__struct_fields__))


def partial_usage(tokens: TokenCountsBase | None) -> Usage | None:
    """Return the usage so far, estimated and without a cost; None if no counts were reported.

    It becomes the usage of the answer if the answer breaks off.
    """
    usage = usage_from_counts(tokens, "", None)
    return usage and msgspec.structs.replace(usage, estimated=True)


def usage_from_counts(tokens: TokenCountsBase | None, model: str, pricing_provider: str | None) -> Usage | None:
    """Return the usage with its cost; None if no counts were reported. See `build_usage` for the arguments."""
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
