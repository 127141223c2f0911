"""The work of a relay, and the figures that are measured.

A row maps the keys of figures (`figures.py`) to their values. CPU is of the relay's processes alone.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable

from benchmarks import loops
from benchmarks.first import first_deltas
from benchmarks.hold import StreamHolder
from benchmarks.load import LoadResult, percentile, read
from benchmarks.relays import Relay
from benchmarks.scale import Streams

Row = dict[str, float]

PACE = 50
"""Deltas a second of a paced stream."""


def burst(relay: Relay, model: str, work: Streams) -> Row:
    """Measure streams that send as fast as the relay reads them."""
    seen, cpu = _read(relay, model, work)
    return {
        "burst_rate": seen.deltas / seen.seconds,
        "burst_first": percentile(seen.firsts, 1),
        "burst_cpu": cpu / max(seen.deltas, 1) * 1e6,
        "burst_busy": cpu / seen.seconds * 100,
        "incomplete": work.count - seen.complete,
    }


def paced(relay: Relay, model: str, work: Streams) -> Row:
    """Measure streams at the pace of their model's name."""
    seen, cpu = _read(relay, model, work)
    return {
        "paced_cpu": cpu / max(seen.deltas, 1) * 1e6,
        "paced_p50": percentile(seen.delays, 0.5),
        "paced_p99": percentile(seen.delays, 0.99),
        "incomplete": work.count - seen.complete,
    }


def first(relay: Relay, model: str, count: int) -> Row:
    """Measure the time to the first delta of one short answer after the other."""
    return {"first_p50": percentile(first_deltas(relay.endpoint, model, count), 0.5)}


def disconnect(relay: Relay, upstream: int, provider: str, count: int) -> Row:
    """Measure disconnects one by one: from streams that are silent after a delta, and before the upstream's head."""
    holding = StreamHolder(relay.endpoint, upstream)

    def slowest(behaviour: str, *, has_answer: bool) -> float:
        model = f"{provider}/{behaviour}"
        seconds = [loops.run(holding.disconnect_one(model, has_answer=has_answer)) for _ in range(count)]
        return max(float("inf") if one is None else one * 1e3 for one in seconds)

    return {"closed_stalled": slowest("stalled", has_answer=True), "closed_mute": slowest("mute", has_answer=False)}


def hold(relay: Relay, upstream: int, model: str, count: int) -> Row:
    """Measure silent streams, then the disconnect of all readers at once."""
    held = loops.run(StreamHolder(relay.endpoint, upstream).hold(relay.program, model, count))
    closed = float("inf") if held.closed is None else held.closed
    return {"held": held.streams, "held_each": held.each / 1024, "closed_all": closed}


def median(rows: Iterable[Row]) -> Row:
    """Return the median of each figure; of incomplete streams, the sum."""
    rows = list(rows)
    middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    return middle | ({"incomplete": sum(row["incomplete"] for row in rows)} if "incomplete" in middle else {})


def repeated(times: int, *measures: Callable[[], Row]) -> Row:
    """Run each measure `times` times; return the medians, and the sum of the incomplete streams."""
    rows = [median(measure() for _ in range(times)) for measure in measures]
    return merged(rows)


def merged(rows: Iterable[Row]) -> Row:
    """Merge rows into one; incomplete streams are added up."""
    whole: Row = {}
    for row in rows:
        lost = whole.get("incomplete", 0) + row.get("incomplete", 0)
        whole |= row | {"incomplete": lost}
    return whole


def _read(relay: Relay, model: str, work: Streams) -> tuple[LoadResult, float]:
    before = relay.program.clock()
    seen = loops.run(read(relay.endpoint, model, work.count, work.deltas, work.spread))
    return seen, relay.program.cpu_since(before)
