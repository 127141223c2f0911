"""A client: it sends or resumes a request, leaves, reconnects to any worker, and reads at its own pace."""

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
from tests.streaming.simulation.faults import TICK, UnexpectedError
from tests.streaming.simulation.shape import Shape
from tests.streaming.simulation.worker import CONTEXT, Answer, Script, Worker, is_terminal

if TYPE_CHECKING:
    from tests.streaming.simulation.world import World

WORD = re.compile(r"(\d+)\.(\d+):x* ")

LOSS_CODES = {"not_resumable", "worker_lost"}
"""The codes of errors that report a loss of events."""


class BrokenPromise(AssertionError):
    """A promise was broken."""


class Reader:
    """One client of one stream.

    Attributes:
        last: The number of the last event that it has.
        incarnation: The incarnation of the stream of that event.
        outcome: How its reading ended; None before the end.
    """

    def __init__(self, world: World, rng: Random, name: str, id_: str, shape: Shape) -> None:
        self.world, self._rng, self.name, self.id = world, rng, name, id_
        self.asks = rng.random() < shape.asks
        self.pace = rng.choice(shape.paces)
        self.leaves = rng.choice(shape.leaves)
        self.last = 0
        self.incarnation = ""
        self.words: list[tuple[int, int]] = []
        self.began_at = self.connected_at = 0.0
        self.is_local = False
        self.connections = 0
        self.starts = 0
        self.end: Event | None = None
        self.outcome: str | None = None

    def note(self, what: str) -> None:
        self.world.note(self.name, what)

    def live(self) -> None:
        """Connect, read, leave and reconnect until there is nothing more to be read."""
        self.began_at = time.monotonic()
        tries = 0
        while self.outcome is None:
            worker = self.world.any_worker()
            stream_reader = None
            if worker is not None:
                stream_reader = self._connect(worker, tries)
                tries += 1
            if stream_reader is not None and worker is not None:
                self._read_stream(worker, stream_reader)
            if self.outcome is None:
                gevent.sleep(self._pause())

    def _pause(self) -> float:
        if self.world.is_over:
            return 1.0
        grace = self.world.limits.grace
        return self._rng.choice([TICK, 1.0, 5.0, grace, grace, grace + TICK, grace - TICK])

    def _connect(self, worker: Worker, tries: int) -> StreamReader | None:
        # A connection that breaks kills the waiting greenlet.
        asking = gevent.spawn(self._request, worker)
        worker.greenlets.add(asking)
        asking.join(100.0)
        worker.greenlets.discard(asking)
        if not asking.dead and not worker.is_dead:
            raise BrokenPromise(f"{self.name} had no answer within 100 s at all, not even a refusal")
        return None if worker.is_dead else self._handle_response(worker, asking.get(), tries)

    def _handle_response(self, worker: Worker, got: object, tries: int) -> StreamReader | None:
        match got:
            case StreamReader():
                self.note(f"connects to {worker.name} after {self.last}: {got.session!r}"[:90])
                return got
            case StreamNotFound():
                self._handle_not_found(tries)
            case InvalidRequest():
                self._handle_invalid_cursor()
            case AnswerReplaced():
                self._handle_replaced()
            case LimitError() | UnexpectedError():
                self.note(f"is refused: {got!r:.60}")
            case _:
                self._handle_complete(got)
        return None

    def _request(self, worker: Worker) -> StreamReader | HeadraceError | UnexpectedError | None:
        try:
            return self._open_stream(worker)
        except (HeadraceError, UnexpectedError) as error:
            return error

    def _open_stream(self, worker: Worker) -> StreamReader | None:
        if not self.asks or self.last:
            stream_reader = worker.resumable.resume(self.id, "", self.last, incarnation=self.incarnation)
        else:
            script, answer = self.world.next_answer(self.id)
            stream_reader = worker.resumable.open(
                self.id, "q", CONTEXT, lambda: script.source(answer, worker, lambda: self.world.note_started(answer))
            )
        session = None if stream_reader is None else stream_reader.session
        self.is_local = isinstance(session, StreamSession) and session.pending_terminal is None
        return stream_reader

    def _handle_not_found(self, tries: int) -> None:
        # Correct if the store has lost the stream, or the stream has not begun.
        self.note("finds no stream")
        if self.last and not self.world.may_be_gone(self):
            raise BrokenPromise(f"{self.name} is told that there is no stream {self.id}, after {self.last}")
        if self.last or tries > 20 or self.world.is_over:
            self.outcome = "unknown"

    def _handle_invalid_cursor(self) -> None:
        store = self.world.store
        if not store.has_lost(self.id) and not store.was_behind:
            raise BrokenPromise(f"{self.name} is told that {self.last} is the number of no event")
        self.outcome = "cursor"

    def _handle_replaced(self) -> None:
        self.note("gets the error that its answer was replaced")
        if not self.world.may_be_gone(self):
            raise BrokenPromise(
                f"{self.name} is told that {self.incarnation} of {self.id} was replaced, and it was not"
            )
        self.outcome = "replaced"

    def _handle_complete(self, got: object) -> None:
        assert got is None, got
        if self.end is None and not self.world.may_be_gone(self):
            raise BrokenPromise(f"{self.name} is told that it has all of {self.id}, and has no end of it")
        self.outcome = "whole"

    # A connection

    def _read_stream(self, worker: Worker, stream_reader: StreamReader) -> None:
        stream_reader.on_stall = stream_reader.close  # as the connection would be
        greenlet = gevent.spawn(self._read, stream_reader)
        worker.greenlets.add(greenlet)
        self.connections += 1
        began_at = self.connected_at = time.monotonic()
        greenlet.join(self.world.max_connection_seconds)
        worker.greenlets.discard(greenlet)
        if not greenlet.dead:
            raise BrokenPromise(
                f"{self.name} has no end after {time.monotonic() - began_at:.0f} s at {stream_reader.session!r}"
            )
        if self.end is not None:
            self.outcome = "end"
        if not worker.is_dead:
            self._disconnect(greenlet, stream_reader)

    def _disconnect(self, greenlet: gevent.Greenlet, stream_reader: StreamReader) -> None:
        if (error := greenlet.get()) is not None:
            self.note(f"gets the error {error.code}")
            self.outcome = "error"
            return
        error = stream_reader.session.error
        if self.outcome is None and self.last == 0 and error is not None and not isinstance(error, LimitError):
            self.note(f"gets the error {error.code}")
            if not self.asks:
                self.outcome = "error"
        self.note(f"leaves with {self.last}")

    def _read(self, stream_reader: StreamReader) -> HeadraceError | None:
        try:
            self._read_on(stream_reader)
        except HeadraceError as error:
            stream_reader.close()
            return error
        return None

    def _read_on(self, stream_reader: StreamReader) -> None:
        waited_from = time.monotonic()
        here: set[int] = set()
        silences = 0
        for events in stream_reader:
            if time.monotonic() - waited_from > self.world.limits.heartbeat + 1.0:  # type: ignore[operator]
                raise BrokenPromise(f"{self.name} had no heartbeat for {time.monotonic() - waited_from:.1f} s")
            for number, event in enumerate(events, stream_reader.position - len(events) + 1):
                self._take(number, event, here)
            if events:
                self.incarnation = stream_reader.session.context.incarnation
            silences = 0 if events else silences + 1
            if silences > 5 and self.world.is_over_for(self.id):
                raise BrokenPromise(f"{self.name} waits for {silences} heartbeats, and the stream has ended")
            if self._rng.random() < self.leaves and not self.world.is_over:
                stream_reader.close()
                return
            if events and self.pace:
                self._read_slowly(stream_reader)
            waited_from = time.monotonic()

    def _read_slowly(self, stream_reader: StreamReader) -> None:
        gevent.sleep(self.pace)
        if self.pace > 2 * self.world.limits.client and not stream_reader._is_closed:  # type: ignore[operator]
            raise BrokenPromise(f"{self.name} has accepted nothing for {self.pace} s, and is still there")

    def _take(self, number: int, event: Event, here: set[int]) -> None:
        if number <= self.last:
            raise BrokenPromise(f"{self.name} gets number {number} after {self.last}: {event}")
        if self.end is not None:
            raise BrokenPromise(f"{self.name} gets {event} after {self.end}")
        if number != self.last + 1 and not self.reports_loss(event):
            raise BrokenPromise(f"{self.name} gets number {number} after {self.last}: {event}")
        self.last = number
        match event:
            case ResponseStarted():
                self.starts += 1
            case TextDelta(text):
                for answer, place in WORD.findall(text):
                    self._check_word(int(answer), int(place), here)
            case _ if is_terminal(event):
                self.end = event
                self.note(f"has its end: {event}")
                self.check_end(event)

    @staticmethod
    def reports_loss(event: Event) -> bool:
        return isinstance(event, Usage) or (isinstance(event, Failed) and event.code in LOSS_CODES)

    def _check_word(self, answer: int, place: int, here: set[int]) -> None:
        here.add(answer)
        if len(here) > 1:
            raise BrokenPromise(f"{self.name} hears two answers in one sitting: {sorted(here)}")
        if self.words and self.words[-1][0] != answer:
            # Also if the store has lost the first answer: the next one with its id is another answer.
            raise BrokenPromise(f"{self.name} hears {answer} after {self.words[-1][0]}")
        if place != len(self.words):
            raise BrokenPromise(f"{self.name} hears word {place} of {answer} after {len(self.words)} words")
        self.words.append((answer, place))

    def _check_that_it_was_away(self) -> None:
        ended_at = self.world.ended_at(self.id)
        was_seen = self.connected_at + 2.0 < ended_at and not self.world.faults.has_hidden_readers
        if self.is_local or (was_seen and self.world.incarnations(self.id) < 2):
            raise BrokenPromise(
                f"{self.name} sits there since {self.connected_at}, and is told that no reader was there"
            )

    def check_end(self, event: Event) -> None:
        """Check that an end is the stream's own, and comes after all events."""
        if isinstance(event, Failed) and event.code in LOSS_CODES:
            if not self.world.may_have_a_hole(self):
                raise BrokenPromise(f"{self.name} is told {event.code}, and nothing was lost")
            return
        if event == Cancelled("reader_left"):
            self._check_that_it_was_away()
        answer = self.world.answer_of(self)
        if answer is None:
            return
        is_whole = isinstance(event, Completed) or (isinstance(event, Failed) and event.code in {"mine", "internal"})
        if is_whole and not answer.is_unwritable and len(self.words) != answer.word_count:
            raise BrokenPromise(f"{self.name} has {len(self.words)} of {answer.word_count} words, and {event}")
        known = self.world.ends.setdefault(answer.number, event)
        if known != event and not answer.is_unwritable:
            raise BrokenPromise(f"{self.name} has the end {event}, others have {known}")


__all__ = ["Answer", "BrokenPromise", "Reader", "Script"]
