"""Where the events of a resumable stream are written to, and what that needs of the stream. Types alone."""

from __future__ import annotations

from typing import Protocol

from ..core.errors import HeadraceError
from ..core.events import CancelReason, Event, TerminalEvent
from .context import StreamContext


class StoredStream(Protocol):
    """A stream as the sink of its events sees it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def context(self) -> StreamContext: ...  # noqa: D102
    @property
    def pending_terminal(self) -> TerminalEvent | None: ...  # noqa: D102
    @property
    def is_stored(self) -> bool: ...  # noqa: D102
    def cancel(self, reason: CancelReason) -> None: ...  # noqa: D102
    def fail(self, error: HeadraceError) -> None: ...  # noqa: D102
    def detach_store(self) -> None: ...  # noqa: D102


class EventSink(Protocol):
    """Keeps the events of streams, so that other workers and later readers can have them."""

    def write(self, session: StoredStream, first: int, events: list[Event]) -> None:
        """Take the next events, of which the first has that number. Must not block."""
        ...

    def detach(self, session: StoredStream) -> None:
        """Keep nothing more of a stream that goes on, and tell those who follow it elsewhere."""
        ...

    def has_remote_readers(self, session: StoredStream) -> bool:
        """Whether anybody reads the stream elsewhere. May wait."""
        ...
