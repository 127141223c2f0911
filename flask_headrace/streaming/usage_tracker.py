"""The token usage of one stream, per attempt. Pure."""

from __future__ import annotations

import msgspec

from ..core.events import ModelSelected, StreamMetadata, SuppressedOutput, Usage
from ..core.source_link import LinkOpened, SourceLink
from ..core.usage import NO_USAGE, estimate_tokens, estimate_usage, is_plausible, sum_usages, with_attempt
from .context import StreamContext


class UsageTracker:
    """Tracks the usage of one stream: of finished attempts, and of the current one.

    Args:
        context: The stream's context.
        stream_id: The stream's id.

    Attributes:
        context: The stream's context, with the model of the current attempt.
        is_routed: Whether the source has yielded a `ModelSelected`.
    """

    __slots__ = (
        "_has_output",
        "_link",
        "_past_attempts",
        "_reported",
        "_stream_id",
        "_written_bytes",
        "context",
        "is_routed",
    )

    def __init__(self, context: StreamContext, stream_id: str) -> None:
        self.context, self._stream_id = context, stream_id
        self.is_routed = False
        self._past_attempts: tuple[Usage, ...] = ()
        self._reset_attempt()

    def _reset_attempt(self) -> None:
        self._reported: Usage | None = None
        self._written_bytes = 0
        self._has_output = False
        self._link: SourceLink | None = None

    @property
    def is_timed(self) -> bool:
        """Whether the source limits its own time at the moment."""
        return self.is_routed or (self._link is not None and self._link.is_timed)

    @property
    def active_at(self) -> float:
        """When the source was last active beside its events, on the monotonic clock in seconds; 0 for never."""
        return 0.0 if self._link is None else self._link.active_at

    def add_output(self, size: int) -> None:
        """Add the size of the model's output, in bytes of UTF-8."""
        self._written_bytes += size
        self._has_output = True

    def record(self, reported: Usage | StreamMetadata) -> None:
        """Record a usage or a metadata item from the source.

        A usage that is not plausible is ignored, and so is an `estimated` one after a final one.
        """
        match reported:
            case Usage() if is_plausible(reported):
                if self._reported is None or self._reported.estimated or not reported.estimated:
                    self._reported = reported
            case ModelSelected(is_accounted=True):
                self._rename(reported)
            case ModelSelected():
                self._start_attempt(reported)
            case LinkOpened(link):
                link.stream_id = self._stream_id
                self._link = link
            case SuppressedOutput(size):
                self.add_output(size)

    def input_tokens_so_far(self) -> tuple[int, int, int]:
        """Return the input tokens of the current attempt, reported or estimated.

        Returns:
            The number of them, of those read from the provider's cache, and of those written into it.
        """
        usage = self._reported
        if usage is None and self._link is not None and self._link.open:
            usage = self._link.open[0].usage_so_far()
        if usage is not None:
            return usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens
        return estimate_tokens(self.context.prompt_bytes), 0, 0

    def total(self, *, is_whole: bool, has_no_usage: bool) -> Usage:
        """Return the usage of all attempts.

        Args:
            is_whole: Whether the current attempt's answer is complete.
            has_no_usage: Whether the model used no tokens, if it has written no output. Ignored if `is_routed`: such
                sources report a usage of 0 instead.
        """
        current = self._attempt_usage(is_whole=is_whole, has_no_usage=has_no_usage and not self.is_routed)
        return sum_usages((*self._past_attempts, current)) if self._past_attempts else current

    def _start_attempt(self, selected: ModelSelected) -> None:
        if self.is_routed:
            self._past_attempts = (*self._past_attempts, self._attempt_usage(is_whole=False, has_no_usage=False))
            self._reset_attempt()
        self.is_routed = True
        self._rename(selected)

    def _rename(self, selected: ModelSelected) -> None:
        names = {
            "model": selected.model,
            "provider": selected.provider,
            "name": selected.name,
            "pricing_provider": selected.pricing_provider,
        }
        self.context = msgspec.structs.replace(self.context, **names)

    def _attempt_usage(self, *, is_whole: bool, has_no_usage: bool) -> Usage:
        if self._link is not None and (self._link.has_asked or self._link.has_only_questions):
            # What the source has written was mostly written by the models that it asked.
            own = [] if self._reported is None else [with_attempt(self._reported, self.context.model)]
            return sum_usages([NO_USAGE, *self._link.all_usages(), *own])
        return with_attempt(self._measure_attempt(is_whole=is_whole, has_no_usage=has_no_usage), self.context.model)

    def _measure_attempt(self, *, is_whole: bool, has_no_usage: bool) -> Usage:
        context, reported = self.context, self._reported
        if reported is not None and (is_whole or not reported.estimated):
            return reported
        if has_no_usage and reported is None and not self._has_output:
            return NO_USAGE
        sizes = {"prompt_bytes": context.prompt_bytes, "answer_bytes": self._written_bytes}
        return estimate_usage(context.name, context.pricing_provider, known=reported, **sizes)
