"""The report of a run, docs/benchmarks.md: the machine, the figures and the method. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import shorten

from benchmarks import table
from benchmarks.comparison import SLOW
from benchmarks.figures import Rows
from benchmarks.growth import Growth
from benchmarks.machine import Machine
from benchmarks.scale import Scale
from benchmarks.work import PACE

MAX_OTHER_LOAD = 0.05
"""The share of the machine above which the report says that other programs disturbed the run."""


MAX_REASON_LENGTH = 160
"""Characters of the reason of a missing measurement."""


@dataclass(frozen=True, slots=True)
class Run:
    """The results of a run.

    Args:
        command: The command that repeats the run.
        scale: The amount of work.
        machine: The machine, and the date of the beginning.
        seconds: The duration of the run.
        others: The share of the machine that other programs used meanwhile, from 0 to 1.
        versions: The versions of the packages that the project ran on.
        peer_versions: Those of the packages of each peer.
        titles: From the relays' names to their titles, the project first; empty if they were not compared.
        rows: From the relays' names to their figures.
        growths: The tables that show how the project's cost grows.
        slow: The titles of the relays that got fewer streams.
        left_out: The reason of each missing measurement.
    """

    command: str
    scale: Scale
    machine: Machine
    seconds: float
    others: float
    versions: dict[str, str]
    peer_versions: dict[str, str]
    titles: dict[str, str]
    rows: Rows
    growths: tuple[Growth, ...]
    slow: tuple[str, ...]
    left_out: dict[str, str]

    def growth(self, name: str) -> Growth | None:
        """Return one of the growths; None if it was not measured."""
        return next((part for part in self.growths if part.name == name), None)


def page(run: Run, chart: str | None) -> str:
    """Return the page, in Markdown.

    Args:
        run: The run.
        chart: The path of the chart, relative to the page; None for no chart.
    """
    parts = [
        "# Benchmarks",
        f"Written by `{run.command}`. {_scale(run)}",
        _conditions(run),
        f"![The figures of the table below as bars, relay by relay]({chart})" if chart else "",
        *(_comparison(run) if run.rows else ()),
        *(_growths(run)),
        _left_out(run),
        _method(run),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _scale(run: Run) -> str:
    taken = f"It took {run.seconds / 60:.0f} minutes."
    if run.scale.name == "full":
        return f"Each figure is the median of {run.scale.repeat} measurements. {taken}"
    return (
        f"This is a **{run.scale.name} run**: little work, and each figure was measured {run.scale.repeat} time"
        f"{'s' if run.scale.repeat > 1 else ''} only. {taken} `make bench` measures at length."
    )


def _conditions(run: Run) -> str:
    machine = run.machine
    revision = f", revision {machine.revision}" if machine.revision else ""
    disturbed = ". **The machine was busy with other things: expect noise.**" if run.others > MAX_OTHER_LOAD else ""
    lines = [
        f"- {machine.date}{revision}; {machine.cpu}, {machine.cores} cores, {machine.system}",
        f"- load average before the run {machine.load:.2f}; meanwhile other programs took {run.others:.0%} of all cores"
        + disturbed,
        f"- Headrace on {', '.join(f'{name} {version}' for name, version in run.versions.items())}",
        *(f"- {title}: {version}" for title, version in run.peer_versions.items()),
    ]
    return "\n".join(lines)


def _comparison(run: Run) -> tuple[str, ...]:
    titles = run.titles
    lost = [f"{titles[name]} {row['incomplete']:.0f}" for name, row in run.rows.items() if row.get("incomplete")]
    return (
        "## Against the goals",
        " ".join([_amounts(run.scale), *(f"{title} gets one stream of {SLOW} only." for title in run.slow)]),
        table.goals(run.rows, titles),
        f"Streams without a complete answer: {', '.join(lost) if lost else 'none'}.",
        *(("## Beside the others", table.ratios(run.rows, titles)) if len(titles) > 1 else ()),
    )


def _amounts(scale: Scale) -> str:
    return (
        f"burst: {scale.burst.count} streams of {scale.burst.deltas:,} deltas, as fast as they go. "
        f"paced: {scale.paced.count} streams with {PACE} deltas a second each. "
        f"held: {scale.held:,} streams, and {scale.memory[-1]:,} on a fresh worker. "
        "Every relay has one core and one worker."
    )


def _growths(run: Run) -> list[str]:
    parts = ["## How cost grows"] if run.growths else []
    for growth in run.growths:
        lost = sum(row.get("incomplete", 0) for row in growth.rows.values())
        parts += [f"### {growth.title}", growth.about, table.growth(growth)]
        parts += [f"{lost:.0f} streams without a complete answer."] if lost else []
    return parts


def _left_out(run: Run) -> str:
    reasons = run.left_out | {title: why for part in run.growths for title, why in part.left_out.items()}
    if not reasons:
        return ""
    return "## Left out\n\n" + "\n".join(
        f"- {title}: {shorten(reason, MAX_REASON_LENGTH)}" for title, reason in reasons.items()
    )


def _method(run: Run) -> str:
    cores = "core to itself" if run.machine.cores > 1 else "core, which it shares with the load"
    return f"""## How it is measured

- The relay has one {cores}; the upstream (`benchmarks/upstream.py`) and the readers share another. All relays run at
  once and are measured in turn, so that other programs on the machine disturb all of them alike.
- Headrace is started as `gunicorn -c gunicorn.conf.py`, with its usual settings and without the embedded model. The
  peers' sources, and the versions of their packages, are in `benchmarks/peers/`. The byte relay parses nothing: it
  shows the cost of the sockets and the event loop alone.
- A delta's text has the time at which the upstream wrote it: its delay is the time from then to the reader's read.
- CPU is what the kernel accounts to all the relay's processes. If a relay's core is not busy in a burst, the load
  limits the deltas per second.
- Memory is the processes' proportional set size (PSS) with the streams, minus the PSS before, divided by their number.
- The upstream measures closing, from the first reader's `close` to the last connection's end."""
