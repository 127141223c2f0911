"""Where the events of a resumable stream are written to, and what that needs of the stream. Types alone."""

from __future__ import annotations

from typing import Protocol

from ..core.errors import HeadraceError
from ..core.events import CancelReason, Event, Terminal
from .context import Target


class StoredStream(Protocol):
    """A stream as the sink of its events sees it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def target(self) -> Target: ...  # noqa: D102
    @property
    def ending(self) -> Terminal | None: ...  # noqa: D102
    @property
    def is_kept(self) -> bool: ...  # noqa: D102
    def cancel(self, reason: CancelReason) -> None: ...  # noqa: D102
    def fail(self, error: HeadraceError) -> None: ...  # noqa: D102
    def keep_no_more(self) -> None: ...  # noqa: D102


class Keeper(Protocol):
    """Keeps the events of streams, so that other workers and later readers can have them."""

    def keep(self, session: StoredStream, first: int, events: list[Event]) -> None:
        """Take the next events, of which the first has that number. Must not block."""
        ...

    def let_go(self, session: StoredStream) -> None:
        """Keep nothing more of a stream that goes on, and tell those who follow it elsewhere."""
        ...

    def is_attended(self, session: StoredStream) -> bool:
        """Whether anybody reads the stream elsewhere. May wait."""
        ...
