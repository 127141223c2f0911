"""Makes the producer of a stream wait while readers are too far behind."""

from __future__ import annotations

from collections.abc import Callable

from .waiter import GreenletWaiter


class BackPressure:
    """Where one producer waits until there is space again.

    Attributes:
        is_blocked: Whether the producer waits.
    """

    __slots__ = ("_waiter", "is_blocked")

    def __init__(self) -> None:
        self._waiter = GreenletWaiter()
        self.is_blocked = False

    def wait_while(self, is_full: Callable[[], bool]) -> None:
        """Wait, each time until `relieve` is called, while `is_full` returns True."""
        self.is_blocked = True
        try:
            while is_full():
                self._waiter.wait()
        finally:
            self.is_blocked = False

    def relieve(self) -> None:
        """Let the producer look again. Does nothing if it does not wait."""
        if self.is_blocked:
            self._waiter.wake()
