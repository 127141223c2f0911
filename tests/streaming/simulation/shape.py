"""Of what a run consists: how many workers and readers, and of which habits; a seed decides what is not given."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.streaming.simulation.weather import TICK


@dataclass(frozen=True)
class Shape:
    """The numbers of a run.

    Args:
        ids: How many streams are asked for.
        workers: How many there are at first.
        readers: How many there are.
        most: Streams that one worker may have.
        asks: How many of the readers, from 0 to 1, ask; the others only follow.
        paces: Seconds from which a reader has one, that it takes for what it was given.
        leaves: Chances from which a reader has one, to leave after a batch.
        arrivals: Seconds after which readers come.
        grace: See `StreamLimits`.
        buffer: See `StreamLimits`.
        slow_at: What the store is slow at; None where the seed decides.
        end: How all sources end; None where the seed decides.
        happens: What happens more often than the rest, by the names of the world's methods.
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


def shape_of(rng: Random) -> Shape:
    """Choose the shape of a run."""
    return Shape(
        ids=rng.choice([1, 2, 4]),
        workers=rng.choice([1, 1, 2, 2, 3]),
        readers=rng.choice([1, 2, 4, 8]),
        most=rng.choice([1, 2, 4, 20, 20, 20]),
        grace=rng.choice([2.0, 8.0]),
        buffer=rng.choice([600, 20000]),
    )
