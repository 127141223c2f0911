"""One run: streams that begin one after the other, their readers, and the faults in between, all from one seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos import accounts, faults
from benchmarks.chaos.answers import Answer, prepare
from benchmarks.chaos.faults import Fault
from benchmarks.chaos.readers import Beginning, Manner, Plain, Reader, Resumable, Stopper, Whole
from benchmarks.chaos.reading import ENDLESS, Wrongs
from benchmarks.chaos.stage import Stage
from tests.support.upstream import Upstream

LIMIT = 60.0
"""Seconds in which each reader must have an end: more than all limits of a stream together."""

AFTER_THE_LAST = 2.0
"""Seconds after the last stream's beginning in which faults may still begin."""

MANNERS = (
    Manner("steady"),
    Manner("restless", is_restless=True),
    Manner("slow", is_slow=True),
    Manner("slow and restless", is_restless=True, is_slow=True),
)

FOLLOWERS = (
    Manner("follower", asks=False),
    Manner("restless follower", asks=False, is_restless=True),
    Manner("EventSource", asks=False, is_source=True),
    Manner("restless EventSource", asks=False, is_source=True, is_restless=True),
)


@dataclass(frozen=True)
class Plan:
    """How much is to happen.

    Args:
        store: The kind of store.
        streams: How many streams there are.
        seed: What all that is random is drawn from.
        a_second: How many streams begin in a second.
        is_brief: Whether faults are short, and those that take long are left out.
    """

    store: str
    streams: int
    seed: int
    a_second: float = 16.0
    is_brief: bool = False

    @property
    def most_words(self) -> int:
        """The most words that an answer has."""
        return 30 if self.is_brief else 70

    @property
    def longest_wait(self) -> float:
        """Seconds after a stream's beginning in which its other readers come."""
        return 1.0 if self.is_brief else 3.0


@dataclass
class Outcome:
    """What came of a run.

    Args:
        wrongs: What went wrong.
        reached: The ends that readers came to.
        faults: The faults that there were.
        readers: How many readers there were.
        seconds: How long it took.
        log: When which fault was, and what the services wrote.
    """

    wrongs: Wrongs
    reached: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    readers: int = 0
    seconds: float = 0.0
    log: str = ""


def run(plan: Plan) -> Outcome:
    """Run it, with an upstream and services of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        Upstream() as upstream,
        Stage(plan.store, upstream, Path(folder)) as stage,
    ):
        return asyncio.run(Run(plan, stage).run())


class Run:
    """A run under way, and the world of its readers."""

    def __init__(self, plan: Plan, stage: Stage) -> None:
        self.plan, self.stage = plan, stage
        self.chance = random.Random(plan.seed)
        self.wrongs = Wrongs()
        self.reached: Counter[str] = Counter()
        self._outcome = Outcome(self.wrongs, self.reached)
        self._began: dict[int, float] = {}

    async def run(self) -> Outcome:
        """Let all streams come to their ends, and look at what they leave behind."""
        began = time.monotonic()
        of_workers = faults.of_workers(is_brief=self.plan.is_brief)
        of_store = faults.of_store(self.stage, is_brief=self.plan.is_brief)
        over = asyncio.Event()
        troubles = [asyncio.ensure_future(self._trouble(which, over)) for which in (of_workers, of_store) if which]
        readers = await self._begin_all()
        await asyncio.sleep(AFTER_THE_LAST)
        over.set()
        await asyncio.gather(*troubles, *readers)
        await accounts.settle(self.stage, self.wrongs)
        if self.wrongs.counts.total():
            await asyncio.sleep(2)
        self._outcome.log += self.stage.log()
        self._outcome.seconds = time.monotonic() - began
        return self._outcome

    # What readers know

    def port(self) -> int:
        """Return the port of a service, any of them."""
        return self.chance.choice(self.stage.services).port

    def has_cut_since(self, moment: float) -> bool:
        """Whether a worker has ended since a moment, so that connections may have broken."""
        return any(cut.ended >= moment - accounts.AT_A_CUT for cut in self.stage.cuts)

    def may_have_lost(self, answer: Answer) -> bool:
        """Whether the store may have lost a stream, or nobody has begun it."""
        began = self._began[answer.number]
        return any(loss.ended >= began and (not loss.ids or answer.id in loss.ids) for loss in self.stage.losses)

    # What happens

    async def _begin_all(self) -> list[asyncio.Future[None]]:
        running: list[asyncio.Future[None]] = []
        for number in range(self.plan.streams):
            answer = prepare(self.stage.upstream, number, self.chance, self.plan.most_words)
            self._began[number] = time.monotonic()
            running += [asyncio.ensure_future(self._see_through(*reader)) for reader in self._readers(answer)]
            await asyncio.sleep(self.chance.expovariate(self.plan.a_second))
        self._outcome.readers = len(running)
        return running

    def _readers(self, answer: Answer) -> list[tuple[float, Reader]]:
        """Return who reads a stream, and after how many seconds each of them comes."""
        chance = self.chance
        kind = chance.choices(("plain", "whole", "resumable"), (2, 1, 7))[0]
        if kind == "plain":
            return [(0.0, Plain(self, answer, chance.choice([None, chance.uniform(0, 1)])))]
        if kind == "whole":
            return [(0.0, Whole(self, answer, chance.random() < 0.5))]
        return self._readers_who_come_back(answer)

    def _readers_who_come_back(self, answer: Answer) -> list[tuple[float, Reader]]:
        chance, begun = self.chance, Beginning()
        first = Resumable(self, answer, chance.choice(MANNERS), begun)
        readers: list[tuple[float, Reader]] = [(0.0, first)]
        if chance.random() < 0.3:  # a request that is sent again, also before the first is answered
            again = Resumable(self, answer, chance.choice(MANNERS), begun)
            readers.append((chance.choice([0.0, 0.02, chance.uniform(0, 2)]), again))
        for _ in range(chance.choice([0, 1, 1, 2])):
            follower = Resumable(self, answer, chance.choice(FOLLOWERS), begun)
            readers.append((chance.uniform(0, self.plan.longest_wait), follower))
        if chance.random() < 0.1:
            readers.append((chance.uniform(0, 1), Whole(self, answer, is_resumable=True)))
        if chance.random() < 0.15:
            readers.append((chance.uniform(0, 2), Stopper(self, answer)))
        return readers

    async def _see_through(self, after: float, reader: Reader) -> None:
        await asyncio.sleep(after)
        try:
            await asyncio.wait_for(reader.run(), LIMIT)
        except asyncio.TimeoutError:
            self.wrongs.add(ENDLESS, str(reader))

    async def _trouble(self, all_of_them: dict[str, Fault], over: asyncio.Event) -> None:
        """Let faults happen one after the other, in random order; those that lose answers less often than others."""
        which = sorted(all_of_them)
        if not self.plan.is_brief:
            which += [name for name in which if name not in faults.LOSING]
        chance = random.Random(self.chance.random())
        while not over.is_set():
            for name in chance.sample(which, len(which)):
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(over.wait(), chance.uniform(0.2, 1.5))
                if over.is_set():
                    return
                self._outcome.faults[name] += 1
                await self._fault(name, all_of_them[name], chance)
            if self.plan.is_brief:
                return

    async def _fault(self, name: str, fault: Fault, chance: random.Random) -> None:
        began = time.strftime("%H:%M:%S")
        await fault(self.stage, chance)
        self._outcome.log += f"{began} to {time.strftime('%H:%M:%S')} {name}\n"
