"""The command `python -m benchmarks`: measure the project beside other relays, and write a report."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import documents
from benchmarks.chart import chart
from benchmarks.comparison import Comparison, compare
from benchmarks.growth import Growth
from benchmarks.machine import Machine, Watch, versions, versions_of
from benchmarks.parts import PARTS
from benchmarks.peers import ALL, USUAL, Peer
from benchmarks.processes import StartError
from benchmarks.relays import PROJECT, ROOT, start_test_bed
from benchmarks.report import Run, page
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.work import Row

PAGE = "benchmarks.md"
CHART = "benchmarks.svg"
GOALS = "goals"
NAMES = (GOALS, *PARTS)
"""The values of `--only`."""


def main(argv: list[str]) -> None:
    """Measure, print the report, and write it where everything was measured."""
    options = _options(argv)
    scale = QUICK if options.quick else FULL
    if options.repeat:
        scale = dataclasses.replace(scale, repeat=options.repeat)
    peers = [peer for peer in ALL if peer.name in options.peers]
    run = measure(scale, peers, options.only, _command(argv))
    print(page(run, None))
    everything = set(options.only) == set(NAMES) and set(USUAL) <= set(options.peers)
    folder = options.output or (ROOT / "docs" if everything else None)
    if folder is None:
        _log_progress("only a part was measured: docs/benchmarks.md is not changed")
    else:
        write(run, folder)


def measure(scale: Scale, peers: list[Peer], parts: list[str], command: str) -> Run:
    """Run the parts of the benchmarks that are named.

    Args:
        scale: The amount of work.
        peers: The relays to compare with.
        parts: Some of `NAMES`.
        command: The command that repeats the run, for the report.

    Raises:
        StartError: the project does not start.
    """
    machine, watch, began = Machine.here(), Watch(), time.monotonic()
    with start_test_bed() as test_bed:
        found = compare(test_bed, scale, peers, _log_progress) if GOALS in parts else Comparison({}, {})
        grown = tuple(part(test_bed, scale, _log_progress) for name, part in PARTS.items() if name in parts)
    there = [peer for peer in peers if peer.name in found.rows]
    rows = found.rows and found.rows | {PROJECT: found.rows[PROJECT] | _alone(grown)}
    return Run(
        command=command,
        scale=scale,
        machine=machine,
        seconds=time.monotonic() - began,
        others=watch.others(),
        versions=versions(),
        peer_versions=versions_of(there),
        titles={PROJECT: "Headrace", **{peer.name: peer.title for peer in there}} if rows else {},
        rows=rows,
        growths=grown,
        slow=tuple(peer.title for peer in there if peer.is_slow),
        left_out={peer.title: found.left_out[peer.name] for peer in peers if peer.name in found.left_out},
    )


def write(run: Run, folder: Path) -> None:
    """Write the page and its chart into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if run.rows:
        (folder / CHART).write_text(chart(run.rows, run.titles, run.growth("streams")))
    (folder / PAGE).write_text(page(run, CHART if run.rows else None))
    _log_progress(f"written: {folder / PAGE}")


def _command(argv: list[str]) -> str:
    return f'make bench ARGS="{shlex.join(argv)}"' if argv else "make bench"


def _alone(grown: tuple[Growth, ...]) -> Row:
    # Goals of the project alone, which are measured with its growth.
    tables = {part.name: part.rows for part in grown}
    row: Row = {}
    if held := tables.get("memory"):
        most = list(held.values())[-1]
        row |= {"held_most": most["held"], "held_most_each": most["held_each"]}
    for store in ("SQLite", "Redis"):
        kept = tables.get("resumable", {}).get(f"resumable, {store}", {})
        later = tables.get("elsewhere", {}).get(store, {})
        row |= {f"resumable_{store.lower()}": kept["times_plain"]} if "times_plain" in kept else {}
        stopped = tables.get("stopping", {}).get(store, {})
        row |= {f"later_{store.lower()}": later["later_p50"]} if later else {}
        row |= {f"stopped_{store.lower()}": stopped["stopped_max"]} if stopped else {}
    if crowds := tables.get("crowd"):
        wrong = ("crowd_lost", "crowd_doubled", "crowd_unfinished")
        row["crowd_wrong"] = sum(crowd[key] for crowd in crowds.values() for key in wrong)
    if read := tables.get("documents"):
        row |= documents.against_others(read)
    starts = [one["start"] for one in tables.get("start", {}).values()]
    return row | dict(zip(("start_bare", "start_local"), starts, strict=False))


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little work, once: about two minutes")
    parser.add_argument("--repeat", type=int, help="how often each figure is measured")
    parser.add_argument("--only", type=_names(NAMES), default=list(NAMES), help=f"parts: {', '.join(NAMES)}")
    known = [peer.name for peer in ALL]
    parser.add_argument("--peers", type=_names(known), default=list(USUAL), help=f"of {', '.join(known)}; '' for none")
    parser.add_argument("--output", type=Path, help="a folder for the report; docs/ if everything is measured")
    return parser.parse_args(argv)


def _names(known: Sequence[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = [name for name in text.split(",") if name]
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(known)}")
        return names

    return read


def _log_progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    if not Path("/proc/self/smaps_rollup").exists():
        sys.exit("The benchmarks read CPU time and memory from /proc: they run on Linux.")
    # The programs that were started are ended at the exit, also after SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        main(sys.argv[1:])
    except StartError as error:
        sys.exit(f"The project, or the upstream, does not start: {error}")
