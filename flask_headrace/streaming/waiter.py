"""A place where one greenlet waits until another wakes it: soon, or at once.

gevent's own Event and Waiter wake through the event loop: all that is ready runs first. A token should not wait for
that, so `switch_to` switches to the parked greenlet directly and puts the caller back by the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gevent import get_hub, getcurrent

if TYPE_CHECKING:
    from greenlet import greenlet


class GreenletWaiter:
    """Room for one waiting greenlet. Waking an empty place does nothing."""

    __slots__ = ("_greenlet", "_wake_callback")

    def __init__(self) -> None:
        self._greenlet: greenlet | None = None
        self._wake_callback: Any = None

    @property
    def is_waiting(self) -> bool:
        """Whether a greenlet waits here that nothing has woken yet."""
        return self._greenlet is not None and self._wake_callback is None

    def wait(self) -> None:
        """Wait until woken. The greenlet may also be killed here."""
        self._greenlet = getcurrent()
        try:
            get_hub().switch()
        finally:
            self._greenlet = None
            # Killed after it was woken: the switch that is under way must not reach it in some later wait.
            if self._wake_callback is not None:
                self._wake_callback.stop()
                self._wake_callback = None

    def wake(self) -> None:
        """Let the parked greenlet run in the loop's next turn. May be called from the loop itself."""
        if self.is_waiting:
            self._wake_callback = get_hub().loop.run_callback(self._greenlet.switch)  # type: ignore[union-attr]

    def switch_to(self) -> None:
        """Let the parked greenlet run at once and come back when it next waits."""
        hub, current = get_hub(), getcurrent()
        if current is hub:
            self.wake()
        elif self.is_waiting:
            back = hub.loop.run_callback(current.switch)
            try:
                self._greenlet.switch()  # type: ignore[union-attr]
            except BaseException:
                back.stop()
                raise
