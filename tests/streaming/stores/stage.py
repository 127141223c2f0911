"""Helpers of the tests of stores: storages of each kind, streams and batches, and workers that are processes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import msgspec

from flask_headrace.streaming.stores.base import EventBatch, Store, StoreLimits, StreamClaim, StreamRecord
from flask_headrace.streaming.stores.factory import open_store
from flask_headrace.streaming.stores.redis.store import RedisStore
from flask_headrace.streaming.stores.sqlite.store import SqliteStore
from tests.support.event_loop import settle, until

WIDE = StoreLimits()


@dataclass
class Storage:
    """A storage, and the stores that were opened on it."""

    url: str
    stores: list[Store] = field(default_factory=list)

    @property
    def is_shared(self) -> bool:
        return self.url != "memory"

    def open(self, **bounds: float) -> Store:
        """Open the storage as another worker would; memory has one store. `bounds` are fields of `StoreLimits`."""
        if self.is_shared or not self.stores or bounds:
            self.stores.append(open_store(self.url, msgspec.structs.replace(WIDE, **bounds)))
        return self.stores[-1]

    def close(self) -> None:
        for store in self.stores:
            store.close()


def claim(
    stream: str = "s", worker: str = "w", question: str = "q", owner: str = "o", about: bytes = b""
) -> StreamClaim:
    return StreamClaim(stream, worker, owner, question, about)


def entry(first: int, count: int = 1, payload: bytes = b"x", stream: str = "s", is_last: bool = False) -> EventBatch:
    return EventBatch(stream, first, count, payload, is_last)


def fill(
    store: Store,
    *payloads: bytes,
    stream: str = "s",
    worker: str = "w",
    ends: bool = False,
    name: str | None = None,
) -> None:
    """Claim a stream and append a batch of one event for each payload; if `ends`, the last one ends the stream."""
    assert store.claim(claim(stream, worker), name) is None
    entries = [entry(number, payload=payload, stream=stream) for number, payload in enumerate(payloads, 1)]
    if ends:
        entries[-1] = msgspec.structs.replace(entries[-1], is_last=True)
    assert store.append(worker, entries) == set()


def payloads(entries: list[EventBatch]) -> list[bytes]:
    return [found.payload for found in entries]


def found(store: Store, stream: str = "s") -> StreamRecord:
    record = store.find(stream)
    assert record is not None
    return record


def subscribed_channels(store: Store) -> set[str]:
    """Return the channels of Redis that a store watches, or has watched and not yet left; none for other stores."""
    if not isinstance(store, RedisStore):
        return set()
    return {*store._listener._callbacks.ids, *store._listener._subscribed}


@contextlib.contextmanager
def waiting_for_effect(store: Store, stream: str, stop: bool, has_called: Callable[[], Any]) -> Iterator[None]:
    """Wait at the end of the block until the watch that has begun in it is effective, and its first call is over."""
    if isinstance(store, RedisStore):
        known = subscribed_channels(store)
        yield
        if subscribed_channels(store) - known:
            until(has_called)  # the server confirms the first subscription to a channel, and that calls back
    elif isinstance(store, SqliteStore):
        watcher = store._watcher
        snapshot, is_first = watcher._snapshot, stream not in (watcher._stop_requests if stop else watcher._changes)
        yield
        until(lambda: not is_first or (watcher._snapshot is not snapshot and not watcher._is_outdated))
    else:
        yield
    settle()


class Watcher:
    """Counts the calls of a callback that watches a stream.

    Args:
        store: The store.
        stream: The stream's id.
        stop: Whether to watch for requests to stop alone.
        is_effective: Whether to wait until the watch is effective; False if the store cannot be reached.
    """

    def __init__(self, store: Store, stream: str = "s", stop: bool = False, is_effective: bool = True) -> None:
        self.calls = 0
        with waiting_for_effect(store, stream, stop, lambda: self.calls) if is_effective else contextlib.nullcontext():
            self.end = (store.watch_stop if stop else store.watch)(stream, self.callback)

    def callback(self) -> None:
        self.calls += 1

    def sees(self, change: Callable[[], Any], limit: float = 30.0) -> None:
        """Check that a change calls the callback."""
        before = self.calls
        change()
        until(lambda: self.calls > before, limit)

    def waits_for(self, fact: Callable[[], Any], limit: float = 30.0) -> None:
        """Wait until `fact()` is true, and check only after calls of the callback, which may have other causes."""
        while True:
            before = self.calls
            if fact():
                return
            until(lambda seen=before: self.calls > seen, limit)


@contextlib.contextmanager
def ticking() -> Iterator[list[float]]:
    """Provide a list that grows every hundredth of a second while the event loop runs."""
    ticks: list[float] = []

    def tick() -> None:
        while True:
            gevent.sleep(0.01)
            ticks.append(gevent.get_hub().loop.now())

    greenlet = gevent.spawn(tick)
    try:
        yield ticks
    finally:
        greenlet.kill()


class Worker:
    """A process with a store. It runs lines of Python, and returns what they print.

    The lines can use `store`, `worker` (the name of the process), and everything in this module.
    """

    def __init__(self, url: str, name: str = "other") -> None:
        script = (
            "import sys\nfrom tests.streaming.stores.stage import *\n"
            "from flask_headrace.streaming.stores.redis import store as redis_store\n"
            "from flask_headrace.streaming.stores.sqlite import leases as sqlite_leases\n"
            f"store, worker = open_store({url!r}, WIDE), {name!r}\n"
            "for line in sys.stdin: exec(line); print(flush=True)\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        self._has_started = False
        self.say("pass")

    def say(self, line: str) -> None:
        """Run a line without waiting for it."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """Wait until the next line has run, and return what it printed."""
        if not self._has_started:
            self._has_started = True
            self.answer()
        pool = gevent.get_hub().threadpool
        with gevent.Timeout(60):
            return pool.spawn(self.process.stdout.readline).get().strip()

    def do(self, line: str) -> str:
        self.say(line)
        return self.answer()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
