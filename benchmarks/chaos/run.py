"""One run: streams that begin one after the other, their clients, and random faults, all from one seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos import faults, final_checks
from benchmarks.chaos.answers import Answer, prepare
from benchmarks.chaos.faults import Fault
from benchmarks.chaos.readers import Behavior, JSONReader, PlainReader, Reader, ResumingReader, Stopper, StreamStart
from benchmarks.chaos.reading import ENDLESS, Violations
from benchmarks.chaos.stage import Stage
from tests.support.upstream import Upstream

READER_TIMEOUT = 60.0
"""Seconds in which each client must have an end: more than all limits of a stream together."""

FINAL_FAULT_TIME = 2.0
"""Seconds after the last stream has begun in which faults may still begin."""

BEHAVIORS = (
    Behavior("steady"),
    Behavior("restless", is_restless=True),
    Behavior("slow", is_slow=True),
    Behavior("slow and restless", is_restless=True, is_slow=True),
)

FOLLOWER_BEHAVIORS = (
    Behavior("follower", sends_request=False),
    Behavior("restless follower", sends_request=False, is_restless=True),
    Behavior("EventSource", sends_request=False, is_source=True),
    Behavior("restless EventSource", sends_request=False, is_source=True, is_restless=True),
)


@dataclass(frozen=True)
class Plan:
    """The size of a run.

    Args:
        store: The kind of store.
        streams: How many streams there are.
        seed: The seed of all random choices.
        a_second: How many streams begin in a second.
        is_brief: Whether faults are short, without the long ones.
    """

    store: str
    streams: int
    seed: int
    a_second: float = 16.0
    is_brief: bool = False

    @property
    def max_words(self) -> int:
        """The most words of an answer."""
        return 30 if self.is_brief else 70

    @property
    def max_join_delay(self) -> float:
        """Seconds after a stream has begun within which its other readers join."""
        return 1.0 if self.is_brief else 3.0


@dataclass
class Outcome:
    """The outcome of a run.

    Args:
        violations: The violations.
        reached: How often clients had each end.
        faults: How often each fault happened.
        readers: The number of clients.
        seconds: The duration of the run.
        log: The times of the faults, and the logs of the services.
    """

    violations: Violations
    reached: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    readers: int = 0
    seconds: float = 0.0
    log: str = ""


def run(plan: Plan) -> Outcome:
    """Run a plan, with an upstream and services of its own; return its outcome."""
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        Upstream() as upstream,
        Stage(plan.store, upstream, Path(folder)) as stage,
    ):
        return asyncio.run(Run(plan, stage).run())


class Run:
    """A run under way. Implements `World`."""

    def __init__(self, plan: Plan, stage: Stage) -> None:
        self.plan, self.stage = plan, stage
        self.rng = random.Random(plan.seed)
        self.violations = Violations()
        self.reached: Counter[str] = Counter()
        self._outcome = Outcome(self.violations, self.reached)
        self._began: dict[int, float] = {}

    async def run(self) -> Outcome:
        """Run all streams to their ends, then check what is left."""
        began = time.monotonic()
        of_workers = faults.of_workers(is_brief=self.plan.is_brief)
        of_store = faults.of_store(self.stage, is_brief=self.plan.is_brief)
        over = asyncio.Event()
        fault_tasks = [
            asyncio.ensure_future(self._run_faults(which, over)) for which in (of_workers, of_store) if which
        ]
        readers = await self._begin_all()
        await asyncio.sleep(FINAL_FAULT_TIME)
        over.set()
        await asyncio.gather(*fault_tasks, *readers)
        await final_checks.settle(self.stage, self.violations)
        if self.violations.counts.total():
            await asyncio.sleep(2)
        self._outcome.log += self.stage.log()
        self._outcome.seconds = time.monotonic() - began
        return self._outcome

    # What clients see

    def port(self) -> int:
        """Return the port of a service, any of them."""
        return self.rng.choice(self.stage.services).port

    def has_cut_since(self, moment: float) -> bool:
        """Whether a worker has ended since a moment, so that connections may have broken."""
        return any(cut.ended >= moment - final_checks.CUT_TOLERANCE for cut in self.stage.cuts)

    def may_have_lost(self, answer: Answer) -> bool:
        """Whether the store may have lost a stream since it began."""
        began = self._began[answer.number]
        return any(loss.ended >= began and (not loss.ids or answer.id in loss.ids) for loss in self.stage.losses)

    # What happens

    async def _begin_all(self) -> list[asyncio.Future[None]]:
        running: list[asyncio.Future[None]] = []
        for number in range(self.plan.streams):
            answer = prepare(self.stage.upstream, number, self.rng, self.plan.max_words)
            self._began[number] = time.monotonic()
            running += [asyncio.ensure_future(self._run_reader(*reader)) for reader in self._readers(answer)]
            await asyncio.sleep(self.rng.expovariate(self.plan.a_second))
        self._outcome.readers = len(running)
        return running

    def _readers(self, answer: Answer) -> list[tuple[float, Reader]]:
        """Return the clients of a stream, each with the seconds after which it starts."""
        rng = self.rng
        kind = rng.choices(("plain", "whole", "resumable"), (2, 1, 7))[0]
        if kind == "plain":
            return [(0.0, PlainReader(self, answer, rng.choice([None, rng.uniform(0, 1)])))]
        if kind == "whole":
            return [(0.0, JSONReader(self, answer, rng.random() < 0.5))]
        return self._readers_who_come_back(answer)

    def _readers_who_come_back(self, answer: Answer) -> list[tuple[float, Reader]]:
        rng, start = self.rng, StreamStart()
        first = ResumingReader(self, answer, rng.choice(BEHAVIORS), start)
        readers: list[tuple[float, Reader]] = [(0.0, first)]
        if rng.random() < 0.3:  # a request that is repeated, perhaps before the first is answered
            again = ResumingReader(self, answer, rng.choice(BEHAVIORS), start)
            readers.append((rng.choice([0.0, 0.02, rng.uniform(0, 2)]), again))
        for _ in range(rng.choice([0, 1, 1, 2])):
            follower = ResumingReader(self, answer, rng.choice(FOLLOWER_BEHAVIORS), start)
            readers.append((rng.uniform(0, self.plan.max_join_delay), follower))
        if rng.random() < 0.1:
            readers.append((rng.uniform(0, 1), JSONReader(self, answer, is_resumable=True)))
        if rng.random() < 0.15:
            readers.append((rng.uniform(0, 2), Stopper(self, answer)))
        return readers

    async def _run_reader(self, after: float, reader: Reader) -> None:
        await asyncio.sleep(after)
        try:
            await asyncio.wait_for(reader.run(), READER_TIMEOUT)
        except asyncio.TimeoutError:
            self.violations.add(ENDLESS, str(reader))

    async def _run_faults(self, all_of_them: dict[str, Fault], over: asyncio.Event) -> None:
        """Run faults one after the other, in random order; those that lose data less often than others."""
        which = sorted(all_of_them)
        if not self.plan.is_brief:
            which += [name for name in which if name not in faults.LOSSY_FAULTS]
        rng = random.Random(self.rng.random())
        while not over.is_set():
            for name in rng.sample(which, len(which)):
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(over.wait(), rng.uniform(0.2, 1.5))
                if over.is_set():
                    return
                self._outcome.faults[name] += 1
                await self._fault(name, all_of_them[name], rng)
            if self.plan.is_brief:
                return

    async def _fault(self, name: str, fault: Fault, rng: random.Random) -> None:
        began = time.strftime("%H:%M:%S")
        await fault(self.stage, rng)
        self._outcome.log += f"{began} to {time.strftime('%H:%M:%S')} {name}\n"
