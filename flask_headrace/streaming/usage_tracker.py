"""What one stream has taken so far: an account for each attempt, one of them open. Pure."""

from __future__ import annotations

import msgspec

from ..core.events import ModelSelected, StreamMetadata, SuppressedOutput, Usage
from ..core.usage import NO_USAGE, estimate_tokens, estimate_usage, is_plausible, sum_usages, with_attempt
from .context import StreamContext


class UsageTracker:
    """The accounts of one stream.

    Args:
        context: Whom it asks, as long as its source names nobody else.

    Attributes:
        context: Whom it asks now.
        is_routed: Whether its source has said whom it asks.
    """

    __slots__ = ("_has_output", "_past_attempts", "_reported", "_written_bytes", "context", "is_routed")

    def __init__(self, context: StreamContext) -> None:
        self.context = context
        self.is_routed = False
        self._past_attempts: tuple[Usage, ...] = ()
        self._reset_attempt()

    def _reset_attempt(self) -> None:
        self._reported: Usage | None = None
        self._written_bytes = 0
        self._has_output = False

    def add_output(self, size: int) -> None:
        """Count so many bytes of UTF-8 that the model has written."""
        self._written_bytes += size
        self._has_output = True

    def record(self, reported: Usage | StreamMetadata) -> None:
        """Take what the source tells: all tokens, or where it is `estimated`, those known so far; or a note.

        Tokens that cannot be, such as fewer than none, are not taken for reported, nor is an estimate where all was reported.
        """
        match reported:
            case Usage() if is_plausible(reported):
                if self._reported is None or self._reported.estimated or not reported.estimated:
                    self._reported = reported
            case ModelSelected():
                self._start_attempt(reported)
            case SuppressedOutput(size):
                self.add_output(size)

    def input_tokens_so_far(self) -> tuple[int, int]:
        """Return the tokens that the present model has read, and those of them from its cache, reported or estimated."""
        if self._reported is not None:
            return self._reported.input_tokens, self._reported.cached_tokens
        return estimate_tokens(self.context.prompt_bytes), 0

    def total(self, *, is_whole: bool, has_no_usage: bool) -> Usage:
        """Return what all of it took.

        Args:
            is_whole: Whether the last answer is.
            has_no_usage: Whether the model has done nothing, where it has not begun to answer. A source that says whom
                it asks tells that by a `Usage` of nothing instead.
        """
        present = self._attempt_usage(is_whole=is_whole, has_no_usage=has_no_usage and not self.is_routed)
        return sum_usages((*self._past_attempts, present)) if self._past_attempts else present

    def _start_attempt(self, selected: ModelSelected) -> None:
        if self.is_routed:
            self._past_attempts = (*self._past_attempts, self._attempt_usage(is_whole=False, has_no_usage=False))
            self._reset_attempt()
        self.is_routed = True
        names = {
            "model": selected.model,
            "provider": selected.provider,
            "name": selected.name,
            "pricing_provider": selected.pricing_provider,
        }
        self.context = msgspec.structs.replace(self.context, **names)

    def _attempt_usage(self, *, is_whole: bool, has_no_usage: bool) -> Usage:
        return with_attempt(self._measure_attempt(is_whole=is_whole, has_no_usage=has_no_usage), self.context.model)

    def _measure_attempt(self, *, is_whole: bool, has_no_usage: bool) -> Usage:
        context, reported = self.context, self._reported
        if reported is not None and (is_whole or not reported.estimated):
            return reported
        if has_no_usage and reported is None and not self._has_output:
            return NO_USAGE
        sizes = {"prompt_bytes": context.prompt_bytes, "answer_bytes": self._written_bytes}
        return estimate_usage(context.name, context.pricing_provider, known=reported, **sizes)
