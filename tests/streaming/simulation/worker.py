"""A worker of the simulation, and the sources of its streams."""

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
from tests.streaming.simulation.faults import TICK
from tests.streaming.simulation.store import StoreProxy

CONTEXT = StreamContext("acme/tiny", "acme", "tiny", FREE, prompt_bytes=40)
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
    """A set in the order of insertion: the order of a `set` depends on memory addresses."""

    def add(self, thing: object) -> None:
        self[thing] = None

    def discard(self, thing: object) -> None:
        self.pop(thing, None)


class Worker:
    """A worker: its streams, its store writer, and its access to the streams of other workers.

    Attributes:
        ended: The sessions whose end was reported.
        greenlets: The greenlets of the readers at this worker.
    """

    def __init__(self, proxy: StoreProxy, limits: StreamLimits, most: int) -> None:
        self.proxy = proxy
        self.store_writer = StoreWriter(proxy)
        self.started: list[StreamSession] = []
        self.ended: list[StreamSession] = []
        self.greenlets = Ordered()
        self.streams = StreamRegistry(limits, most, self.started.append, self.ended.append, self.store_writer)
        self.streams._stored_readers = Ordered()  # type: ignore[assignment]
        self.resumable = ResumableStreams(self.streams, self.store_writer)

    @property
    def name(self) -> str:
        return self.store_writer.worker

    @property
    def is_dead(self) -> bool:
        return self.proxy.is_dead

    def die(self) -> None:
        """Be killed: no greenlet of the worker continues, and its readers lose their connections."""
        self.proxy.die()
        for greenlet in list(self.greenlets):
            greenlet.kill(block=False)  # type: ignore[attr-defined]

    def left_over(self) -> dict[str, object]:
        """Return the state that was not cleaned up; empty if all streams have ended."""
        writer = self.store_writer
        held = {
            "stored": writer._stored,
            "claims": writer._claims,
            "pending": writer.pending._operations,
            "locks": writer.pending._locks,
            "failed claims": writer._failed_claims,
            "queues": writer._write_queue._queues,
            "unwritten": writer._write_queue._unwritten,
            "open": self.streams._open,
            "replicas": self.streams._stored_readers,
            "untold": [session for session in self.started if self.ended.count(session) != 1],
        }
        return {name: thing for name, thing in held.items() if thing}


@dataclass
class Answer:
    """The answer of one source: its words and its end. Each opening of an id has an answer of its own.

    Attributes:
        word_count: How many words it has yielded.
        is_unwritable: Whether it has yielded an event that cannot be encoded.
    """

    number: int
    id: str
    word_count: int = 0
    is_unwritable: bool = False
    worker: Worker | None = None

    def word(self, number: int, size: int) -> str:
        return f"{self.number}.{number}:{'x' * size} "


class Script:
    """The steps of a source, chosen at random: words with pauses between, and an end or none."""

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

    def source(self, answer: Answer, worker: Worker, on_begin: Callable[[], object]) -> Iterator[list[Event]]:
        """Yield the events."""
        on_begin()
        answer.worker = worker
        self._wait(worker, self.first)
        for pause, count, size in self.steps:
            self._wait(worker, pause)
            words = [answer.word(answer.word_count + number, size) for number in range(count)]
            answer.word_count += count
            yield [TextDelta(word) for word in words]
        yield from self._end(answer, worker)

    def _end(self, answer: Answer, worker: Worker) -> Iterator[list[Event]]:
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
                answer.is_unwritable = True
                yield [ToolCallStarted(0, "c1", "find"), ToolCallCompleted(0, {"q": object()})]
                yield [Completed("stop")]

    @staticmethod
    def _wait(worker: Worker, seconds: float) -> None:
        gevent.sleep(seconds)
        worker.proxy.block_if_dead()


def is_terminal(event: Event) -> bool:
    return isinstance(event, TERMINAL_EVENTS)
