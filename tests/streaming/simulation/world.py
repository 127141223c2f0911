"""A run of the simulation: workers, readers and a store, from a seed; it raises `Wrong` where a promise is broken."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import gevent
import msgspec

from flask_headrace.core.events import Event
from flask_headrace.streaming.stores.base import LEASE, StoreLimits
from tests.streaming.simulation.clock import QuietHub, virtual_time
from tests.streaming.simulation.reader import Reader, Wrong
from tests.streaming.simulation.shape import shape_of
from tests.streaming.simulation.store import Door, SimulatedStore
from tests.streaming.simulation.weather import TICK, Odd, Weather, kinds_of
from tests.streaming.simulation.worker import LIMITS, Script, Telling, Worker

RETENTION = 40.0
"""Seconds for which a finished stream can be read."""

STORM = 50.0
"""Seconds after which nothing goes wrong any more."""


class World:
    """One run.

    Args:
        seed: Decides everything.
        hub: In whose time it runs.
        kinds: The kinds of trouble that may come; None where the seed decides that too.
        **shape: Of the shape, what the seed does not decide.
    """

    def __init__(self, seed: int, hub: QuietHub, kinds: set[str] | None = None, **shape: Any) -> None:
        self._rng = rng = Random(seed)
        self._hub = hub
        chosen = kinds_of(rng)
        self.kinds = chosen if kinds is None else kinds
        self.shape = replace(shape_of(rng), **shape)
        self.weather = Weather(rng, self.kinds, self.shape.slow_at)
        bounds = StoreLimits(1500 if "is small" in self.kinds else 10**6, 10**7, RETENTION)
        self.store = SimulatedStore(rng, self.weather, bounds)
        self.store.on_taken = self._taken
        self.limits = msgspec.structs.replace(LIMITS, grace=self.shape.grace, max_buffer_bytes=self.shape.buffer)
        self.trace: list[str] = []
        self.ends: dict[int, Event] = {}
        self.tellings: list[Telling] = []
        self._told: list[Telling] = []
        self.is_over = self.was_taken = self.was_away_for_long = False
        self.gone: list[Worker] = []
        self.workers = [self._new_worker() for _ in range(self.shape.workers)]
        self.readers = [self._new_reader(f"reader-{number}") for number in range(self.shape.readers)]
        self.longest_sitting = 300.0

    def _new_worker(self) -> Worker:
        door = Door(self.store, self.weather, self._rng.choice([0.0, TICK]))
        return Worker(door, self.limits, self.shape.most)

    def _new_reader(self, name: str) -> Reader:
        id_ = f"stream-{self._rng.randrange(self.shape.ids)}"
        return Reader(self, Random(self._rng.random()), name, id_, self.shape)

    def note(self, who: str, what: str) -> None:
        self.trace.append(f"{self._hub.loop.now():.4f} {who} {what}")

    # What readers ask

    def any_worker(self) -> Worker | None:
        return self._rng.choice(self.workers) if self.workers else None

    def next_telling(self, id_: str) -> tuple[Script, Telling]:
        self.tellings.append(Telling(len(self.tellings), id_))
        return Script(self._rng, self.shape.end), self.tellings[-1]

    def tell(self, telling: Telling) -> None:
        """Note that a source is asked."""
        self.note(telling.id, f"is told by {telling.number}")
        self._told.append(telling)

    def incarnations(self, id_: str) -> int:
        return sum(telling.id == id_ for telling in self._told)

    def telling_of(self, reader: Reader) -> Telling | None:
        if reader.words:
            return self.tellings[reader.words[-1][0]]
        own = [telling for telling in self._told if telling.id == reader.id]
        return own[0] if len(own) == 1 else None

    def may_be_gone(self, reader: Reader) -> bool:
        """Whether the store may have let go of a reader's stream: lost it, or kept it for its retention."""
        kept_from = min(reader.began_at, self.ended_at(reader.id) or reader.began_at)
        is_old = self._hub.loop.now() - kept_from > RETENTION
        return is_old or bool(self.gone) or self.store.has_lost(reader.id)

    def may_have_a_hole(self, reader: Reader) -> bool:
        """Whether a part of a reader's stream may be lost: by the store, or with its worker."""
        is_unwritable = any(telling.is_unwritable for telling in self._told if telling.id == reader.id)
        was_lost = self.store.has_lost(reader.id) or "is small" in self.kinds
        return was_lost or is_unwritable or bool(self.gone) or self.was_taken or self.was_away_for_long

    def is_over_for(self, id_: str) -> bool:
        """Whether a stream has its end in the store, and all is well with that."""
        is_well = not self.kinds & {"goes away", "is slow at", "hangs"} or self.is_over
        record = self.store.find(id_)
        return is_well and record is not None and record.is_finished

    def ended_at(self, id_: str) -> float:
        """Return when a stream was last ended by a worker."""
        ends = [one.ended_at or 0.0 for worker in self.workers for one in worker.started if one.id == id_]
        return max(ends, default=0.0)

    # What happens

    def run(self) -> None:
        """Let it storm, then let all readers come to their ends, and look what is left."""
        self.note("the world", f"has {sorted(self.kinds)}, {self.shape}")
        lives = [gevent.spawn_later(self._rng.choice(self.shape.arrivals), one.live) for one in self.readers]
        storm = gevent.spawn(self._storm)
        storm.join()
        self._raise_deaths()
        self._calm_down()
        gevent.joinall(lives, timeout=2000.0)
        self._raise_deaths()
        if unfinished := [reader.name for reader in self.readers if reader.outcome is None]:
            raise Wrong(f"{unfinished} come to no end")
        self._check_left_over()

    def _storm(self) -> None:
        rng = self._rng
        over = self._hub.loop.now() + STORM
        while (now := self._hub.loop.now()) < over:
            gevent.sleep(rng.choice([TICK, 0.5, 2.0, 4.0]))
            self._raise_deaths()
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
        self.weather.is_away, self.weather.does_it_first = True, self._rng.random() < 0.3
        seconds = self._rng.choice([0.25, 1.0, 5.0, 9.0, 70.0 if self._rng.random() < 0.2 else 2.0])
        self.was_away_for_long |= seconds > 60.0
        gevent.sleep(seconds)
        if self._rng.random() < 0.3 and "is emptied" in self.kinds:
            self.store.lose_everything()
        if self._rng.random() < 0.5:
            self._hire()
        self._come_back()

    def _come_back(self) -> None:
        self.weather.is_away = False
        self.store.wake_all()

    def _empty(self) -> None:
        self.store.lose_everything()
        self.store.wake_all()

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
            gevent.spawn(_quietly, lambda: worker.resumption.stop(reader.id, ""))

    # What must hold

    def _taken(self, name: str) -> None:
        """Check that nobody is taken for dead who could say that it lives."""
        now = self._hub.loop.now()
        self.was_taken = True
        for worker in self.workers:
            is_excused = max(worker.door.trouble, self.store.leases_lost_at) > now - 2 * LEASE
            if worker.name == name and not is_excused:
                self._hub.deaths.append(Wrong(f"{name} is taken for dead, and could renew its lease"))

    def _raise_deaths(self) -> None:
        for death in self._hub.deaths:
            if not isinstance(death, Odd):
                raise death

    def _calm_down(self) -> None:
        self.note("the world", "calms down")
        self.weather.is_calm = True
        self._come_back()
        if not self.workers or all(worker.streams.is_closing for worker in self.workers):
            self.workers.append(self._new_worker())
        self.is_over = True

    def _ask_once_more(self) -> None:
        """Check that each worker still answers, and that no id is spent."""
        for worker in self.workers:
            if not worker.streams.is_closing:
                name = f"new-{worker.name}"
                reader = Reader(self, Random(0), name, name, replace(self.shape, asks=1.0, paces=(0.0,), leaves=(0.0,)))
                gevent.spawn(reader.live).join(200.0)
                if reader.outcome is None:
                    raise Wrong(f"{worker.name} does not answer any more")

    def _check_left_over(self) -> None:
        gevent.sleep(self.limits.duration + 70.0)  # type: ignore[operator]  # the longest that anything may take
        self._raise_deaths()
        for worker in self.workers:
            if left := worker.left_over():
                raise Wrong(f"{worker.name} has something left: {left}")
        self._ask_once_more()
        gevent.sleep(self.limits.duration)  # type: ignore[arg-type]
        if self.store.watched:
            raise Wrong(f"{self.store.watched} watches are left")
        gevent.sleep(RETENTION + 70.0)
        # One whose end the store has lost counts as being filled for as long as its worker lives.
        if kept := [id_ for id_ in self.store._streams if not self.store.has_lost(id_)]:
            raise Wrong(f"the store keeps {kept}")


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001
        logging.getLogger(__name__).debug("%r", error)


def run(seed: int, kinds: set[str] | None = None, **shape: Any) -> list[str]:
    """Run a seed and return what happened, line by line.

    Raises:
        Wrong: a promise was broken; what had happened is printed, with the seed.
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
