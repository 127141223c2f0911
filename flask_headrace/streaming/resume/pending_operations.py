"""What this worker still has to do in the store for single streams: take back a claim, or end what has no end there.

Each stream is dealt with by itself: where one cannot be helped, the others are. Whoever is about to begin or to end
a stream is alone with its id meanwhile. It knows ids and what to do, not what that means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

from gevent.event import Event as Flag

from ...core.errors import StoreUnavailable
from ..internal_error import log

Operation: TypeAlias = Callable[[], bool]
"""Does what is owed for one stream and returns whether it is done; raises StoreUnavailable where it must wait."""

MAX_ATTEMPTS = 10
"""How often what fails in a way that nobody expected is tried, before the stream is given up."""


class PendingOperations:
    """What is owed for streams, by their ids."""

    def __init__(self) -> None:
        self._steps: dict[str, Operation] = {}
        self._busy: dict[str, Flag] = {}
        self._mistakes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._steps)

    @contextmanager
    def lock(self, id_: str) -> Iterator[None]:
        """Let nobody else of this worker begin, end or take over a stream meanwhile. May wait."""
        while (other := self._busy.get(id_)) is not None:
            other.wait()
        mine = self._busy[id_] = Flag()
        try:
            yield
        finally:
            del self._busy[id_]
            mine.set()

    def schedule(self, id_: str, step: Operation) -> None:
        """Do this for a stream, and nothing that was owed for it before, when `settle` is called next."""
        self._steps[id_] = step

    def schedule_if_absent(self, id_: str, step: Operation) -> None:
        """Do this for a stream when `settle` is called next, unless something is owed for it already."""
        self._steps.setdefault(id_, step)

    def is_pending(self, id_: str) -> bool:
        """Whether anything is owed for a stream."""
        return id_ in self._steps

    def discard(self, id_: str) -> None:
        """Owe nothing for a stream any more."""
        self._steps.pop(id_, None)
        self._mistakes.pop(id_, None)

    def run(self, id_: str) -> None:
        """Do what is owed for a stream; only for who is alone with it.

        Raises:
            StoreUnavailable: it cannot be done now, and is still owed.
        """
        step = self._steps.get(id_)
        if step is None:
            return
        try:
            is_done = step()
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001  # one stream that cannot be helped must not keep the others waiting
            log.exception("stream %s could not be ended in the store", id_)
            self._mistakes[id_] = self._mistakes.get(id_, 0) + 1
            is_done = self._mistakes[id_] >= MAX_ATTEMPTS
        if is_done and self._steps.get(id_) is step:
            self.discard(id_)

    def schedule_and_run(self, id_: str, step: Operation) -> None:
        """Owe this for a stream, and try to do it at once; only for who is alone with it."""
        self.schedule(id_, step)
        with suppress(StoreUnavailable):
            self.run(id_)

    def run_all(self) -> None:
        """Do what can be done.

        Raises:
            StoreUnavailable: the rest cannot be done now.
        """
        for id_ in list(self._steps):
            with self.lock(id_):
                self.run(id_)
