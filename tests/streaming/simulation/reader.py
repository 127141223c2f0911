"""A client: it asks, or follows what others have asked, leaves, comes back at any worker, and reads at its own pace."""

from __future__ import annotations

import re
import time
from random import Random
from typing import TYPE_CHECKING

import gevent

from flask_headrace.core.errors import AnswerReplaced, HeadraceError, InvalidRequest, LimitError, StreamNotFound
from flask_headrace.core.events import Cancelled, Completed, Event, Failed, ResponseStarted, TextDelta, Usage
from flask_headrace.streaming.reader import StreamReader
from flask_headrace.streaming.session import StreamSession
from tests.streaming.simulation.shape import Shape
from tests.streaming.simulation.weather import TICK, Odd
from tests.streaming.simulation.worker import TARGET, Script, Telling, Worker, is_terminal

if TYPE_CHECKING:
    from tests.streaming.simulation.world import World

WORD = re.compile(r"(\d+)\.(\d+):x* ")

TOLD = {"not_resumable", "worker_lost"}
"""How a reader is told that there is a hole."""


class Wrong(AssertionError):
    """A promise was broken."""


class Reader:
    """One client of one stream.

    Attributes:
        last: The number of the last event that it has.
        incarnation: That of the stream that this is an event of.
        outcome: How its reading ended; None before.
    """

    def __init__(self, world: World, rng: Random, name: str, id_: str, shape: Shape) -> None:
        self.world, self._rng, self.name, self.id = world, rng, name, id_
        self.asks = rng.random() < shape.asks
        self.pace = rng.choice(shape.paces)
        self.leaves = rng.choice(shape.leaves)
        self.last = 0
        self.incarnation = ""
        self.words: list[tuple[int, int]] = []
        self.began_at = self.sat_at = 0.0
        self.is_at_home = False
        self.sittings = 0
        self.starts = 0
        self.end: Event | None = None
        self.outcome: str | None = None

    def note(self, what: str) -> None:
        self.world.note(self.name, what)

    def live(self) -> None:
        """Come, read, leave and come back until there is nothing more to be read."""
        self.began_at = time.monotonic()
        tries = 0
        while self.outcome is None:
            worker = self.world.any_worker()
            follower = None
            if worker is not None:
                follower = self._come(worker, tries)
                tries += 1
            if follower is not None and worker is not None:
                self._sit(worker, follower)
            if self.outcome is None:
                gevent.sleep(self._pause())

    def _pause(self) -> float:
        if self.world.is_over:
            return 1.0
        grace = self.world.limits.grace
        return self._rng.choice([TICK, 1.0, 5.0, grace, grace, grace + TICK, grace - TICK])

    def _come(self, worker: Worker, tries: int) -> StreamReader | None:
        # A connection that breaks in this takes the waiting greenlet along.
        asking = gevent.spawn(self._ask, worker)
        worker.seats.add(asking)
        asking.join(100.0)
        worker.seats.discard(asking)
        if not asking.dead and not worker.is_dead:
            raise Wrong(f"{self.name} had no answer within 100 s at all, not even a refusal")
        return None if worker.is_dead else self._answered(worker, asking.get(), tries)

    def _answered(self, worker: Worker, got: object, tries: int) -> StreamReader | None:
        match got:
            case StreamReader():
                self.note(f"sits at {worker.name} after {self.last}: {got.session!r}"[:90])
                return got
            case StreamNotFound():
                self._unknown(tries)
            case InvalidRequest():
                self._refused_cursor()
            case AnswerReplaced():
                self._replaced()
            case LimitError() | Odd():
                self.note(f"is refused: {got!r:.60}")
            case _:
                self._has_all(got)
        return None

    def _ask(self, worker: Worker) -> StreamReader | HeadraceError | Odd | None:
        try:
            return self._asked(worker)
        except (HeadraceError, Odd) as error:
            return error

    def _asked(self, worker: Worker) -> StreamReader | None:
        if not self.asks or self.last:
            follower = worker.resumption.resume(self.id, "", self.last, incarnation=self.incarnation)
        else:
            script, telling = self.world.next_telling(self.id)
            follower = worker.resumption.open(
                self.id, "q", TARGET, lambda: script.source(telling, worker, lambda: self.world.tell(telling))
            )
        session = None if follower is None else follower.session
        self.is_at_home = isinstance(session, StreamSession) and session.pending_terminal is None
        return follower

    def _unknown(self, tries: int) -> None:
        # An honest answer where it has been forgotten, or has not begun.
        self.note("finds no stream")
        if self.last and not self.world.may_be_gone(self):
            raise Wrong(f"{self.name} is told that there is no stream {self.id}, after {self.last}")
        if self.last or tries > 20 or self.world.is_over:
            self.outcome = "unknown"

    def _refused_cursor(self) -> None:
        store = self.world.store
        if not store.has_lost(self.id) and not store.was_behind:
            raise Wrong(f"{self.name} is told that {self.last} is the number of no event")
        self.outcome = "cursor"

    def _replaced(self) -> None:
        self.note("is told that its answer was replaced")
        if not self.world.may_be_gone(self):
            raise Wrong(f"{self.name} is told that {self.incarnation} of {self.id} was replaced, and it was not")
        self.outcome = "replaced"

    def _has_all(self, got: object) -> None:
        assert got is None, got
        if self.end is None and not self.world.may_be_gone(self):
            raise Wrong(f"{self.name} is told that it has all of {self.id}, and has no end of it")
        self.outcome = "whole"

    # A sitting

    def _sit(self, worker: Worker, follower: StreamReader) -> None:
        follower.on_stall = follower.close  # as its connection is then
        seat = gevent.spawn(self._read, follower)
        worker.seats.add(seat)
        self.sittings += 1
        began_at = self.sat_at = time.monotonic()
        seat.join(self.world.longest_sitting)
        worker.seats.discard(seat)
        if not seat.dead:
            raise Wrong(f"{self.name} has no end after {time.monotonic() - began_at:.0f} s at {follower.session!r}")
        if self.end is not None:
            self.outcome = "end"
        if not worker.is_dead:
            self._rise(seat, follower)

    def _rise(self, seat: gevent.Greenlet, follower: StreamReader) -> None:
        if (told := seat.get()) is not None:
            self.note(f"is told {told.code}")
            self.outcome = "error"
            return
        error = follower.session.error
        if self.outcome is None and self.last == 0 and error is not None and not isinstance(error, LimitError):
            self.note(f"is told {error.code}")
            if not self.asks:
                self.outcome = "error"
        self.note(f"rises with {self.last}")

    def _read(self, follower: StreamReader) -> HeadraceError | None:
        try:
            self._read_on(follower)
        except HeadraceError as error:
            follower.close()
            return error
        return None

    def _read_on(self, follower: StreamReader) -> None:
        waited_from = time.monotonic()
        here: set[int] = set()
        silences = 0
        for events in follower:
            if time.monotonic() - waited_from > self.world.limits.heartbeat + 1.0:  # type: ignore[operator]
                raise Wrong(f"{self.name} had no heartbeat for {time.monotonic() - waited_from:.1f} s")
            for number, event in enumerate(events, follower.position - len(events) + 1):
                self._take(number, event, here)
            if events:
                self.incarnation = follower.session.context.incarnation
            silences = 0 if events else silences + 1
            if silences > 5 and self.world.is_over_for(self.id):
                raise Wrong(f"{self.name} waits for {silences} heartbeats, and the stream has ended")
            if self._rng.random() < self.leaves and not self.world.is_over:
                follower.close()
                return
            if events and self.pace:
                self._read_slowly(follower)
            waited_from = time.monotonic()

    def _read_slowly(self, follower: StreamReader) -> None:
        gevent.sleep(self.pace)
        if self.pace > 2 * self.world.limits.client and not follower._is_closed:  # type: ignore[operator]
            raise Wrong(f"{self.name} has accepted nothing for {self.pace} s, and is still there")

    def _take(self, number: int, event: Event, here: set[int]) -> None:
        if number <= self.last:
            raise Wrong(f"{self.name} gets number {number} after {self.last}: {event}")
        if self.end is not None:
            raise Wrong(f"{self.name} gets {event} after {self.end}")
        if number != self.last + 1 and not self.is_told_of_a_hole(event):
            raise Wrong(f"{self.name} gets number {number} after {self.last}: {event}")
        self.last = number
        match event:
            case ResponseStarted():
                self.starts += 1
            case TextDelta(text):
                for telling, place in WORD.findall(text):
                    self._hear(int(telling), int(place), here)
            case _ if is_terminal(event):
                self.end = event
                self.note(f"has its end: {event}")
                self.check_end(event)

    @staticmethod
    def is_told_of_a_hole(event: Event) -> bool:
        return isinstance(event, Usage) or (isinstance(event, Failed) and event.code in TOLD)

    def _hear(self, telling: int, place: int, here: set[int]) -> None:
        here.add(telling)
        if len(here) > 1:
            raise Wrong(f"{self.name} hears two answers in one sitting: {sorted(here)}")
        if self.words and self.words[-1][0] != telling:
            # Also where the store has lost the first: what is asked then with its id is another answer.
            raise Wrong(f"{self.name} hears {telling} after {self.words[-1][0]}")
        if place != len(self.words):
            raise Wrong(f"{self.name} hears word {place} of {telling} after {len(self.words)} words")
        self.words.append((telling, place))

    def _check_that_it_was_away(self) -> None:
        ended_at = self.world.ended_at(self.id)
        was_seen = self.sat_at + 2.0 < ended_at and not self.world.weather.has_hidden_readers
        if self.is_at_home or (was_seen and self.world.incarnations(self.id) < 2):
            raise Wrong(f"{self.name} sits there since {self.sat_at}, and is told that no reader was there")

    def check_end(self, event: Event) -> None:
        """Check that an end is the stream's own, and comes after all of it."""
        if isinstance(event, Failed) and event.code in TOLD:
            if not self.world.may_have_a_hole(self):
                raise Wrong(f"{self.name} is told {event.code}, and nothing was lost")
            return
        if event == Cancelled("reader_left"):
            self._check_that_it_was_away()
        telling = self.world.telling_of(self)
        if telling is None:
            return
        is_whole = isinstance(event, Completed) or (isinstance(event, Failed) and event.code in {"mine", "internal"})
        if is_whole and not telling.is_unwritable and len(self.words) != telling.said:
            raise Wrong(f"{self.name} has {len(self.words)} of {telling.said} words, and {event}")
        known = self.world.ends.setdefault(telling.number, event)
        if known != event and not telling.is_unwritable:
            raise Wrong(f"{self.name} has the end {event}, others have {known}")


__all__ = ["Reader", "Script", "Telling", "Wrong"]
