"""Two workers of one process that share a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_headrace.streaming.stores.base import Bounds
from flask_headrace.streaming.stores.memory import MemoryStore
from flask_headrace.streaming.stores.sqlite import SqliteStore

from tests.streaming.resuming import Away, Worker


@pytest.fixture(params=["memory", "sqlite"])
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Worker]]:
    bounds = Bounds(retention=1.0)
    if request.param == "memory":
        kept = [MemoryStore(bounds)] * 2
    else:
        kept = [SqliteStore(tmp_path / "streams.db", bounds) for _ in range(2)]
    yield [Worker(Away(store)) for store in kept]
    for store in kept:
        store.close()


@pytest.fixture(params=[0, 1], ids=["here", "elsewhere"])
def other(request: pytest.FixtureRequest, workers: list[Worker]) -> Worker:
    """Return the worker that fills the stream, or the other."""
    return workers[request.param]
