"""Operations on single streams that this worker could not complete in the store yet, such as withdrawing a claim.

Each stream has its own operation, so one that fails does not block the others. A lock per stream id keeps two greenlets
of this worker from beginning or ending the same stream at once. This module knows ids and callables, not their meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

from gevent.event import Event as Flag

from ...core.errors import StoreUnavailable
from ..internal_error import log

Operation: TypeAlias = Callable[[], bool]
"""Does the work for one stream. Returns whether it is complete; raises StoreUnavailable to be called again later."""

MAX_ATTEMPTS = 10
"""How often an operation that raises an unexpected exception is attempted before it is discarded."""


class PendingOperations:
    """The pending operations, at most one per stream id."""

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}
        self._locks: dict[str, Flag] = {}
        self._failures: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._operations)

    @contextmanager
    def lock(self, id_: str) -> Iterator[None]:
        """Hold the lock of a stream id, so that no other greenlet of this worker begins, ends or acquires the stream.

        Waits until the lock is free.
        """
        while (other := self._locks.get(id_)) is not None:
            other.wait()
        mine = self._locks[id_] = Flag()
        try:
            yield
        finally:
            del self._locks[id_]
            mine.set()

    def schedule(self, id_: str, operation: Operation) -> None:
        """Set the pending operation of a stream, in place of any earlier one. The next `run` executes it."""
        self._operations[id_] = operation

    def schedule_if_absent(self, id_: str, operation: Operation) -> None:
        """Set the pending operation of a stream, unless the stream has one already."""
        self._operations.setdefault(id_, operation)

    def is_pending(self, id_: str) -> bool:
        """Whether a stream has a pending operation."""
        return id_ in self._operations

    def discard(self, id_: str) -> None:
        """Drop the pending operation of a stream, if there is one."""
        self._operations.pop(id_, None)
        self._failures.pop(id_, None)

    def run(self, id_: str) -> None:
        """Execute the pending operation of a stream, if there is one. Only for the caller that has its lock.

        An unexpected exception is logged; after `MAX_ATTEMPTS` of them the operation is discarded.

        Raises:
            StoreUnavailable: the store is away; the operation stays pending.
        """
        operation = self._operations.get(id_)
        if operation is None:
            return
        try:
            is_complete = operation()
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001  # one stream that fails must not block the others
            log.exception("The pending store operation of stream %s failed.", id_)
            self._failures[id_] = self._failures.get(id_, 0) + 1
            is_complete = self._failures[id_] >= MAX_ATTEMPTS
        if is_complete and self._operations.get(id_) is operation:
            self.discard(id_)

    def schedule_and_run(self, id_: str, operation: Operation) -> None:
        """Set the pending operation of a stream and execute it now. Only for the caller that has its lock.

        If the store is away, the operation stays pending.
        """
        self.schedule(id_, operation)
        with suppress(StoreUnavailable):
            self.run(id_)

    def run_all(self) -> None:
        """Execute all pending operations.

        Raises:
            StoreUnavailable: the store is away; the remaining operations stay pending.
        """
        for id_ in list(self._operations):
            with self.lock(id_):
                self.run(id_)
