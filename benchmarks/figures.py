"""The figures of a run: their keys, titles and goals. The goals are those of the project's design."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.relays import PROJECT

Rows = dict[str, dict[str, float]]
"""From a relay's name to its row of figures."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of a figure.

    Args:
        limit: The worst value that reaches the goal.
        beside: The peer whose figure is multiplied by `limit`; None if `limit` itself is the value to reach.
    """

    limit: float
    beside: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured quantity.

    Args:
        key: The key in a row.
        title: The title in the tables, with the unit.
        goals: The goals.
        is_more_better: Whether a higher value is the better one.
    """

    key: str
    title: str
    goals: tuple[Goal, ...] = ()
    is_more_better: bool = False

    def reached(self, goal: Goal, rows: Rows) -> bool | None:
        """Return whether the project reaches a goal; None if a figure of the goal was not measured."""
        mine = rows.get(PROJECT, {}).get(self.key)
        other = 1.0 if goal.beside is None else rows.get(goal.beside, {}).get(self.key)
        if mine is None or other is None:
            return None
        limit = goal.limit * other
        return mine >= limit if self.is_more_better else mine <= limit


ALL = (
    Figure("burst_rate", "burst: deltas/s", (Goal(5, "express"), Goal(35, "fastapi")), is_more_better=True),
    Figure("burst_first", "burst: slowest first delta, ms", (Goal(0.2, "express"),)),
    Figure("burst_cpu", "burst: CPU per delta, µs"),
    Figure("paced_cpu", "paced: CPU per delta, µs", (Goal(0.5, "express"), Goal(2, "bytes"))),
    Figure("paced_p50", "paced: delay, median, ms", (Goal(1, "express"),)),
    Figure("paced_p99", "paced: delay, p99, ms", (Goal(1, "express"),)),
    Figure("first_p50", "first delta, one at a time, median, ms", (Goal(0.7, "express"),)),
    Figure("held_each", "held silent streams: KiB each", (Goal(35),)),
    Figure("closed_stalled", "reader gone while the model is silent → upstream closed, slowest, ms", (Goal(10),)),
    Figure("closed_mute", "the same before the upstream's head, slowest, ms", (Goal(10),)),
    Figure("closed_all", "all readers of held streams gone → all upstreams closed, s", (Goal(0.5),)),
    Figure("held_most", "streams held on one worker", (Goal(8000),), is_more_better=True),
    Figure("held_most_each", "and then: KiB each", (Goal(35),)),
    Figure("resumable_sqlite", "resumable (SQLite): CPU per delta, times a plain stream's", (Goal(1.3),)),
    Figure("resumable_redis", "resumable (Redis): CPU per delta, times a plain stream's", (Goal(1.6),)),
    Figure("later_sqlite", "a reader at another worker (SQLite): a delta comes so much later, median, ms", (Goal(25),)),
    Figure("later_redis", "the same (Redis)", (Goal(5),)),
    Figure("stopped_sqlite", "stopped at another worker (SQLite) → upstream closed, slowest, ms", (Goal(100),)),
    Figure("stopped_redis", "the same (Redis)", (Goal(20),)),
    Figure("crowd_wrong", "readers that drop and come back: events lost or doubled", (Goal(0),)),
    Figure("document_growth", "growing document: time of a delta at 400 kB, times that at 100 kB", (Goal(1.5),)),
    Figure(
        "document_library", "growing document of 200 kB: time, times re-parsing with partial-json-parser", (Goal(0.02),)
    ),
    Figure("document_jiter", "the same, times re-parsing with jiter", (Goal(1),)),
    Figure("document_ai_sdk", "the same in JavaScript, times re-parsing with the AI SDK's parsePartialJson"),
    Figure("start_bare", "ready without the embedded model, s", (Goal(1),)),
    Figure("start_local", "ready with it, s", (Goal(2),)),
)

TITLES = {figure.key: figure.title for figure in ALL} | {
    "burst_busy": "relay's core busy, %",
    "burst_megabytes": "burst: MB/s of text",
    "held": "held",
    "times_plain": "CPU, times a plain stream's",
    "near_p50": "delay there, median, ms",
    "far_p50": "delay elsewhere, median, ms",
    "later_p50": "so much later, ms",
    "stopped_p50": "upstream closed after, median, ms",
    "stopped_max": "slowest, ms",
    "crowd_readers": "readers",
    "crowd_returns": "returns",
    "crowd_events": "events read",
    "crowd_lost": "lost",
    "crowd_doubled": "doubled",
    "crowd_unfinished": "without the whole answer",
    "document_100": "100 kB, s",
    "document_200": "200 kB, s",
    "document_400": "400 kB, s",
    "document_delta": "200 kB: µs a delta",
    "document_times": "200 kB: times Headrace",
    "start": "s",
}


def ratio(figure: Figure, rows: Rows, peer: str) -> float | None:
    """Return the project's figure as a multiple of a peer's; None if one of them is missing or infinite."""
    mine, other = rows.get(PROJECT, {}).get(figure.key), rows.get(peer, {}).get(figure.key)
    if mine is None or not other or not math.isfinite(mine) or not math.isfinite(other):
        return None
    return mine / other
