"""What can be read, and what reads it. Types alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ..core.errors import HeadraceError
from ..core.events import CancelReason, Event, Terminal, Usage
from .context import Limits, Target
from .deadlines import Due
from .waiter import Parking


class Reader(Protocol):
    """A reader as its stream sees it.

    Attributes:
        position: The number of the last event that it was handed.
    """

    position: int

    @property
    def parking(self) -> Parking: ...  # noqa: D102
    def dues(self) -> Iterator[Due]: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class Stream(Protocol):
    """What can be followed."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def target(self) -> Target: ...  # noqa: D102
    @property
    def limits(self) -> Limits: ...  # noqa: D102
    @property
    def terminal(self) -> Terminal | None: ...  # noqa: D102
    @property
    def is_kept(self) -> bool: ...  # noqa: D102
    @property
    def is_told(self) -> bool: ...  # noqa: D102
    @property
    def error(self) -> HeadraceError | None: ...  # noqa: D102
    @property
    def first_event_at(self) -> float | None: ...  # noqa: D102
    @property
    def usage(self) -> Usage | None: ...  # noqa: D102
    def join(self, follower: Reader) -> None: ...  # noqa: D102
    def take(self, follower: Reader) -> list[Event]: ...  # noqa: D102
    def lose(self, follower: Reader) -> None: ...  # noqa: D102
    def leave(self, follower: Reader) -> None: ...  # noqa: D102
    def cancel(self, reason: CancelReason) -> None: ...  # noqa: D102
    def fail(self, error: HeadraceError) -> None: ...  # noqa: D102
