"""The interface between a readable stream and its readers. Types only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ..core.errors import HeadraceError
from ..core.events import CancelReason, Event, TerminalEvent, Usage
from .context import StreamContext, StreamLimits
from .deadlines import Deadline
from .recording import Recording
from .waiter import GreenletWaiter


class Reader(Protocol):
    """The part of a reader that its stream uses.

    Attributes:
        position: The number of the last event that the reader received.
        replayed: The number of the last event that was older than the reader; set by the stream.
    """

    position: int
    replayed: int

    @property
    def waiter(self) -> GreenletWaiter: ...  # noqa: D102
    def deadlines(self) -> Iterator[Deadline]: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class ReadableStream(Protocol):
    """A stream that can be read: one of this worker, or one from the store."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def context(self) -> StreamContext: ...  # noqa: D102
    @property
    def limits(self) -> StreamLimits: ...  # noqa: D102
    @property
    def terminal(self) -> TerminalEvent | None: ...  # noqa: D102
    @property
    def is_stored(self) -> bool: ...  # noqa: D102
    @property
    def is_reported(self) -> bool: ...  # noqa: D102
    @property
    def pending_terminal(self) -> TerminalEvent | None: ...  # noqa: D102
    @property
    def error(self) -> HeadraceError | None: ...  # noqa: D102
    @property
    def first_event_at(self) -> float | None: ...  # noqa: D102
    @property
    def recording(self) -> Recording | None: ...  # noqa: D102
    @property
    def usage(self) -> Usage | None: ...  # noqa: D102
    def add_reader(self, reader: Reader) -> None: ...  # noqa: D102
    def take_events(self, reader: Reader) -> list[Event]: ...  # noqa: D102
    def drop_reader(self, reader: Reader) -> None: ...  # noqa: D102
    def remove_reader(self, reader: Reader) -> None: ...  # noqa: D102
    def cancel(self, reason: CancelReason) -> None: ...  # noqa: D102
    def fail(self, error: HeadraceError) -> None: ...  # noqa: D102
