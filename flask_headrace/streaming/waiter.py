"""Lets one greenlet wait until another wakes it: in the next turn of the event loop, or at once.

gevent's own Event and Waiter wake through the event loop, after all other callbacks that are ready. A token should not
wait for those, so `switch_to` switches to the waiting greenlet directly, and the loop resumes the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gevent import get_hub, getcurrent

if TYPE_CHECKING:
    from greenlet import greenlet


class GreenletWaiter:
    """Lets at most one greenlet wait. Waking does nothing if no greenlet waits."""

    __slots__ = ("_greenlet", "_wake_callback")

    def __init__(self) -> None:
        self._greenlet: greenlet | None = None
        self._wake_callback: Any = None

    @property
    def is_waiting(self) -> bool:
        """Whether a greenlet waits that was not woken yet."""
        return self._greenlet is not None and self._wake_callback is None

    def wait(self) -> None:
        """Block the current greenlet until another one wakes it. It may be killed meanwhile."""
        self._greenlet = getcurrent()
        try:
            get_hub().switch()
        finally:
            self._greenlet = None
            # If it was killed after it was woken, the pending switch must not reach it in a later wait.
            if self._wake_callback is not None:
                self._wake_callback.stop()
                self._wake_callback = None

    def wake(self) -> None:
        """Resume the waiting greenlet in the event loop's next turn. May be called from the loop itself."""
        if self.is_waiting:
            self._wake_callback = get_hub().loop.run_callback(self._greenlet.switch)  # type: ignore[union-attr]

    def switch_to(self) -> None:
        """Run the waiting greenlet at once; the caller continues when that greenlet waits again.

        From the event loop itself this is the same as `wake`.
        """
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
