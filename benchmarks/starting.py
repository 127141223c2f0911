"""The time from the start of the service until it answers."""

from __future__ import annotations

import statistics
import time
import urllib.error
import urllib.request

from benchmarks.comparison import LogProgress
from benchmarks.growth import Growth
from benchmarks.processes import Program
from benchmarks.relays import TestBed, command, free_port
from benchmarks.scale import Scale

LIMIT = 60.0
"""Maximum seconds of a start."""

KINDS = {
    "without the embedded model, until it answers": ({}, "/healthz"),
    "with it, until the model can be asked": ({"HEADRACE_EMBEDDED": "1", "HEADRACE_MODEL": "local/smollm2"}, "/readyz"),
}


def start(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure the start."""
    rows, left_out = {}, {}
    for title, (settings, path) in KINDS.items():
        log_progress(f"starting {title}")
        try:
            rows[title] = {"start": statistics.median(_seconds(test_bed, settings, path) for _ in range(scale.repeat))}
        except TimeoutError:
            left_out[title] = f"it was not ready within {LIMIT:g} s"
    about = "From the command to the first 200, on the relay's core; the packages are in the kernel's cache."
    return Growth("start", "Starting", about, "the service", ("start",), rows, left_out)


def _seconds(test_bed: TestBed, settings: dict[str, str], path: str) -> float:
    port = free_port()
    began = time.monotonic()
    with Program(command(test_bed, port, settings), test_bed.cores.relay):
        while not _is_ready(f"http://127.0.0.1:{port}{path}"):
            if time.monotonic() - began > LIMIT:
                raise TimeoutError
            time.sleep(0.005)
        return time.monotonic() - began


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
