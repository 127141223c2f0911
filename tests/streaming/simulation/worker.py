"""A worker of the simulation, and what fills its streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import gevent

from flask_headrace.core.events import (
    TERMINAL_EVENTS,
    Completed,
    Event,
    Failed,
    TextDelta,
    ToolCallCompleted,
    ToolCallStarted,
)
from flask_headrace.core.pricing import FREE
from flask_headrace.streaming.context import StreamContext, StreamLimits
from flask_headrace.streaming.registry import StreamRegistry
from flask_headrace.streaming.resumable_streams import ResumableStreams
from flask_headrace.streaming.resume.store_writer import StoreWriter
from flask_headrace.streaming.session import StreamSession
from tests.streaming.simulation.store import Door
from tests.streaming.simulation.weather import TICK

TARGET = StreamContext("acme/tiny", "acme", "tiny", FREE, prompt_bytes=40)
LIMITS = StreamLimits(
    heartbeat=5.0,
    first_token=10.0,
    stall=10.0,
    duration=40.0,
    client=12.0,
    max_buffer_bytes=1500,
    grace=8.0,
    max_stored_bytes=100_000,
)


class Ordered(dict[object, None]):
    """A set that gives its things in the order in which they came: sets do so by their places in memory."""

    def add(self, thing: object) -> None:
        self[thing] = None

    def discard(self, thing: object) -> None:
        self.pop(thing, None)


class Worker:
    """A worker: its streams, its journal, and its way to those of others.

    Attributes:
        ended: The sessions that were accounted for.
        seats: The greenlets of those who read here.
    """

    def __init__(self, door: Door, limits: StreamLimits, most: int) -> None:
        self.door = door
        self.journal = StoreWriter(door)
        self.started: list[StreamSession] = []
        self.ended: list[StreamSession] = []
        self.seats = Ordered()
        self.streams = StreamRegistry(limits, most, self.started.append, self.ended.append, self.journal)
        self.streams._stored_readers = Ordered()  # type: ignore[assignment]
        self.resumption = ResumableStreams(self.streams, self.journal)

    @property
    def name(self) -> str:
        return self.journal.worker

    @property
    def is_dead(self) -> bool:
        return self.door.is_dead

    def die(self) -> None:
        """Be killed: nothing of it happens any more, and those who read here have lost their connection."""
        self.door.die()
        for seat in list(self.seats):
            seat.kill(block=False)  # type: ignore[attr-defined]

    def left_over(self) -> dict[str, object]:
        """Return what it holds; nothing where all streams have ended."""
        journal = self.journal
        held = {
            "kept": journal._kept,
            "claims": journal._claims,
            "owed": journal.owed._steps,
            "busy": journal.owed._busy,
            "in vain": journal._in_vain,
            "mail": journal._outbox._mail,
            "due": journal._outbox._due,
            "open": self.streams._open,
            "replicas": self.streams._stored_readers,
            "untold": [session for session in self.started if self.ended.count(session) != 1],
        }
        return {name: thing for name, thing in held.items() if thing}


@dataclass
class Telling:
    """What one source says: the words, and the end that it gives; each opening of an id has one of its own.

    Attributes:
        said: How many words it has said.
        is_unwritable: Whether it has said what cannot be written into a store.
    """

    number: int
    id: str
    said: int = 0
    is_unwritable: bool = False
    worker: Worker | None = None

    def word(self, number: int, size: int) -> str:
        return f"{self.number}.{number}:{'x' * size} "


class Script:
    """How a source goes, as a seed decides: words with pauses between, and an end or none."""

    def __init__(self, rng: Random, end: str | None = None) -> None:
        big = rng.random() < 0.2
        self.steps = [self._step(rng, big=big) for _ in range(rng.choice([0, 1, 3, 8, 20, 60]))]
        some = rng.choice(["done", "done", "done", "raises", "fails", "stalls", "unwritable", "lingers"])
        self.end = end or some
        self.first = rng.choice([0.0, TICK, 1.0, 1.0, 4.0, 20.0 if rng.random() < 0.1 else 0.0])

    @staticmethod
    def _step(rng: Random, *, big: bool) -> tuple[float, int, int]:
        pause = rng.choice([0.0, 0.0, TICK, TICK, 0.25, 0.5, 1.0, 3.0 if rng.random() < 0.3 else 0.1])
        return pause, rng.choice([1, 1, 2, 5]), rng.choice([0, 5, 900 if big else 20])

    def source(self, telling: Telling, worker: Worker, on_begin: Callable[[], object]) -> Iterator[list[Event]]:
        """Say it."""
        on_begin()
        telling.worker = worker
        self._wait(worker, self.first)
        for pause, count, size in self.steps:
            self._wait(worker, pause)
            words = [telling.word(telling.said + number, size) for number in range(count)]
            telling.said += count
            yield [TextDelta(word) for word in words]
        yield from self._end(telling, worker)

    def _end(self, telling: Telling, worker: Worker) -> Iterator[list[Event]]:
        match self.end:
            case "done" | "lingers":
                yield [Completed("stop")]
                if self.end == "lingers":
                    self._wait(worker, 20.0)
            case "raises":
                raise ConnectionError("simulated")
            case "fails":
                yield [Failed("mine", "so it is", retryable=False)]
            case "stalls":
                self._wait(worker, 60.0)
            case "unwritable":
                telling.is_unwritable = True
                yield [ToolCallStarted(0, "c1", "find"), ToolCallCompleted(0, {"q": object()})]
                yield [Completed("stop")]

    @staticmethod
    def _wait(worker: Worker, seconds: float) -> None:
        gevent.sleep(seconds)
        worker.door.park()


def is_terminal(event: Event) -> bool:
    return isinstance(event, TERMINAL_EVENTS)
