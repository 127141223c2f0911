"""One run of the simulation: workers, readers and a store, from a seed. Raises `BrokenPromise` if one is broken."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import gevent
import msgspec

from flask_headrace.core.events import Event
from flask_headrace.streaming.stores.base import LEASE_DURATION, StoreLimits
from tests.streaming.simulation.clock import QuietHub, virtual_time
from tests.streaming.simulation.faults import TICK, Faults, UnexpectedError, choose_kinds
from tests.streaming.simulation.reader import BrokenPromise, Reader
from tests.streaming.simulation.shape import choose_shape
from tests.streaming.simulation.store import SimulatedStore, StoreProxy
from tests.streaming.simulation.worker import LIMITS, Answer, Script, Worker

RETENTION = 40.0
"""Seconds for which a finished stream can be read."""

FAULTY_SECONDS = 50.0
"""Seconds after which no more faults happen."""


class World:
    """One run.

    Args:
        seed: Decides everything that is random.
        hub: The hub with the virtual clock.
        kinds: The kinds of faults that may happen; None to let the seed decide.
        **shape: Fields of `Shape` that the seed does not decide.
    """

    def __init__(self, seed: int, hub: QuietHub, kinds: set[str] | None = None, **shape: Any) -> None:
        self._rng = rng = Random(seed)
        self._hub = hub
        chosen = choose_kinds(rng)
        self.kinds = chosen if kinds is None else kinds
        self.shape = replace(choose_shape(rng), **shape)
        self.faults = Faults(rng, self.kinds, self.shape.slow_at)
        bounds = StoreLimits(1500 if "is small" in self.kinds else 10**6, 10**7, RETENTION)
        self.store = SimulatedStore(rng, self.faults, bounds)
        self.store.on_acquired = self._check_acquired
        self.limits = msgspec.structs.replace(LIMITS, grace=self.shape.grace, max_buffer_bytes=self.shape.buffer)
        self.trace: list[str] = []
        self.ends: dict[int, Event] = {}
        self.answers: list[Answer] = []
        self._started: list[Answer] = []
        self.is_over = self.was_acquired = self.was_away_for_long = False
        self.gone: list[Worker] = []
        self.workers = [self._new_worker() for _ in range(self.shape.workers)]
        self.readers = [self._new_reader(f"reader-{number}") for number in range(self.shape.readers)]
        self.max_connection_seconds = 300.0

    def _new_worker(self) -> Worker:
        proxy = StoreProxy(self.store, self.faults, self._rng.choice([0.0, TICK]))
        return Worker(proxy, self.limits, self.shape.most)

    def _new_reader(self, name: str) -> Reader:
        id_ = f"stream-{self._rng.randrange(self.shape.ids)}"
        return Reader(self, Random(self._rng.random()), name, id_, self.shape)

    def note(self, who: str, what: str) -> None:
        self.trace.append(f"{self._hub.loop.now():.4f} {who} {what}")

    # Called by readers

    def any_worker(self) -> Worker | None:
        return self._rng.choice(self.workers) if self.workers else None

    def next_answer(self, id_: str) -> tuple[Script, Answer]:
        self.answers.append(Answer(len(self.answers), id_))
        return Script(self._rng, self.shape.end), self.answers[-1]

    def note_started(self, answer: Answer) -> None:
        """Note that the source of an answer was started."""
        self.note(answer.id, f"is answered by {answer.number}")
        self._started.append(answer)

    def incarnations(self, id_: str) -> int:
        return sum(answer.id == id_ for answer in self._started)

    def answer_of(self, reader: Reader) -> Answer | None:
        if reader.words:
            return self.answers[reader.words[-1][0]]
        own = [answer for answer in self._started if answer.id == reader.id]
        return own[0] if len(own) == 1 else None

    def may_be_gone(self, reader: Reader) -> bool:
        """Whether the store may have lost a reader's stream, or its retention may be over."""
        kept_from = min(reader.began_at, self.ended_at(reader.id) or reader.began_at)
        is_old = self._hub.loop.now() - kept_from > RETENTION
        return is_old or bool(self.gone) or self.store.has_lost(reader.id)

    def may_have_a_hole(self, reader: Reader) -> bool:
        """Whether a part of a reader's stream may be lost, by the store or with its worker."""
        is_unwritable = any(answer.is_unwritable for answer in self._started if answer.id == reader.id)
        was_lost = self.store.has_lost(reader.id) or "is small" in self.kinds
        return was_lost or is_unwritable or bool(self.gone) or self.was_acquired or self.was_away_for_long

    def is_over_for(self, id_: str) -> bool:
        """Whether a stream has ended in the store, and the store has no fault that could hide that."""
        is_well = not self.kinds & {"goes away", "is slow at", "hangs"} or self.is_over
        record = self.store.find(id_)
        return is_well and record is not None and record.is_finished

    def ended_at(self, id_: str) -> float:
        """Return when a worker last ended a stream; 0.0 if none did."""
        ends = [one.ended_at or 0.0 for worker in self.workers for one in worker.started if one.id == id_]
        return max(ends, default=0.0)

    # Events of the run

    def run(self) -> None:
        """Run with faults, then without until all readers have an end, and check what is left."""
        self.note("the world", f"has {sorted(self.kinds)}, {self.shape}")
        lives = [gevent.spawn_later(self._rng.choice(self.shape.arrivals), one.live) for one in self.readers]
        storm = gevent.spawn(self._cause_faults)
        storm.join()
        self._raise_failures()
        self._end_faults()
        gevent.joinall(lives, timeout=2000.0)
        self._raise_failures()
        if unfinished := [reader.name for reader in self.readers if reader.outcome is None]:
            raise BrokenPromise(f"{unfinished} have no end")
        self._check_cleanup()

    def _cause_faults(self) -> None:
        rng = self._rng
        over = self._hub.loop.now() + FAULTY_SECONDS
        while (now := self._hub.loop.now()) < over:
            gevent.sleep(rng.choice([TICK, 0.5, 2.0, 4.0]))
            self._raise_failures()
            happening = rng.choice(self._happenings())
            self.note("the world", f"{happening.__name__.strip('_')}")
            happening()
            del now

    def _happenings(self) -> list[Callable[[], object]]:
        possible = {
            "goes away": self._go_away,
            "is emptied": self._empty,
            "evicts": self.store.lose_something,
            "damages": self.store.damage,
            "rewinds": self._rewind,
        }
        more = [getattr(self, f"_{name}") for name in self.shape.happens]
        common = [*more, self._nothing, self._nothing, self._kill, self._drain, self._stop_a_stream, self._hire]
        return common + [act for kind, act in possible.items() if kind in self.kinds] * 2

    def _nothing(self) -> None:
        pass

    def _go_away(self) -> None:
        self.faults.is_away, self.faults.fails_after_execution = True, self._rng.random() < 0.3
        seconds = self._rng.choice([0.25, 1.0, 5.0, 9.0, 70.0 if self._rng.random() < 0.2 else 2.0])
        self.was_away_for_long |= seconds > 60.0
        gevent.sleep(seconds)
        if self._rng.random() < 0.3 and "is emptied" in self.kinds:
            self.store.lose_everything()
        if self._rng.random() < 0.5:
            self._hire()
        self._come_back()

    def _come_back(self) -> None:
        self.faults.is_away = False
        self.store.notify_all()

    def _empty(self) -> None:
        self.store.lose_everything()
        self.store.notify_all()

    def _rewind(self) -> None:
        self.store.rewind()

    def _kill(self) -> None:
        if len(self.workers) > 1 and self._rng.random() < 0.4:
            worker = self.workers.pop(self._rng.randrange(len(self.workers)))
            self.gone.append(worker)
            worker.die()

    def _hire(self) -> None:
        if len(self.workers) < 3:
            self.workers.append(self._new_worker())

    def _drain(self) -> None:
        if len(self.workers) > 1 and self._rng.random() < 0.3:
            worker = self._rng.choice(self.workers)
            gevent.spawn(self._leave, worker)

    def _leave(self, worker: Worker) -> None:
        worker.streams.drain(self._rng.choice([0.0, 2.0, 10.0]))
        if worker in self.workers and len(self.workers) > 1:
            self.workers.remove(worker)
            self.gone.append(worker)
            worker.die()

    def _stop_a_stream(self) -> None:
        reader = self._rng.choice(self.readers)
        worker = self.any_worker()
        if worker is not None and self._rng.random() < 0.2:
            gevent.spawn(_quietly, lambda: worker.resumable.stop(reader.id, ""))

    # Promises

    def _check_acquired(self, name: str) -> None:
        """Check that no stream is acquired from a worker that could renew its lease."""
        now = self._hub.loop.now()
        self.was_acquired = True
        for worker in self.workers:
            is_excused = max(worker.proxy.trouble, self.store.leases_lost_at) > now - 2 * LEASE_DURATION
            if worker.name == name and not is_excused:
                self._hub.deaths.append(BrokenPromise(f"{name} is treated as dead, and could renew its lease"))

    def _raise_failures(self) -> None:
        for death in self._hub.deaths:
            if not isinstance(death, UnexpectedError):
                raise death

    def _end_faults(self) -> None:
        self.note("the world", "calms down")
        self.faults.is_calm = True
        self._come_back()
        if not self.workers or all(worker.streams.is_closing for worker in self.workers):
            self.workers.append(self._new_worker())
        self.is_over = True

    def _check_workers_answer(self) -> None:
        """Check that each worker still answers a new request."""
        for worker in self.workers:
            if not worker.streams.is_closing:
                name = f"new-{worker.name}"
                reader = Reader(self, Random(0), name, name, replace(self.shape, asks=1.0, paces=(0.0,), leaves=(0.0,)))
                gevent.spawn(reader.live).join(200.0)
                if reader.outcome is None:
                    raise BrokenPromise(f"{worker.name} does not answer any more")

    def _check_cleanup(self) -> None:
        gevent.sleep(self.limits.duration + 70.0)  # type: ignore[operator]  # the longest time that anything may take
        self._raise_failures()
        for worker in self.workers:
            if left := worker.left_over():
                raise BrokenPromise(f"{worker.name} has not cleaned up: {left}")
        self._check_workers_answer()
        gevent.sleep(self.limits.duration)  # type: ignore[arg-type]
        if self.store.watched:
            raise BrokenPromise(f"{self.store.watched} watches are left")
        gevent.sleep(RETENTION + 70.0)
        # A stream whose end the store has lost counts as running for as long as its worker lives.
        if kept := [id_ for id_ in self.store._streams if not self.store.has_lost(id_)]:
            raise BrokenPromise(f"the store keeps {kept}")


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001
        logging.getLogger(__name__).debug("%r", error)


def run(seed: int, kinds: set[str] | None = None, **shape: Any) -> list[str]:
    """Run a seed and return its trace, line by line.

    Raises:
        BrokenPromise: a promise was broken; the seed and the end of the trace are printed.
    """
    logging.getLogger("flask_headrace").disabled = True
    try:
        with virtual_time() as hub:
            world = World(seed, hub, kinds, **shape)
            try:
                world.run()
            except BaseException:
                print(f"SIMULATION_SEED={seed} broke a promise:", *world.trace[-60:], sep="\n")
                raise
            return world.trace
    finally:
        logging.getLogger("flask_headrace").disabled = False
