"""How the project's cost grows: with streams, workers, memory, the size of deltas and the upstream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from benchmarks import work
from benchmarks.comparison import LogProgress
from benchmarks.processes import StartError
from benchmarks.relays import Relay, TestBed, Variant, project
from benchmarks.scale import Scale, Streams

PAIR = ("burst_rate", "burst_cpu", "burst_busy", "paced_cpu", "paced_p50", "paced_p99")
RESERVE = 500
"""Files that a process needs besides those of its streams."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A table of figures that change along an axis.

    Args:
        name: The name in `--only`.
        title: Its heading.
        about: Sentences about the measurement.
        axis: The quantity that changes from row to row.
        columns: The figures' keys.
        rows: From the axis' values to their figures.
        left_out: Rows that could not be measured, and why.
    """

    name: str
    title: str
    about: str
    axis: str
    columns: tuple[str, ...]
    rows: dict[str, work.Row]
    left_out: dict[str, str]


def streams(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure more and more streams at once."""
    pace = 10
    rows = {}
    with project(test_bed) as relay:
        for count in scale.grown:
            log_progress(f"{count} streams")
            fast = Streams(count, max(1, scale.grown_deltas // count))
            slow = Streams(count, pace * scale.grown_seconds)
            rows[f"{count:,}"] = work.repeated(
                scale.repeat,
                partial(work.burst, relay, "openai/burst", fast),
                partial(work.paced, relay, f"openai/paced-{pace}", slow),
            )
    about = (
        f"burst: {scale.grown_deltas:,} deltas in all. paced: {pace} deltas a second on each stream. The cost of the "
        "requests and of an idle worker is included: the fewer deltas, the larger the share of each."
    )
    return Growth("streams", "More streams", about, "streams", PAIR, rows, {})


def workers(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure one worker and two, which may use all cores."""
    cores = test_bed.cores.relay | test_bed.cores.load
    variants = [Variant(str(count), {"WEB_CONCURRENCY": str(count)}, cores=cores) for count in (1, 2)]
    rows, left_out = measured(test_bed, scale, log_progress, variants, both)
    about = (
        "The workers may use both the relay's core and the load's: on a machine with two cores, a second worker "
        "competes with the load, and the deltas per second mean little."
    )
    return Growth("workers", "More workers", about, "workers", PAIR, rows, left_out)


def memory(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure the memory of more and more silent streams, each time on a fresh worker."""
    rows, left_out = {}, {}
    for count in scale.memory:
        if 2 * count + RESERVE > test_bed.files:
            left_out[f"{count:,} streams"] = f"a process may open {test_bed.files} files here"
            continue
        log_progress(f"{count} held streams")
        with project(test_bed) as relay:
            rows[f"{count:,}"] = work.hold(relay, test_bed.port, "openai/silent", count)
    columns = ("held", "held_each", "closed_all")
    about = "Silent streams on one fresh worker, then all readers disconnect at once."
    return Growth("memory", "More held streams", about, "streams", columns, rows, left_out)


def answers(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure the memory of silent streams where the application is told of each answer, and where it is not."""
    variants = [
        Variant(title, application=f"benchmarks.answered_host:create_app(is_told={is_told})")
        for title, is_told in (("no on_end function", False), ("an on_end function", True))
    ]
    rows: dict[str, work.Row] = {}
    for variant in variants:
        log_progress(f"{scale.held} held streams, {variant.title}")
        with project(test_bed, variant) as relay:
            rows[variant.title] = work.hold(relay, test_bed.port, "openai/silent", scale.held)
    columns = ("held", "held_each", "closed_all")
    about = (
        "Silent streams on a fresh worker of a host application, which gets each answer by `Headrace.on_end`, or does "
        "not: the question and the answer are kept only for a stream whose answer somebody wants."
    )
    return Growth("answers", "Held streams whose answers are wanted", about, "the application has", columns, rows, {})


def sizes(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure deltas of other sizes."""
    rows = {}
    with project(test_bed) as relay:
        for size in (4, 100, 4096):
            log_progress(f"deltas of {size} bytes")
            row = work.repeated(scale.repeat, partial(work.burst, relay, f"openai/burst@{size}", scale.burst))
            rows[f"{size:,} B"] = row | {"burst_megabytes": row["burst_rate"] * size / 1e6}
    columns = ("burst_rate", "burst_megabytes", "burst_cpu", "burst_busy")
    return Growth("sizes", "Larger deltas", "A burst, as above.", "delta", columns, rows, {})


def upstreams(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure both providers, in the clear and with TLS."""
    variants = [
        Variant(f"{title}{', TLS' if is_encrypted else ''}", provider=provider, is_encrypted=is_encrypted)
        for provider, title in (("openai", "OpenAI"), ("anthropic", "Anthropic"))
        for is_encrypted in ((False, True) if test_bed.tls_port else (False,))
    ]
    rows, left_out = measured(test_bed, scale, log_progress, variants, _all)
    if not test_bed.tls_port:
        left_out["TLS"] = "a certificate needs the openssl program"
    about = "The upstream does its own TLS on the load's core, so that its deltas per second are its, not the relay's."
    return Growth("upstreams", "Other upstreams", about, "upstream", (*PAIR, "first_p50"), rows, left_out)


def both(relay: Relay, variant: Variant, scale: Scale) -> Iterator[Callable[[], work.Row]]:
    """Yield the measurements of a burst and of paced streams."""
    yield partial(work.burst, relay, variant.model("burst"), scale.burst)
    yield partial(work.paced, relay, variant.model(f"paced-{work.PACE}"), scale.paced)


def _all(relay: Relay, variant: Variant, scale: Scale) -> Iterator[Callable[[], work.Row]]:
    yield from both(relay, variant, scale)
    yield partial(work.first, relay, variant.model("burst"), scale.firsts)


Measures = Callable[[Relay, Variant, Scale], Iterator[Callable[[], work.Row]]]


def measured(
    test_bed: TestBed, scale: Scale, log_progress: LogProgress, variants: list[Variant], measures: Measures
) -> tuple[dict[str, work.Row], dict[str, str]]:
    """Measure each variant; return the rows, and the reason of each missing row."""
    rows, left_out = {}, {}
    for variant in variants:
        log_progress(variant.title)
        try:
            with project(test_bed, variant) as relay:
                rows[variant.title] = work.repeated(scale.repeat, *measures(relay, variant, scale))
        except StartError as error:
            left_out[variant.title] = str(error)
    return rows, left_out
