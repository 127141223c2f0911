"""The faults of the store in a run, chosen by a seed: which kinds there are, and when they happen."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

TICK = 1 / 64
"""Waits are multiples of this, in seconds, so that events often happen at the same moment."""

TIMEOUT = 5.0
"""Seconds after which a call without an answer fails."""

KINDS = [
    "refuses", "loses answers", "hangs", "is slow at", "goes away", "is emptied", "evicts", "damages", "rewinds",
    "is odd", "is small",
]  # fmt: skip
"""The kinds of faults: see `Faults`."""


class UnexpectedError(Exception):
    """An exception that no store should raise."""


@dataclass(frozen=True)
class CallPlan:
    """How a call runs: seconds until it is executed, whether it fails before that, and the same for after it."""

    before: float = 0.0
    fails_before: bool = False
    after: float = 0.0
    fails_after: bool = False

    @property
    def is_trouble(self) -> bool:
        return self.fails_before or self.fails_after or self.before + self.after >= 0.5


class Faults:
    """The faults of one run.

    - refuses: single calls fail before they are executed;
    - loses answers: single calls fail after they were executed;
    - hangs: single calls fail after a timeout, executed or not;
    - is slow at: calls of one kind, such as sweeps, take up to three leases;
    - goes away: all calls of all workers fail for a while, before or after they were executed;
    - is emptied, evicts, damages, rewinds: it loses everything, single batches or leases, bytes, or the last changes;
    - is odd: raises exceptions that no store should;
    - is small: has room for a part of an answer.
    """

    def __init__(self, rng: Random, kinds: set[str], slow_at: str | None = None) -> None:
        self._rng = rng
        self.kinds = kinds
        self.is_calm = False
        self.is_away = False
        self.fails_after_execution = False
        some = rng.choice(
            ["delete_expired", "has_readers", "append", "renew_lease", "find", "read", "add_reader", "claim"]
        )
        self.slow_at = slow_at or some
        self._often = 0.1 if len(kinds) < 3 else 0.04
        self.has_hidden_readers = False

    def plan_call(self, name: str) -> CallPlan:
        """Decide how the next call of the method `name` runs."""
        if self.is_away:
            return self._away()
        rng = self._rng
        before, after = self.moment(), self.moment()
        if self.is_calm:
            return CallPlan(before, after=after)
        chance = rng.random()
        if name == self.slow_at and "is slow at" in self.kinds and chance < 0.5:
            return CallPlan(before + rng.uniform(0.5, 12.0), after=after)
        return self._failing(chance, before, after)

    def _failing(self, chance: float, before: float, after: float) -> CallPlan:
        often = self._often
        if "refuses" in self.kinds and chance < often:
            return CallPlan(before, fails_before=True)
        if "loses answers" in self.kinds and often < chance < 2 * often:
            return CallPlan(before, after=after, fails_after=True)
        if "hangs" in self.kinds and 2 * often < chance < 2.5 * often:
            is_done = self._rng.random() < 0.5
            return CallPlan(before, fails_before=not is_done, after=TIMEOUT, fails_after=is_done)
        return CallPlan(before, after=after)

    def raises_unexpected(self, name: str) -> bool:
        """Whether a call raises an `UnexpectedError`."""
        names = {"has_readers", "delete_expired", "renew_lease", "append", "withdraw", "acquire"}
        return not self.is_calm and "is odd" in self.kinds and name in names and self._rng.random() < self._often

    def _away(self) -> CallPlan:
        seconds = self._rng.choice([0.0, 0.0, TICK, 1.0])
        if self.fails_after_execution:
            return CallPlan(after=seconds, fails_after=True)
        return CallPlan(seconds, fails_before=True)

    def moment(self) -> float:
        """Return the seconds that a call without a fault takes."""
        return self._rng.choice([0.0, 0.0, 0.0, TICK, TICK, 2 * TICK, 8 * TICK if self._rng.random() < 0.1 else 0.0])


def choose_kinds(rng: Random) -> set[str]:
    """Choose the kinds of faults of a run: often few, so that each also comes alone."""
    return set(rng.sample(KINDS, rng.choice([0, 1, 1, 2, 2, 3, 5])))
