"""The shape of a run: how many workers and readers there are, and how they behave; a seed decides what is not given."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.streaming.simulation.faults import TICK


@dataclass(frozen=True)
class Shape:
    """The numbers of a run.

    Args:
        ids: How many stream ids there are.
        workers: How many workers there are at first.
        readers: How many readers there are.
        most: The most streams of one worker.
        asks: The share of the readers, from 0 to 1, that send requests; the others only resume.
        paces: The seconds that a reader takes for a batch are one of these.
        leaves: The probability that a reader leaves after a batch is one of these.
        arrivals: The seconds after which a reader first connects are one of these.
        grace: See `StreamLimits`.
        buffer: See `StreamLimits`.
        slow_at: The method at which the store is slow; None to let the seed decide.
        end: How all sources end; None to let the seed decide.
        happens: Events that happen more often than others, by the names of methods of `World`.
    """

    ids: int
    workers: int
    readers: int
    most: int
    grace: float
    buffer: int
    asks: float = 0.7
    paces: tuple[float, ...] = (0.0, 0.0, 0.0, TICK, 0.5, 2.0, 9.0, 30.0)
    leaves: tuple[float, ...] = (0.0, 0.0, 0.05, 0.3)
    arrivals: tuple[float, ...] = (0.0, 0.0, 1.0, 5.0, 20.0)
    slow_at: str | None = None
    end: str | None = None
    happens: tuple[str, ...] = ()


def choose_shape(rng: Random) -> Shape:
    """Choose the shape of a run."""
    return Shape(
        ids=rng.choice([1, 2, 4]),
        workers=rng.choice([1, 1, 2, 2, 3]),
        readers=rng.choice([1, 2, 4, 8]),
        most=rng.choice([1, 2, 4, 20, 20, 20]),
        grace=rng.choice([2.0, 8.0]),
        buffer=rng.choice([600, 20000]),
    )
