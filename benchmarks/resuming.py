"""The cost of resumable streams, and whether readers that come back get all events."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks import loops, work
from benchmarks.comparison import LogProgress
from benchmarks.crowd import Crowd
from benchmarks.growth import PAIR, Growth, both
from benchmarks.load import percentile
from benchmarks.processes import Command, Program, StartError, free_port
from benchmarks.relays import PLAIN, Relay, TestBed, Variant, project
from benchmarks.remote import read_elsewhere, stop_elsewhere
from benchmarks.scale import Scale

SPREAD = 1.17
"""Seconds over which paced streams begin, so that their deltas do not arrive together."""


@contextlib.contextmanager
def stores(test_bed: TestBed) -> Iterator[dict[str, dict[str, str]]]:
    """Yield the stores that can be used here: from their names to their settings."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        found = {"SQLite": {"HEADRACE_STORE": f"sqlite:///{folder / 'streams.db'}"}}
        if program := shutil.which("redis-server"):
            port = free_port()
            argv = [program, "--port", str(port), "--save", "", "--dir", str(folder), "--bind", "127.0.0.1"]
            # On the load's core: Redis' work is not the relay's.
            stack.enter_context(Program(Command(argv, port, folder), test_bed.cores.load))
            found["Redis"] = {"HEADRACE_STORE": f"redis://127.0.0.1:{port}/0"}
        yield found


def resumable(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure streams that can be read again after a lost connection, beside plain ones and in turn with them."""
    left_out: dict[str, str] = {}
    with stores(test_bed) as found, contextlib.ExitStack() as stack:
        relays: dict[str, tuple[Variant, Relay]] = {}
        for variant in (
            PLAIN,
            *(Variant(f"resumable, {name}", settings, {"resumable": True}) for name, settings in found.items()),
        ):
            try:
                relays[variant.title] = variant, stack.enter_context(project(test_bed, variant))
            except StartError as error:  # noqa: PERF203  # a handful of programs are started
                left_out[variant.title] = str(error)
        turns = [_turn(relays, scale, log_progress) for _ in range(scale.repeat)]
    rows = {title: work.median(turn[title] for turn in turns) for title in relays}
    about = (
        "Every event is stored, so that a reader that comes back misses none. All services run at once and are "
        "measured in turn; the multiple of a plain stream's CPU is the median of the turns. The paced streams begin "
        f"over {SPREAD:g} seconds: deltas of streams that begin together arrive together, and the cost of one then "
        "varies by chance."
    )
    columns = (*PAIR, "times_plain")
    return Growth("resumable", "Resumable streams", about, "stream", columns, rows, left_out | _lacking(found))


def _turn(relays: dict[str, tuple[Variant, Relay]], scale: Scale, log_progress: LogProgress) -> dict[str, work.Row]:
    rows = {}
    spread = replace(scale, paced=replace(scale.paced, spread=SPREAD))
    for title, (variant, relay) in relays.items():
        log_progress(title)
        rows[title] = work.merged(measure() for measure in both(relay, variant, spread))
    plain = rows[PLAIN.title]["paced_cpu"]
    return {title: row | {"times_plain": row["paced_cpu"] / plain} for title, row in rows.items()}


def elsewhere(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure how much later a reader gets a delta at another service than the one that fills the stream."""
    model = f"openai/paced-{work.PACE}"

    def measure(here: Relay, there: Relay) -> work.Row:
        return _later(*loops.run(read_elsewhere(here.endpoint.port, there.endpoint.port, model, scale.elsewhere)))

    about = (
        f"{scale.elsewhere.count} streams with {work.PACE} deltas a second each, started at one service and followed "
        "at another, both on the relay's core."
    )
    rows, left_out = _in_pairs(test_bed, scale, log_progress, "following elsewhere", measure)
    columns = ("near_p50", "far_p50", "later_p50")
    return Growth("elsewhere", "Readers elsewhere", about, "store", columns, rows, left_out)


def stopping(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure how soon a stream ends that is stopped at another service than the one that fills it."""

    def measure(here: Relay, there: Relay) -> work.Row:
        ports = here.endpoint.port, there.endpoint.port, test_bed.port
        took = loops.run(stop_elsewhere(*ports, "openai/stalled", scale.stopping))
        return {"stopped_p50": percentile(took, 0.5), "stopped_max": took[-1]}

    about = (
        f"{scale.stopping} streams, one by one, started at one service and stopped at another, both on the relay's "
        "core: from the request to stop to the end of the connection to the upstream."
    )
    rows, left_out = _in_pairs(test_bed, scale, log_progress, "stopping elsewhere", measure)
    return Growth("stopping", "Stopped elsewhere", about, "store", ("stopped_p50", "stopped_max"), rows, left_out)


def _in_pairs(
    test_bed: TestBed, scale: Scale, log_progress: LogProgress, what: str, measure: Callable[[Relay, Relay], work.Row]
) -> tuple[dict[str, work.Row], dict[str, str]]:
    """Measure two services with one store, for each store; return the rows, and why others are missing."""
    rows, left_out = {}, {}
    with stores(test_bed) as found:
        for name, settings in found.items():
            log_progress(f"{what}, {name}")
            variant = Variant(settings=settings)
            try:
                with project(test_bed, variant) as here, project(test_bed, variant) as there:
                    rows[name] = work.median(measure(here, there) for _ in range(scale.repeat))
            except StartError as error:
                left_out[name] = str(error)
    return rows, left_out | _lacking(found)


def _later(near: list[float], far: list[float]) -> work.Row:
    here, there = percentile(near, 0.5), percentile(far, 0.5)
    return {"near_p50": here, "far_p50": there, "later_p50": there - here}


def crowd(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Let a crowd of readers disconnect and reconnect at random, at two workers; count what each loses."""
    rows, left_out = {}, {}
    cores = test_bed.cores.relay | test_bed.cores.load
    with stores(test_bed) as found:
        for name, settings in found.items():
            log_progress(f"a crowd of {scale.crowd} readers, {name}")
            try:
                with project(test_bed, Variant(settings=settings | {"WEB_CONCURRENCY": "2"}, cores=cores)) as relay:
                    rows[name] = loops.run(Crowd(relay.endpoint.port, scale.crowd, scale.crowd_seconds).run())
            except StartError as error:
                left_out[name] = str(error)
    about = (
        f"{scale.crowd:,} readers of 20 streams, two workers, {scale.crowd_seconds} seconds: each disconnects "
        "at random and comes back with the number of its last frame."
    )
    columns = ("crowd_readers", "crowd_returns", "crowd_events", "crowd_lost", "crowd_doubled", "crowd_unfinished")
    return Growth("crowd", "A crowd that comes and goes", about, "store", columns, rows, left_out | _lacking(found))


def _lacking(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {} if "Redis" in found else {"Redis": "redis-server is not installed"}
