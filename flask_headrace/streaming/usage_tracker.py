"""What one stream has taken so far: an account for each attempt, one of them open. Pure."""

from __future__ import annotations

import msgspec

from ..core.events import ModelSelected, StreamMetadata, SuppressedOutput, Usage
from ..core.usage import NOTHING, estimate_usage, is_possible, tokens_in, total, with_attempt
from .context import StreamContext


class UsageTracker:
    """The accounts of one stream.

    Args:
        target: Whom it asks, as long as its source names nobody else.

    Attributes:
        target: Whom it asks now.
        is_routed: Whether its source has said whom it asks.
    """

    __slots__ = ("_closed", "_has_begun", "_told", "_written", "is_routed", "target")

    def __init__(self, target: StreamContext) -> None:
        self.target = target
        self.is_routed = False
        self._closed: tuple[Usage, ...] = ()
        self._open()

    def _open(self) -> None:
        self._told: Usage | None = None
        self._written = 0
        self._has_begun = False

    def write(self, size: int) -> None:
        """Count so many bytes of UTF-8 that the model has written."""
        self._written += size
        self._has_begun = True

    def take(self, told: Usage | StreamMetadata) -> None:
        """Take what the source tells: all tokens, or where it is `estimated`, those known so far; or a note.

        Tokens that cannot be, such as fewer than none, are not taken for told, nor is an estimate where all was told.
        """
        match told:
            case Usage() if is_possible(told):
                if self._told is None or self._told.estimated or not told.estimated:
                    self._told = told
            case ModelSelected():
                self._turn_to(told)
            case SuppressedOutput(size):
                self.write(size)

    def read_so_far(self) -> tuple[int, int]:
        """Return the tokens that the present model has read, and those of them from its cache, told or estimated."""
        if self._told is not None:
            return self._told.input_tokens, self._told.cached_tokens
        return tokens_in(self.target.prompt_bytes), 0

    def total(self, *, is_whole: bool, is_unspent: bool) -> Usage:
        """Return what all of it took.

        Args:
            is_whole: Whether the last answer is.
            is_unspent: Whether the model has done nothing, where it has not begun to answer. A source that says whom
                it asks tells that by a `Usage` of nothing instead.
        """
        present = self._present(is_whole=is_whole, is_unspent=is_unspent and not self.is_routed)
        return total((*self._closed, present)) if self._closed else present

    def _turn_to(self, asked: ModelSelected) -> None:
        if self.is_routed:
            self._closed = (*self._closed, self._present(is_whole=False, is_unspent=False))
            self._open()
        self.is_routed = True
        names = {
            "model": asked.model,
            "provider": asked.provider,
            "name": asked.name,
            "pricing_provider": asked.pricing_provider,
        }
        self.target = msgspec.structs.replace(self.target, **names)

    def _present(self, *, is_whole: bool, is_unspent: bool) -> Usage:
        return with_attempt(self._taken(is_whole=is_whole, is_unspent=is_unspent), self.target.model)

    def _taken(self, *, is_whole: bool, is_unspent: bool) -> Usage:
        target, told = self.target, self._told
        if told is not None and (is_whole or not told.estimated):
            return told
        if is_unspent and told is None and not self._has_begun:
            return NOTHING
        sizes = {"prompt_bytes": target.prompt_bytes, "answer_bytes": self._written}
        return estimate_usage(target.name, target.pricing_provider, known=told, **sizes)
