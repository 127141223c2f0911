"""The faults of a run, by their names: of workers and services, of Redis, and of the SQLite file.

A fault is over when its function returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

from benchmarks.chaos.stage import Stage
from tests.support.service import Service

Fault: TypeAlias = Callable[[Stage, random.Random], Awaitable[None]]

MAX_REDIS_BYTES = 3 * 1024 * 1024
"""The most bytes that a Redis may have while it evicts."""

MAX_DROPPED_KEYS = 6
"""The most keys that are dropped at once, as eviction does."""


LOSSY_FAULTS = {"Redis starts again, empty", "Redis evicts", "the file is removed"}
"""Faults after which any stream may be lost. They are rarer than others, since they excuse violations."""


async def kill_worker(stage: Stage, rng: random.Random) -> None:
    """Kill a worker; gunicorn makes a new one."""
    service = rng.choice(stage.services)
    pid = await _worker(service, rng)
    with stage.cutting():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(service.wait_until, lambda: set(service.workers()) - {pid}, 30)
    await asyncio.sleep(1)


def stop_worker(seconds: float) -> Fault:
    """Return a fault that suspends a worker for `seconds` seconds."""

    async def stop(stage: Stage, rng: random.Random) -> None:
        with _paused(await _worker(rng.choice(stage.services), rng)):
            await asyncio.sleep(seconds)

    return stop


async def reload(stage: Stage, rng: random.Random) -> None:
    """Reload a service: it starts a new worker while the old one drains its streams."""
    service = rng.choice(stage.services)
    old = await _worker(service, rng)
    with stage.cutting():
        service.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(service.wait_until, lambda: old not in service.workers(), 30)


async def replace_service(stage: Stage, rng: random.Random) -> None:
    """Replace one of the services by a new one."""
    await asyncio.to_thread(stage.replace, rng.choice(stage.services))


def pause_redis(seconds: float) -> Fault:
    """Return a fault that suspends Redis for `seconds` seconds."""

    async def pause(stage: Stage, _rng: random.Random) -> None:
        assert stage.redis is not None
        with _paused(stage.redis.process.pid):
            await asyncio.sleep(seconds)

    return pause


async def kill_redis(stage: Stage, rng: random.Random) -> None:
    """Kill Redis and restart it without data."""
    assert stage.redis is not None
    with stage.losing():
        stage.redis.kill()
        await asyncio.sleep(rng.uniform(0, 0.5))
        await asyncio.to_thread(stage.redis.start)


async def drop_keys(stage: Stage, rng: random.Random) -> None:
    """Delete some keys of records and of entries from Redis."""
    assert stage.redis is not None
    for _ in range(5):
        keys = [key for key in sorted(stage.redis.names()) if ":e:" in key or ":s:" in key]
        dropped = rng.sample(keys, min(len(keys), MAX_DROPPED_KEYS))
        with stage.losing({key.rpartition(":")[2] for key in dropped}):
            for key in dropped:
                stage.redis.client.unlink(key)
        await asyncio.sleep(0.2)


def evict(seconds: float) -> Fault:
    """Return a fault that lets Redis evict the least recently used keys for `seconds` seconds."""

    async def evict_for_a_while(stage: Stage, _rng: random.Random) -> None:
        assert stage.redis is not None
        client = stage.redis.client
        client.config_set("maxmemory-policy", "allkeys-lru")
        with stage.losing():
            client.config_set("maxmemory", min(MAX_REDIS_BYTES, client.info("memory")["used_memory"]))
            await asyncio.sleep(seconds)
            client.config_set("maxmemory", 0)

    return evict_for_a_while


async def cut_clients(stage: Stage, rng: random.Random) -> None:
    """Let Redis disconnect its clients, or only the subscribers."""
    assert stage.redis is not None
    stage.redis.client.client_kill_filter(_type=rng.choice(["normal", "pubsub"]), skipme=True)


def lock_file(seconds: float) -> Fault:
    """Return a fault that locks the SQLite file for `seconds` seconds."""

    async def lock(stage: Stage, _rng: random.Random) -> None:
        with contextlib.closing(sqlite3.connect(stage.file, isolation_level=None, timeout=0)) as db:
            while True:
                with contextlib.suppress(sqlite3.OperationalError):  # another connection writes now
                    db.execute("BEGIN EXCLUSIVE")
                    break
                await asyncio.sleep(0.001)
            await asyncio.sleep(seconds)
            db.execute("ROLLBACK")

    return lock


def fill_disk(seconds: float) -> Fault:
    """Return a fault that fills the disk of the SQLite file for `seconds` seconds."""

    async def fill(stage: Stage, _rng: random.Random) -> None:
        ballast = stage.file.parent / "ballast"
        file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
        try:
            for size in (65536, 512, 1):
                with contextlib.suppress(OSError):
                    while os.write(file, b"x" * size) == size:
                        pass
            await asyncio.sleep(seconds)
        finally:
            os.close(file)
            ballast.unlink()

    return fill


async def remove_file(stage: Stage, _rng: random.Random) -> None:
    """Remove the SQLite file and its log files."""
    with stage.losing():
        for suffix in ("", "-wal", "-shm"):
            stage.file.with_name(stage.file.name + suffix).unlink(missing_ok=True)
        await asyncio.sleep(0.5)


def of_workers(*, is_brief: bool) -> dict[str, Fault]:
    """Return the faults of workers by their names; without the long ones if `is_brief`."""
    brief: dict[str, Fault] = {"kill -9 of a worker": kill_worker, "a worker stands still for 1 s": stop_worker(1)}
    long = {
        "a worker stands still for 6 s": stop_worker(6),
        "reload": reload,
        "a service leaves, a new one comes": replace_service,
    }
    return brief if is_brief else brief | long


def of_store(stage: Stage, *, is_brief: bool) -> dict[str, Fault]:
    """Return the faults of the store by their names; shorter ones if `is_brief`. Empty for the memory store."""
    seconds = 1.0 if is_brief else 3.0
    if stage.redis is not None:
        return {
            "Redis stands still": pause_redis(seconds),
            "Redis starts again, empty": kill_redis,
            "Redis loses keys": drop_keys,
            "Redis evicts": evict(seconds),
            "Redis cuts its clients off": cut_clients,
        }
    if stage.store == "sqlite":
        full = {"the disk is full": fill_disk(seconds)} if stage.has_disk else {}
        return {"the file is locked": lock_file(seconds), **full, "the file is removed": remove_file}
    return {}


@contextlib.contextmanager
def _paused(pid: int) -> Iterator[None]:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def _worker(service: Service, rng: random.Random) -> int:
    workers: list[int] = await asyncio.to_thread(service.wait_until, service.workers, 30)
    return rng.choice(sorted(workers))
