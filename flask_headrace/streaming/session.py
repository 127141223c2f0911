"""One stream: its events, its readers, and its one end.

A pump fills a session and followers read it, each in a greenlet of its own. A session knows no HTTP, no provider and
no wire. Whatever wants to end it calls `stop`: the first call decides, and none of them raises.

A plain session is its one reader's: it ends when that leaves, and forgets what was read. A session that somebody keeps
(the journal, in a store) can be read from any number by any readers, and goes on for a while when there is none.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator

from ..core.errors import FirstTokenTimeout, HeadraceError, IdleTimeout, MaxDurationExceeded
from ..core.events import (
    Cancelled,
    CancelReason,
    Completed,
    Event,
    Failed,
    ResponseStarted,
    StreamMetadata,
    TerminalEvent,
    Usage,
    terminal_reason,
)
from .buffer import EventBuffer, text_size
from .context import StreamContext, StreamLimits
from .deadlines import Deadline, TimeoutScheduler
from .disconnect_grace import DisconnectGrace
from .readable import Reader
from .sink import EventSink
from .usage_tracker import UsageTracker
from .waiter import GreenletWaiter

MAX_BATCH_EVENTS = 1024
"""Events that a reader who is behind is given at once."""


class StreamSession:
    """One stream, from its question to its end.

    Args:
        target: Whom it asks.
        limits: Its bounds.
        id: Its id; None for one that nobody can guess.
        keeper: Keeps its events; None for a plain stream.

    Attributes:
        interrupt: Ends what fills the session; set by the pump while it runs.
        ending: How the stream is to end, once that is decided; `terminal` follows when it has.
        error: What went wrong where the end is a `Failed`: it has the HTTP status and `retry_after`.
        is_asked: Whether the source was asked.
        is_reported: Whether its end was reported.
        usage: What it took; None before its end.
        was_kept: Whether it began as one that can be read again.
    """

    __slots__ = (
        "_buffer",
        "_deadlines",
        "_grace",
        "_is_blocked",
        "_readers",
        "_space_waiter",
        "_usage_tracker",
        "ended_at",
        "error",
        "first_event_at",
        "id",
        "interrupt",
        "is_reported",
        "is_source_started",
        "last_event_at",
        "limits",
        "pending_terminal",
        "sink",
        "started_at",
        "terminal",
        "usage",
        "was_stored",
    )

    def __init__(
        self,
        context: StreamContext,
        limits: StreamLimits,
        *,
        id: str | None = None,  # noqa: A002
        sink: EventSink | None = None,
    ) -> None:
        self.id = id or secrets.token_urlsafe(16)
        self.sink = sink
        self.was_stored = sink is not None
        self.limits = limits
        self.interrupt: Callable[[], None] | None = None
        self.pending_terminal: TerminalEvent | None = None
        self.terminal: TerminalEvent | None = None
        self.error: HeadraceError | None = None
        self.usage: Usage | None = None
        self.is_source_started = self.is_reported = False
        self.started_at = self.last_event_at = time.monotonic()
        self.first_event_at: float | None = None
        self.ended_at: float | None = None
        self._usage_tracker = UsageTracker(context)
        self._is_blocked = False
        self._buffer = EventBuffer()
        self._grace = DisconnectGrace(limits.grace, self._has_remote_readers, self._cancel_unread)
        self._readers: list[Reader] = []
        self._space_waiter = GreenletWaiter()
        self._deadlines = TimeoutScheduler(self._current_deadlines, limits.shortest_wait())
        self._deadlines.start()

    def __repr__(self) -> str:
        state = "streaming" if self.terminal is None else type(self.terminal).__struct_config__.tag
        age = (self.ended_at or time.monotonic()) - self.started_at
        return f"<Session {self.id[:6]}… {state}, {self.last_number} events, {len(self._readers)} readers, {age:.1f} s>"

    @property
    def context(self) -> StreamContext:
        """Whom it asks, now or at its end."""
        return self._usage_tracker.context

    @property
    def last_number(self) -> int:
        """The number of its last event so far."""
        return self._buffer.last_number

    @property
    def is_stored(self) -> bool:
        """Whether it can be read again, from any number."""
        return self.sink is not None

    @property
    def reason(self) -> str:
        """Why it ended, in one word: the finish reason, the error's code, or why it was cancelled; empty before."""
        return terminal_reason(self.terminal)

    # What the pump calls

    def append(self, events: list[Event]) -> None:
        """Take the next events, wake the readers, and wait while the slowest is too far behind. Only for the pump."""
        now = self.last_event_at = time.monotonic()
        if self.first_event_at is None:
            self.first_event_at = now
            context, read = self.context, self._usage_tracker.input_tokens_so_far()
            events = [ResponseStarted(self.id, context.model, context.provider, *read), *events]
        size = text_size(events)
        self._usage_tracker.add_output(size)
        self._publish(events, size)
        for reader in self._readers[:]:
            reader.waiter.switch_to()
        if self._buffer.size > self.limits.max_buffer_bytes:
            self._wait_for_space()

    def record_usage(self, reported: Usage | StreamMetadata) -> None:
        """Take what the source tells of its work and of the tokens."""
        self._usage_tracker.record(reported)

    def finish(self, terminal: TerminalEvent) -> None:
        """Account for the stream and send its end. Only for the pump; the first call decides."""
        if self.terminal is not None:
            return
        self.terminal = self.pending_terminal = self.pending_terminal or terminal
        self.ended_at = time.monotonic()
        has_no_usage = not self.is_source_started or (self.error is not None and self.error.has_no_usage)
        self.usage = self._usage_tracker.total(is_whole=isinstance(self.terminal, Completed), has_no_usage=has_no_usage)
        self._publish([self.usage, self.terminal])
        for reader in self._readers:
            reader.waiter.wake()
        self._stop_timers()

    def _publish(self, events: list[Event], size: int = 0) -> None:
        if self.sink is not None:
            self.sink.write(self, self._buffer.last_number + 1, events)
        self._buffer.add(events, size)

    def _wait_for_space(self) -> None:
        if self.is_stored and self._buffer.size > self.limits.max_stored_bytes:
            self.detach_store()
        self._is_blocked = True
        try:
            while (
                not self.is_stored
                and self._buffer.size > self.limits.max_buffer_bytes
                and self.pending_terminal is None
            ):
                self._space_waiter.wait()
        finally:
            self._is_blocked = False
            self.last_event_at = time.monotonic()

    # What followers call

    def add_reader(self, reader: Reader) -> None:
        """Add a reader; also one who comes after the end, and has the time limits of all others."""
        self._readers.append(reader)
        self._grace.stop()
        self._deadlines.start()

    def take_events(self, reader: Reader) -> list[Event]:
        """Hand out the events that have come since a reader's last call. Only for that reader."""
        if self.sink is None and len(self._readers) == 1:
            events = self._buffer.pop_after(reader.position)
            reader.position += len(events)
            if self._is_blocked:
                self._space_waiter.wake()
        else:
            events = self._buffer.after(reader.position, MAX_BATCH_EVENTS)
            reader.position += len(events)
            self._discard_read()
        return events

    def drop_reader(self, reader: Reader) -> None:
        """Let go of a reader that accepts nothing; a plain stream ends with it, unless others read it."""
        if self.is_stored or len(self._readers) > 1:
            reader.close()
        else:
            self.cancel("reader_stalled")

    def remove_reader(self, reader: Reader) -> None:
        """Forget a reader that has left; a plain stream ends with it, a kept one after a while. May be called twice."""
        if reader in self._readers:
            self._readers.remove(reader)
            self._discard_read()
        if not self._readers and self.pending_terminal is None:
            if self.is_stored:
                self._grace.start()
            else:
                self._cancel_unread()
        self._stop_timers()

    def _cancel_unread(self) -> None:
        self.cancel("reader_left")

    def _has_remote_readers(self) -> bool:
        return self.sink is not None and self.sink.has_remote_readers(self)

    def _discard_read(self) -> None:
        # What all readers have is of no use, unless it is kept for later ones.
        if not self.is_stored and self._readers:
            self._buffer.discard(min([reader.position for reader in self._readers]))
            if self._is_blocked:
                self._space_waiter.wake()

    def detach_store(self) -> None:
        """Be a plain stream from here on, for the readers that there are: what keeps it is away, or full."""
        sink, self.sink = self.sink, None
        self._discard_read()
        if not self._readers:
            self._cancel_unread()
        if sink is not None:
            sink.detach(self)

    # What ends it

    def cancel(self, reason: CancelReason) -> None:
        """End the stream because nobody wants the rest of it."""
        self.stop(Cancelled(reason))

    def fail(self, error: HeadraceError) -> None:
        """End the stream with an error."""
        if self.pending_terminal is None:
            self.error = error
            self.stop(Failed(error.code, error.message, error.retryable))

    def stop(self, terminal: TerminalEvent) -> None:
        """Decide how the stream ends and interrupt what fills it. Idempotent; never raises, never blocks."""
        if self.pending_terminal is None:
            self.pending_terminal = terminal
            if self.interrupt is not None:
                self.interrupt()

    # Its time limits

    def _stop_timers(self) -> None:
        # A reader may still have much to read after the end, and must not take for ever.
        if self.terminal is not None and not self._readers:
            self._deadlines.stop()
            self._grace.stop()

    def _current_deadlines(self) -> Iterator[Deadline]:
        for reader in self._readers:
            yield from reader.deadlines()
        # What fills it takes its time to close, once its end is decided, and no limit has a say in that any more.
        if self.pending_terminal is None:
            yield from self._source_deadlines()

    def _source_deadlines(self) -> Iterator[Deadline]:
        limits = self.limits
        if limits.duration is not None:
            yield self.started_at + limits.duration, self._fail_by_duration
        if self._usage_tracker.is_routed:
            return
        if self.first_event_at is None:
            if limits.first_token is not None:
                yield self.started_at + limits.first_token, self._fail_by_first_token
        elif limits.stall is not None and not self._is_blocked:
            yield self.last_event_at + limits.stall, self._fail_by_stall

    def _fail_by_duration(self) -> None:
        self.fail(
            MaxDurationExceeded(f"The answer took longer than {self.limits.duration:g} s, the most that one may take.")
        )

    def _fail_by_first_token(self) -> None:
        model, limit = self.context.model, self.limits.first_token
        self.fail(FirstTokenTimeout(f"{model} sent no token within {limit:g} s. Try again, or ask another model."))

    def _fail_by_stall(self) -> None:
        model, limit = self.context.model, self.limits.stall
        self.fail(IdleTimeout(f"{model} fell silent for {limit:g} s in the middle of its answer. Try again."))
