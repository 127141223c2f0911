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

    __slots__ = ("_parked", "_waking")

    def __init__(self) -> None:
        self._parked: greenlet | None = None
        self._waking: Any = None

    @property
    def is_taken(self) -> bool:
        """Whether a greenlet waits here that nothing has woken yet."""
        return self._parked is not None and self._waking is None

    def wait(self) -> None:
        """Wait until woken. The greenlet may also be killed here."""
        self._parked = getcurrent()
        try:
            get_hub().switch()
        finally:
            self._parked = None
            # Killed after it was woken: the switch that is under way must not reach it in some later wait.
            if self._waking is not None:
                self._waking.stop()
                self._waking = None

    def wake(self) -> None:
        """Let the parked greenlet run in the loop's next turn. May be called from the loop itself."""
        if self.is_taken:
            self._waking = get_hub().loop.run_callback(self._parked.switch)  # type: ignore[union-attr]

    def switch_to(self) -> None:
        """Let the parked greenlet run at once and come back when it next waits."""
        hub, current = get_hub(), getcurrent()
        if current is hub:
            self.wake()
        elif self.is_taken:
            back = hub.loop.run_callback(current.switch)
            try:
                self._parked.switch()  # type: ignore[union-attr]
            except BaseException:
                back.stop()
                raise
