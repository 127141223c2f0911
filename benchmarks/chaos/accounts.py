"""What must be true when a run is over: nothing is open, each stream has one account, and no log tells of a mistake."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable

from benchmarks.chaos.reading import Wrongs
from benchmarks.chaos.stage import Span, Stage
from tests.support.reader import send

OPEN, UPSTREAMS = "streams that are still open", "connections to the upstream that are still in use"
ACCOUNTS, TRACES = "accounts other than one for each stream", "stack traces in the logs"

COUNTS = (OPEN, UPSTREAMS, ACCOUNTS, TRACES)
"""What is counted of services; each is 0 where all is well."""

QUIET = 30.0
"""Seconds in which all streams that nobody reads any more must have ended."""

AT_A_CUT = 3.0
"""Seconds around a worker's end in which its streams may have ended without an account."""


async def settle(stage: Stage, wrongs: Wrongs) -> None:
    """Wait until nothing is open, and count what is not as it should be."""
    until = time.monotonic() + QUIET
    for what, count in ((OPEN, lambda: _open_streams(stage)), (UPSTREAMS, lambda: _in_use(stage))):
        left = await _come_to_rest(count, until)
        if left:
            wrongs.add(what, "after the run", left)
    for what, found in ((ACCOUNTS, _accounts(stage)), (TRACES, _traces(stage))):
        for one in found:
            wrongs.add(what, one)


async def _come_to_rest(count: Callable[[], int], until: float) -> int:
    while (left := count()) and time.monotonic() < until:
        await asyncio.sleep(0.1)
    return left


def _open_streams(stage: Stage) -> int:
    told = (int(send(service.url + "/healthz", method="GET").json["streams"]) for service in stage.services)
    return sum(told) + int(_metric(stage, "headrace_open_streams"))


def _in_use(stage: Stage) -> int:
    return int(stage.upstream.tally().open)


def _metric(stage: Stage, name: str) -> float:
    # They share a folder of counts: each tells of all, also of workers that are gone.
    text = send(stage.services[0].url + "/metrics", method="GET").body.decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def _accounts(stage: Stage) -> list[str]:
    """Return what is wrong between the streams that began, their accounts in the log, and the metrics."""
    lines = re.findall(r"stream_end ({.*})$", stage.log(), re.MULTILINE)
    ends = [json.loads(line) for line in lines]
    asked = stage.upstream.requests()
    found = []
    counted = _metric(stage, "headrace_streams_total")
    # A worker may have been killed between the two.
    if not len(ends) <= counted <= len(ends) + len(stage.cuts):
        found.append(f"the metrics count {counted:g} ends, the logs {len(ends)}")
    told = Counter(_model(end) for end in ends)
    perhaps_unasked = Counter(_model(end) for end in ends if _was_perhaps_never_asked(end))
    cut = Counter(one.name for one in asked if _was_cut(one.ended_at, stage.cuts))
    for name, times in Counter(one.name for one in asked).items():
        if not times - cut[name] <= told[name] <= times + perhaps_unasked[name]:
            found.append(f"{name} was asked {times} times, {cut[name]} of them cut off, and has {told[name]} accounts")
    return found


def _model(end: dict[str, str]) -> str:
    return end["model"].partition("/")[2]


def _was_perhaps_never_asked(end: dict[str, object]) -> bool:
    """Whether a stream may have ended before its model was asked, as far as its account tells."""
    return end["end"] != "done" and end["first_token_seconds"] is None


def _was_cut(ended_at: float | None, cuts: list[Span]) -> bool:
    return ended_at is not None and any(cut.began - 0.5 <= ended_at <= cut.ended + AT_A_CUT for cut in cuts)


def _traces(stage: Stage) -> list[str]:
    # Each of them ends with the line that is not indented, which says what it is.
    return re.findall(r"^Traceback .*\n(?:[ \t]+.*\n)*(.*)", stage.log(), re.MULTILINE)
