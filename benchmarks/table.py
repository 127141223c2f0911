"""Formats the figures of a run as Markdown tables. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks.figures import ALL as FIGURES
from benchmarks.figures import TITLES, Figure, Goal, Rows, ratio
from benchmarks.growth import Growth
from benchmarks.peers import ALL as ALL_PEERS

VERDICTS = {True: "✓", False: "✗", None: "not measured"}

_PEERS = {peer.name: peer.title for peer in ALL_PEERS}


def number(value: float | None) -> str:
    """Return a value as text with about three significant digits; a dash for None or NaN, `never` for infinity."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "never"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def goals(rows: Rows, titles: dict[str, str]) -> str:
    """Return the table of all figures, with a column for each relay and one for the goals.

    Args:
        rows: The measured figures, by the relays' names.
        titles: The columns' titles, by the relays' names and in the columns' order.
    """
    lines = [
        [
            figure.title,
            *(number(rows[name].get(figure.key)) for name in titles),
            "<br>".join(f"{_goal(figure, goal)} {VERDICTS[figure.reached(goal, rows)]}" for goal in figure.goals),
        ]
        for figure in FIGURES
        if figure.goals or figure.key in rows[next(iter(titles))]
    ]
    return _table(["", *titles.values(), "goal"], lines)


def ratios(rows: Rows, titles: dict[str, str]) -> str:
    """Return the table of the project's figures as multiples of each peer's; arguments as in `goals`."""
    peers = list(titles)[1:]
    lines = []
    for figure in FIGURES:
        found = [ratio(figure, rows, peer) for peer in peers]
        if any(value is not None for value in found):
            better = "more" if figure.is_more_better else "less"
            lines.append([figure.title, better, *("-" if value is None else f"{number(value)}x" for value in found)])
    return _table(["Headrace, as a multiple of", "better is", *(titles[peer] for peer in peers)], lines)


def growth(part: Growth) -> str:
    """Return the table of one growth: a row for each step, a column for each figure."""
    lines = [[axis, *(number(row.get(key)) for key in part.columns)] for axis, row in part.rows.items()]
    return _table([part.axis, *(TITLES[key] for key in part.columns)], lines)


def _goal(figure: Figure, goal: Goal) -> str:
    word = "at least" if figure.is_more_better else "at most"
    if goal.beside is None:
        return f"{word} {goal.limit:,g}"
    return f"{word} {goal.limit:g}x {_PEERS[goal.beside]}"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---", *["---:"] * (len(head) - 1)], *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
