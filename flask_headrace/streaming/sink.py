"""The interface between a resumable stream and the writer of its events. Types only."""

from __future__ import annotations

from typing import Protocol

from ..core.errors import HeadraceError
from ..core.events import CancelReason, Event, TerminalEvent
from .context import StreamContext
from .recording import Recording


class StoredStream(Protocol):
    """The part of a stream that an `EventSink` uses."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def context(self) -> StreamContext: ...  # noqa: D102
    @property
    def recording(self) -> Recording | None: ...  # noqa: D102
    @property
    def pending_terminal(self) -> TerminalEvent | None: ...  # noqa: D102
    @property
    def is_stored(self) -> bool: ...  # noqa: D102
    def cancel(self, reason: CancelReason) -> None: ...  # noqa: D102
    def fail(self, error: HeadraceError) -> None: ...  # noqa: D102
    def detach_store(self) -> None: ...  # noqa: D102


class EventSink(Protocol):
    """Writes the events of streams into a store, for other workers and later readers."""

    def write(self, session: StoredStream, first: int, events: list[Event]) -> None:
        """Write the next events. Must not block.

        Args:
            session: The stream.
            first: The number of the first of the events.
            events: The events.
        """
        ...

    def detach(self, session: StoredStream) -> None:
        """Stop writing a stream that continues, and end its readers on other workers with an error."""
        ...

    def has_remote_readers(self, session: StoredStream) -> bool:
        """Return whether the stream has readers on other workers. May block."""
        ...
