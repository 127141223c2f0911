"""What goes wrong with a store, as a seed decides: which kinds of trouble there are in a run, and when they come."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

TICK = 1 / 64
"""Waits are multiples of this, in seconds: what can happen at the same moment then often does."""

TIMEOUT = 5.0
"""Seconds after which a call that has had no answer is given up."""

KINDS = [
    "refuses", "loses answers", "hangs", "is slow at", "goes away", "is emptied", "evicts", "damages", "rewinds",
    "is odd", "is small",
]  # fmt: skip
"""The kinds of trouble: see `Weather`."""


class Odd(Exception):
    """What no store should raise."""


@dataclass(frozen=True)
class Course:
    """How a call goes: seconds until it is done, whether it fails before it is, and the same for after it."""

    before: float = 0.0
    fails_before: bool = False
    after: float = 0.0
    fails_after: bool = False

    @property
    def is_trouble(self) -> bool:
        return self.fails_before or self.fails_after or self.before + self.after >= 0.5


class Weather:
    """The trouble of one run.

    - refuses: single calls fail before they are done;
    - loses answers: single calls fail after they were done;
    - hangs: single calls fail after a timeout, done or not;
    - is slow at: calls of one kind, such as sweeps, take up to three leases;
    - goes away: all calls of all workers fail for a while, or are done and fail;
    - is emptied, evicts, damages, rewinds: it loses everything, single entries or leases, bytes, or the last moments;
    - is odd: raises what no store should;
    - is small: has room for a part of an answer.
    """

    def __init__(self, rng: Random, kinds: set[str], slow_at: str | None = None) -> None:
        self._rng = rng
        self.kinds = kinds
        self.is_calm = False
        self.is_away = False
        self.does_it_first = False
        some = rng.choice(
            ["delete_expired", "has_readers", "append", "renew_lease", "find", "read", "add_reader", "claim"]
        )
        self.slow_at = slow_at or some
        self._often = 0.1 if len(kinds) < 3 else 0.04
        self.has_hidden_readers = False

    def course(self, name: str) -> Course:
        """Decide how the next call of that name goes."""
        if self.is_away:
            return self._away()
        rng = self._rng
        before, after = self.moment(), self.moment()
        if self.is_calm:
            return Course(before, after=after)
        chance = rng.random()
        if name == self.slow_at and "is slow at" in self.kinds and chance < 0.5:
            return Course(before + rng.uniform(0.5, 12.0), after=after)
        return self._failing(chance, before, after)

    def _failing(self, chance: float, before: float, after: float) -> Course:
        often = self._often
        if "refuses" in self.kinds and chance < often:
            return Course(before, fails_before=True)
        if "loses answers" in self.kinds and often < chance < 2 * often:
            return Course(before, after=after, fails_after=True)
        if "hangs" in self.kinds and 2 * often < chance < 2.5 * often:
            is_done = self._rng.random() < 0.5
            return Course(before, fails_before=not is_done, after=TIMEOUT, fails_after=is_done)
        return Course(before, after=after)

    def is_odd_now(self, name: str) -> bool:
        """Whether a call raises what no store should."""
        names = {"has_readers", "delete_expired", "renew_lease", "append", "withdraw", "acquire"}
        return not self.is_calm and "is odd" in self.kinds and name in names and self._rng.random() < self._often

    def _away(self) -> Course:
        seconds = self._rng.choice([0.0, 0.0, TICK, 1.0])
        if self.does_it_first:
            return Course(after=seconds, fails_after=True)
        return Course(seconds, fails_before=True)

    def moment(self) -> float:
        """Return how long a call takes that nothing is wrong with."""
        return self._rng.choice([0.0, 0.0, 0.0, TICK, TICK, 2 * TICK, 8 * TICK if self._rng.random() < 0.1 else 0.0])


def kinds_of(rng: Random) -> set[str]:
    """Choose the kinds of trouble of a run: often few, so that each comes alone too."""
    return set(rng.sample(KINDS, rng.choice([0, 1, 1, 2, 2, 3, 5])))
