"""A session whose events are stored, with what its worker needs to store them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..sink import StoredStream
from ..stores.base import StreamClaim


@dataclass(slots=True, frozen=True, eq=False)
class StoredSession:
    """A session whose events are stored.

    Args:
        session: The session.
        claim: The claim of its stream.
        unwatch: Ends the watch for a stop request.
    """

    session: StoredStream
    claim: StreamClaim
    unwatch: Callable[[], None]
