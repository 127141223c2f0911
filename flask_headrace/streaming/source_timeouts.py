"""The time limits of a stream's source, as deadlines that fail the stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ..core.errors import FirstTokenTimeout, HeadraceError, IdleTimeout, MaxDurationExceeded
from .context import StreamContext, StreamLimits
from .deadlines import Deadline


class TimedStream(Protocol):
    """The part of a stream that its time limits use. Times are of the monotonic clock, in seconds."""

    limits: StreamLimits
    started_at: float
    first_event_at: float | None
    last_event_at: float

    @property
    def context(self) -> StreamContext: ...  # noqa: D102
    def fail(self, error: HeadraceError) -> None: ...  # noqa: D102


def source_deadlines(stream: TimedStream, active_at: float, *, is_timed: bool, is_blocked: bool) -> Iterator[Deadline]:
    """Yield the current deadlines of a stream's source; each fails the stream.

    Args:
        stream: The stream.
        active_at: When the source was last active beside its events; 0 for never.
        is_timed: Whether the source enforces limits of its own at the moment; then only the duration is limited.
        is_blocked: Whether the source waits for the stream's readers; then it may be silent.
    """
    model, limits = stream.context.model, stream.limits
    duration, first_token, stall = limits.duration, limits.first_token, limits.stall
    if duration is not None:
        yield stream.started_at + duration, lambda: stream.fail(_duration_exceeded(duration))
    if is_timed:
        return
    if stream.first_event_at is None:
        if first_token is not None:
            yield (
                max(stream.started_at, active_at) + first_token,
                lambda: stream.fail(_first_token_timeout(model, first_token)),
            )
    elif stall is not None and not is_blocked:
        yield max(stream.last_event_at, active_at) + stall, lambda: stream.fail(_idle_timeout(model, stall))


def _duration_exceeded(limit: float) -> MaxDurationExceeded:
    return MaxDurationExceeded(f"The answer took longer than {limit:g} s, the maximum for one answer.")


def _first_token_timeout(model: str, limit: float) -> FirstTokenTimeout:
    return FirstTokenTimeout(f"{model} sent no token within {limit:g} s. Try again, or use another model.")


def _idle_timeout(model: str, limit: float) -> IdleTimeout:
    return IdleTimeout(f"{model} sent nothing for {limit:g} s in the middle of its answer. Try again.")
