"""When an answer was complete: the time is in its last event, since any worker may encode it, at any later time."""

from __future__ import annotations

import time

from msgspec.structs import replace

from ..core.events import Completed, TerminalEvent


def with_completion_time(terminal: TerminalEvent) -> TerminalEvent:
    """Return the terminal event of a stream that ends now; a `Completed` has this time."""
    return replace(terminal, completed_at=int(time.time())) if isinstance(terminal, Completed) else terminal
