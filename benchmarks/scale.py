"""The amount of work of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Streams:
    """`count` streams at once, of `deltas` deltas each, which begin spread over `spread` seconds."""

    count: int
    deltas: int
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Scale:
    """The amounts of one run.

    Args:
        name: The name in the report.
        repeat: How often each figure is measured; the report has the median.
        burst: Streams that send as fast as they can.
        paced: Streams that send 50 deltas a second.
        firsts: Answers that are requested one after the other.
        leaving: Streams whose readers disconnect one by one.
        held: Silent streams of each relay; all their readers disconnect at once.
        grown: Numbers of streams that show how cost grows.
        grown_deltas: Deltas of all bursts of these streams together.
        grown_seconds: Duration of the paced streams among them.
        elsewhere: Paced streams that are followed at another service too.
        stopping: Streams that are stopped at another service, one by one.
        crowd: Readers that disconnect and reconnect.
        crowd_seconds: Seconds for which these read.
        samples: Places at which parsing all of a growing document again is timed.
        memory: Numbers of silent streams on a fresh worker; the last one is the promised maximum.
    """

    name: str
    repeat: int
    burst: Streams = Streams(32, 1000)
    paced: Streams = Streams(100, 200)
    firsts: int = 200
    leaving: int = 20
    held: int = 2000
    grown: tuple[int, ...] = (1, 10, 100, 1000)
    grown_deltas: int = 100_000
    grown_seconds: int = 5
    elsewhere: Streams = Streams(20, 300)
    stopping: int = 30
    crowd: int = 1000
    crowd_seconds: int = 60
    samples: int = 20
    memory: tuple[int, ...] = (100, 1000, 8000)


FULL = Scale("full", repeat=3)
QUICK = Scale(
    "quick",
    repeat=1,
    paced=Streams(100, 100),
    firsts=50,
    leaving=5,
    held=500,
    grown_deltas=50_000,
    grown_seconds=2,
    elsewhere=Streams(20, 150),
    stopping=10,
    crowd=200,
    crowd_seconds=15,
    samples=5,
    memory=(1000, 8000),
)
