"""What OpenAI's two APIs tell of an answer's tokens: they differ in the names of the counts alone. Pure."""

from __future__ import annotations

import msgspec

from ..streaming.events import Usage
from .counts import counted


class ReadTokens(msgspec.Struct, gc=False):
    """Of the tokens that were read: those from the cache, and those that went into it."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class WrittenTokens(msgspec.Struct, gc=False):
    """Of the tokens that were written: those that were thought."""

    reasoning_tokens: int | None = None


class Tokens(msgspec.Struct, gc=False):
    """The counts of an answer; None where the upstream has not told them."""

    read: int | None = None
    written: int | None = None
    read_details: ReadTokens | None = None
    written_details: WrittenTokens | None = None


def priced(tokens: Tokens | None, model: str, price_list: str) -> Usage | None:
    """Return what the upstream told of an answer's tokens, with its price; None where it told nothing."""
    if tokens is None:
        return None
    of_read, of_written = tokens.read_details or ReadTokens(), tokens.written_details or WrittenTokens()
    return counted(
        price_list,
        model,
        tokens.read,
        tokens.written,
        cached=of_read.cached_tokens,
        cache_write=of_read.cache_write_tokens,
        reasoning=of_written.reasoning_tokens,
    )
