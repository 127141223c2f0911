"""One stream: its events, its readers, and its terminal event.

A producer fills a session and readers read it, each in its own greenlet. A session does not depend on HTTP, providers
or encoders. `stop` decides the terminal event: the first call counts, and none raises.

A plain session ends when its last reader leaves, and discards events that all readers have. A resumable session, whose
sink writes its events into a store, can be read from any event, and goes on for its grace time without readers, or to
its end if it runs in the background.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator

from ..core.errors import HeadraceError
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
)
from .back_pressure import BackPressure
from .buffer import EventBuffer, text_size
from .completion_time import with_completion_time
from .context import StreamContext, StreamLimits
from .deadlines import Deadline, TimeoutScheduler
from .disconnect_grace import DisconnectGrace
from .readable import Reader
from .recording import Recording
from .sink import EventSink
from .source_timeouts import source_deadlines
from .usage_tracker import UsageTracker

MAX_BATCH_EVENTS = 1024
"""Events that a reader which is behind gets at once."""


class StreamSession:
    """One stream, from its request to its terminal event.

    Args:
        context: The model that answers, and the parts of the request that the stream needs.
        limits: The limits of the stream.
        id: The stream's id; None for a new random one.
        sink: Writes the events into a store; None for a plain stream.
        recording: Collects what readers are sent, for the application; None if nobody wants to know it.

    Attributes:
        interrupt: Stops the producer; set by it while it runs, otherwise None.
        pending_terminal: The terminal event, as soon as it is decided.
        terminal: The terminal event, as soon as it is published.
        error: The error of a stream that fails, with its HTTP status and `retry_after`; otherwise None.
        is_source_started: Whether the source was called.
        is_reported: Whether `on_end` was called for the stream.
        usage: The usage of the stream; None before its end.
        was_stored: Whether the stream was opened as a resumable one.
        started_at, first_event_at, last_event_at, ended_at: Times of the monotonic clock in seconds; None before.
    """

    __slots__ = (
        "_back_pressure",
        "_buffer",
        "_deadlines",
        "_grace",
        "_readers",
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
        "recording",
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
        recording: Recording | None = None,
    ) -> None:
        self.id = id or secrets.token_urlsafe(16)
        self.limits, self.sink, self.recording, self.was_stored = limits, sink, recording, sink is not None
        self.interrupt: Callable[[], None] | None = None
        self.pending_terminal: TerminalEvent | None = None
        self.terminal: TerminalEvent | None = None
        self.error: HeadraceError | None = None
        self.usage: Usage | None = None
        self.is_source_started = self.is_reported = False
        self.started_at = self.last_event_at = time.monotonic()
        self.first_event_at: float | None = None
        self.ended_at: float | None = None
        self._usage_tracker = UsageTracker(context, self.id)
        self._buffer, self._back_pressure = EventBuffer(), BackPressure()
        self._grace = DisconnectGrace(limits.grace, self._has_remote_readers, lambda: self.cancel("reader_left"))
        self._readers: list[Reader] = []
        self._deadlines = TimeoutScheduler(self._current_deadlines, limits.shortest_wait())
        self._deadlines.start()

    def __repr__(self) -> str:
        state = "streaming" if self.terminal is None else type(self.terminal).__struct_config__.tag
        age = (self.ended_at or time.monotonic()) - self.started_at
        counts = f"{self.last_number} events, {len(self._readers)} readers"
        return f"<StreamSession {self.id[:6]}… {state}, {counts}, {age:.1f} s>"

    @property
    def context(self) -> StreamContext:
        """The context, with the model of the current or last attempt."""
        return self._usage_tracker.context

    @property
    def last_number(self) -> int:
        """The number of the last event; 0 before the first one."""
        return self._buffer.last_number

    @property
    def is_stored(self) -> bool:
        """Whether the stream is resumable: it can be read from any event."""
        return self.sink is not None

    # For the producer

    def append(self, events: list[Event]) -> None:
        """Publish the next events, and block while the slowest reader is too far behind. Only for the producer."""
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
        """Record a usage or a metadata item that the source has yielded. Only for the producer."""
        self._usage_tracker.record(reported)

    def finish(self, terminal: TerminalEvent) -> None:
        """Compute the usage and publish the terminal event: `pending_terminal`, or else `terminal`.

        Only for the producer. Calls after the first do nothing.
        """
        if self.terminal is not None:
            return
        self.terminal = self.pending_terminal = with_completion_time(self.pending_terminal or terminal)
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
        if self.recording is not None and self.was_stored:
            self.recording.add(events)
        self._buffer.add(events, size)

    def _wait_for_space(self) -> None:
        if self.is_stored and self._buffer.size > self.limits.max_stored_bytes:
            self.detach_store()
        try:
            self._back_pressure.wait_while(self._is_full)
        finally:
            self.last_event_at = time.monotonic()

    def _is_full(self) -> bool:
        is_over = self._buffer.size > self.limits.max_buffer_bytes
        return not self.is_stored and is_over and self.pending_terminal is None

    # For readers

    def add_reader(self, reader: Reader) -> None:
        """Add a reader. One that is added after the end has the same time limits."""
        self._readers.append(reader)
        reader.replayed = self.last_number
        self._grace.stop()
        self._deadlines.start()

    def take_events(self, reader: Reader) -> list[Event]:
        """Return the events after `reader.position`, and advance it. Only for that reader."""
        if self.sink is None and len(self._readers) == 1:
            events = self._buffer.pop_after(reader.position)
            reader.position += len(events)
            if self.recording is not None and not self.was_stored:
                self.recording.take(events)
            self._back_pressure.relieve()
        else:
            events = self._buffer.after(reader.position, MAX_BATCH_EVENTS, reader.replayed)
            reader.position += len(events)
            self._discard_read()
        return events

    def events(self) -> list[Event]:
        """Return all events so far, as they are replayed. Only for a resumable stream: a plain one discards some."""
        return self._buffer.after(0, self.last_number, self.last_number)

    def drop_reader(self, reader: Reader) -> None:
        """Close a reader whose client accepts nothing. A plain stream without other readers is cancelled."""
        if self.is_stored or len(self._readers) > 1:
            reader.close()
        else:
            self.cancel("reader_stalled")

    def remove_reader(self, reader: Reader) -> None:
        """Remove a reader; idempotent. Without readers a plain stream ends, a resumable one after `grace`, or never."""
        if reader in self._readers:
            self._readers.remove(reader)
            self._discard_read()
        if not self._readers and self.pending_terminal is None:
            if not self.is_stored:
                self.cancel("reader_left")
            elif not self.context.is_background:
                self._grace.start()
        self._stop_timers()

    def _has_remote_readers(self) -> bool:
        return self.sink is not None and self.sink.has_remote_readers(self)

    def _discard_read(self) -> None:
        self._buffer.release(min([reader.position for reader in self._readers], default=0), is_replayed=self.is_stored)
        if not self.is_stored:
            self._back_pressure.relieve()

    @property
    def has_readers(self) -> bool:
        """Whether the stream has readers at this worker."""
        return bool(self._readers)

    def close_readers(self) -> None:
        """Close all readers at this worker."""
        for reader in self._readers[:]:
            reader.close()

    def detach_store(self) -> None:
        """Become a plain stream for the current readers, because the store is unreachable or full."""
        sink, self.sink = self.sink, None
        self._discard_read()
        if not self._readers:
            self.cancel("reader_left")
        if sink is not None:
            sink.detach(self)

    # Ending the stream

    def cancel(self, reason: CancelReason) -> None:
        """End the stream with `Cancelled`, unless its end is decided."""
        self.stop(Cancelled(reason))

    def fail(self, error: HeadraceError) -> None:
        """End the stream with `Failed`, unless its end is decided."""
        if self.pending_terminal is None:
            self.error = error
            self.stop(Failed(error.code, error.message, error.retryable))

    def stop(self, terminal: TerminalEvent) -> None:
        """Decide the terminal event and interrupt the producer. The first call counts; never raises, never blocks."""
        if self.pending_terminal is None:
            self.pending_terminal = terminal
            if self.interrupt is not None:
                self.interrupt()

    def _stop_timers(self) -> None:
        if self.terminal is not None and not self._readers:  # a remaining reader's client must not stall forever
            self._deadlines.stop()
            self._grace.stop()

    def _current_deadlines(self) -> Iterator[Deadline]:
        for reader in self._readers:
            yield from reader.deadlines()
        # Once the end is decided, the source may take its time to close.
        if self.pending_terminal is None:
            tracker, is_blocked = self._usage_tracker, self._back_pressure.is_blocked
            yield from source_deadlines(self, tracker.active_at, is_timed=tracker.is_timed, is_blocked=is_blocked)
