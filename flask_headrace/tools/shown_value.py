"""When a value that a tool yields is shown to readers: its last one is the result."""

from __future__ import annotations

from collections.abc import Callable

import gevent

SHOW_AFTER = 0.2
"""Seconds after which a value of a generator is shown though no other one has followed."""


class ShownValue:
    """A value that is shown when another one follows, or after `SHOW_AFTER` seconds.

    Args:
        show: Shows it; may block while readers are behind.
    """

    def __init__(self, show: Callable[[], object]) -> None:
        self._show, self._has_begun = show, False
        self._later = gevent.spawn_later(SHOW_AFTER, self._begin)

    def _begin(self) -> None:
        self._has_begun = True
        self._show()

    def finish(self) -> None:
        """Show the value, unless it is shown, and return when readers may get it."""
        if self._has_begun:
            self._later.join()
        else:
            self._later.kill(block=False)
            self._show()

    def cancel(self) -> None:
        """Do not show the value, unless it is shown."""
        self._later.kill(block=False)
