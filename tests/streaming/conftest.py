"""Two workers of one process that share a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_headrace.streaming.resume import lease, store_writer, stored_reader, write_queue
from flask_headrace.streaming.stores import memory
from flask_headrace.streaming.stores.base import StoreLimits
from flask_headrace.streaming.stores.sqlite import database
from flask_headrace.streaming.stores.sqlite import leases as sqlite_leases
from tests.streaming.resume.workers import Away, Worker, shared


@pytest.fixture(autouse=True)
def patient_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer for a busy disk, so that load from other processes does not fail a test."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 30.0)


@pytest.fixture
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (memory, sqlite_leases, lease):
        monkeypatch.setattr(module, "LEASE_DURATION", 0.6)
    for module in (store_writer, lease):
        monkeypatch.setattr(module, "LEASE_RENEWAL_INTERVAL", 0.1)
    monkeypatch.setattr(stored_reader, "POLL_INTERVAL", 0.1)


@pytest.fixture(params=["memory", "sqlite"])
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Worker]]:
    with shared(request.param, tmp_path, StoreLimits(), 2) as stores:
        yield [Worker(store) for store in stores]


@pytest.fixture(params=[0, 1], ids=["here", "elsewhere"])
def other(request: pytest.FixtureRequest, workers: list[Worker]) -> Worker:
    """Return the worker that fills the stream, or the other."""
    return workers[request.param]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Away]:
    """Return a store that can be away."""
    with shared(request.param, tmp_path, StoreLimits(), 1) as stores:
        yield stores[0]


@pytest.fixture
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the intervals of periodic work."""
    for module in (store_writer, lease):
        monkeypatch.setattr(module, "LEASE_RENEWAL_INTERVAL", 0.1)
    for module in (store_writer, write_queue):
        monkeypatch.setattr(module, "RETRY_DELAY", 0.02)
