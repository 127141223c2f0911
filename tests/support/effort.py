"""How much work a function does, as a number that depends on no clock and on no other process.

Counts each line that runs and each byte that is allocated, also where it is freed at once. A copy that is made again
for each piece of a text shows; what C code only reads does not.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from flask_headrace import __path__ as package


def effort_of(work: Callable[[], object]) -> int:
    """Run `work`, and return the lines of this package that it ran plus the bytes that each of them allocated.

    CPython copies a string in each `+=` while lines are traced: `effort_of_steps` is for work that grows strings.
    """
    allocated = _Allocated()
    tracemalloc.start()
    try:
        allocated.since_last()
        return _lines_of(work, allocated.since_last)
    finally:
        tracemalloc.stop()


def effort_of_steps(begin: Callable[[], Iterable[object]]) -> int:
    """Run the steps of `begin()` twice, and return the lines of this package that they ran plus the bytes allocated.

    Args:
        begin: Returns an iterable that does one step of the work before each value that it yields. The bytes of a step
            are the most that it holds at one time.
    """
    lines = _lines_of(lambda: [None for _ in begin()], lambda: 0)
    allocated = _Allocated()
    tracemalloc.start()
    try:
        allocated.since_last()
        return lines + sum(allocated.since_last() for _ in begin())
    finally:
        tracemalloc.stop()


class _Allocated:
    """The bytes that are allocated between one look and the next."""

    def __init__(self) -> None:
        self._before = 0

    def since_last(self) -> int:
        now, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        allocated, self._before = max(peak - self._before, 0), now
        return allocated


def _lines_of(work: Callable[[], object], cost: Callable[[], int]) -> int:
    """Return how many lines of this package `work` runs, plus `cost()` at each."""
    total, folder = 0, package[0]

    def trace(frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal total
        if not frame.f_code.co_filename.startswith(folder):
            return None
        total += 1 + cost()
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(previous)
    return total
