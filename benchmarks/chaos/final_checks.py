"""The checks after a run: nothing is open, each stream has one log record, and no log has a stack trace."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable

from benchmarks.chaos.reading import Violations
from benchmarks.chaos.stage import Span, Stage
from tests.support.reader import send

OPEN, UPSTREAMS = "streams that are still open", "connections to the upstream that are still in use"
LOG_RECORDS, TRACES = "log records other than one for each stream", "stack traces in the logs"

COUNTS = (OPEN, UPSTREAMS, LOG_RECORDS, TRACES)
"""The violations of services; each count is 0 if all is well."""

SETTLE_TIMEOUT = 30.0
"""Seconds in which all streams without readers must have ended."""

CUT_TOLERANCE = 3.0
"""Seconds after the end of a worker in which its streams may have ended without a log record."""


async def settle(stage: Stage, violations: Violations) -> None:
    """Wait until nothing is open, and count the violations."""
    until = time.monotonic() + SETTLE_TIMEOUT
    for what, count in ((OPEN, lambda: _open_streams(stage)), (UPSTREAMS, lambda: _in_use(stage))):
        left = await _wait_for_zero(count, until)
        if left:
            violations.add(what, "after the run", left)
    for what, found in ((LOG_RECORDS, _log_records(stage)), (TRACES, _traces(stage))):
        for one in found:
            violations.add(what, one)


async def _wait_for_zero(count: Callable[[], int], until: float) -> int:
    while (left := count()) and time.monotonic() < until:
        await asyncio.sleep(0.1)
    return left


def _open_streams(stage: Stage) -> int:
    counts = (int(send(service.url + "/healthz", method="GET").json["streams"]) for service in stage.services)
    return sum(counts) + int(_metric(stage, "headrace_open_streams"))


def _in_use(stage: Stage) -> int:
    return int(stage.upstream.tally().open)


def _metric(stage: Stage, name: str) -> float:
    # The services share a folder of metrics: each returns those of all, also of workers that are gone.
    text = send(stage.services[0].url + "/metrics", method="GET").body.decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def _log_records(stage: Stage) -> list[str]:
    """Return the differences between the requests to the upstream, the log records and the metrics, as messages."""
    lines = re.findall(r"stream_end ({.*})$", stage.log(), re.MULTILINE)
    ends = [json.loads(line) for line in lines]
    requests = stage.upstream.requests()
    found = []
    counted = _metric(stage, "headrace_streams_total")
    # A worker may have been killed between the two.
    if not len(ends) <= counted <= len(ends) + len(stage.cuts):
        found.append(f"the metrics count {counted:g} ends, the logs {len(ends)}")
    recorded = Counter(_model(end) for end in ends)
    maybe_unsent = Counter(_model(end) for end in ends if _may_be_unsent(end))
    cut = Counter(one.name for one in requests if _was_cut(one.ended_at, stage.cuts))
    for name, times in Counter(one.name for one in requests).items():
        if not times - cut[name] <= recorded[name] <= times + maybe_unsent[name]:
            found.append(
                f"{name} got {times} requests, {cut[name]} of them cut off, and has {recorded[name]} log records"
            )
    return found


def _model(end: dict[str, str]) -> str:
    return end["model"].partition("/")[2]


def _may_be_unsent(end: dict[str, object]) -> bool:
    """Whether a stream may have ended before its model got the request, according to its log record."""
    return end["end"] != "done" and end["first_token_seconds"] is None


def _was_cut(ended_at: float | None, cuts: list[Span]) -> bool:
    return ended_at is not None and any(cut.began - 0.5 <= ended_at <= cut.ended + CUT_TOLERANCE for cut in cuts)


def _traces(stage: Stage) -> list[str]:
    # Each stack trace ends with the first line that is not indented: the exception.
    return re.findall(r"^Traceback .*\n(?:[ \t]+.*\n)*(.*)", stage.log(), re.MULTILINE)
