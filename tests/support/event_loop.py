"""Waiting in the event loop, for tests whose code under test runs in greenlets of this process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

import gevent

T = TypeVar("T")


def until(condition: Callable[[], T | None], limit: float = 30.0) -> T:
    """Let greenlets run until `condition()` is true; return its value.

    An IndexError counts as "not yet true", so that a condition can index a list that is still empty.

    Raises:
        AssertionError: `condition()` was not true within `limit` seconds.
    """
    with gevent.Timeout(limit, AssertionError(f"not true within {limit} s: {condition}")):
        while True:
            with contextlib.suppress(IndexError):
                if value := condition():
                    return value
            gevent.sleep(0.002)


def settle() -> None:
    """Let all ready greenlets run, and those that become ready meanwhile, until all wait."""
    for _ in range(20):
        gevent.sleep(0)
