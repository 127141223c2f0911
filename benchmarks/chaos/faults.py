"""What goes wrong in a run, each by its name: with workers and services, with Redis, and with SQLite's file.

Each fault begins, lasts for its seconds, and is over when its function returns.
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

FULL = 3 * 1024 * 1024
"""Bytes that a Redis which evicts may have, at most."""

LOST_AT_ONCE = 6
"""Keys that are dropped at once, as eviction does."""


LOSING = {"Redis starts again, empty", "Redis evicts", "the file is removed"}
"""Faults after which no stream need be there any more: what they hide from the run is to be little."""


async def kill_worker(stage: Stage, chance: random.Random) -> None:
    """Kill a worker; gunicorn makes a new one."""
    service = chance.choice(stage.services)
    pid = await _worker(service, chance)
    with stage.cutting():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(service.wait_until, lambda: set(service.workers()) - {pid}, 30)
    await asyncio.sleep(1)


def stop_worker(seconds: float) -> Fault:
    """Return what lets a worker stand still for so long."""

    async def stop(stage: Stage, chance: random.Random) -> None:
        with _paused(await _worker(chance.choice(stage.services), chance)):
            await asyncio.sleep(seconds)

    return stop


async def reload(stage: Stage, chance: random.Random) -> None:
    """Let a service take on a new worker, while the old one lets its streams finish."""
    service = chance.choice(stage.services)
    old = await _worker(service, chance)
    with stage.cutting():
        service.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(service.wait_until, lambda: old not in service.workers(), 30)


async def replace_service(stage: Stage, chance: random.Random) -> None:
    """Let one of the services leave, and another one come."""
    await asyncio.to_thread(stage.replace, chance.choice(stage.services))


def pause_redis(seconds: float) -> Fault:
    """Return what lets Redis stand still for so long."""

    async def pause(stage: Stage, _chance: random.Random) -> None:
        assert stage.redis is not None
        with _paused(stage.redis.process.pid):
            await asyncio.sleep(seconds)

    return pause


async def kill_redis(stage: Stage, chance: random.Random) -> None:
    """Kill Redis and start it again, empty."""
    assert stage.redis is not None
    with stage.losing():
        stage.redis.kill()
        await asyncio.sleep(chance.uniform(0, 0.5))
        await asyncio.to_thread(stage.redis.start)


async def drop_keys(stage: Stage, chance: random.Random) -> None:
    """Let Redis lose some records and some streams of entries, each by itself."""
    assert stage.redis is not None
    for _ in range(5):
        keys = [key for key in sorted(stage.redis.names()) if ":e:" in key or ":s:" in key]
        dropped = chance.sample(keys, min(len(keys), LOST_AT_ONCE))
        with stage.losing({key.rpartition(":")[2] for key in dropped}):
            for key in dropped:
                stage.redis.client.unlink(key)
        await asyncio.sleep(0.2)


def evict(seconds: float) -> Fault:
    """Return what lets Redis evict whatever was not used for long, for so many seconds."""

    async def evict_for_a_while(stage: Stage, _chance: random.Random) -> None:
        assert stage.redis is not None
        client = stage.redis.client
        client.config_set("maxmemory-policy", "allkeys-lru")
        with stage.losing():
            client.config_set("maxmemory", min(FULL, client.info("memory")["used_memory"]))
            await asyncio.sleep(seconds)
            client.config_set("maxmemory", 0)

    return evict_for_a_while


async def cut_clients(stage: Stage, chance: random.Random) -> None:
    """Let Redis cut off its clients, or those who are told of changes."""
    assert stage.redis is not None
    stage.redis.client.client_kill_filter(_type=chance.choice(["normal", "pubsub"]), skipme=True)


def lock_file(seconds: float) -> Fault:
    """Return what locks SQLite's file for so long."""

    async def lock(stage: Stage, _chance: random.Random) -> None:
        with contextlib.closing(sqlite3.connect(stage.file, isolation_level=None, timeout=0)) as db:
            while True:
                with contextlib.suppress(sqlite3.OperationalError):  # somebody writes in this moment
                    db.execute("BEGIN EXCLUSIVE")
                    break
                await asyncio.sleep(0.001)
            await asyncio.sleep(seconds)
            db.execute("ROLLBACK")

    return lock


def fill_disk(seconds: float) -> Fault:
    """Return what fills up the disk of SQLite's file for so long."""

    async def fill(stage: Stage, _chance: random.Random) -> None:
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


async def remove_file(stage: Stage, _chance: random.Random) -> None:
    """Remove SQLite's file, with what belongs to it."""
    with stage.losing():
        for suffix in ("", "-wal", "-shm"):
            stage.file.with_name(stage.file.name + suffix).unlink(missing_ok=True)
        await asyncio.sleep(0.5)


def of_workers(*, is_brief: bool) -> dict[str, Fault]:
    """Return what goes wrong with workers; `is_brief` leaves out what takes long."""
    brief: dict[str, Fault] = {"kill -9 of a worker": kill_worker, "a worker stands still for 1 s": stop_worker(1)}
    long = {
        "a worker stands still for 6 s": stop_worker(6),
        "reload": reload,
        "a service leaves, a new one comes": replace_service,
    }
    return brief if is_brief else brief | long


def of_store(stage: Stage, *, is_brief: bool) -> dict[str, Fault]:
    """Return what goes wrong with a stage's store; `is_brief` makes it short."""
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


async def _worker(service: Service, chance: random.Random) -> int:
    workers: list[int] = await asyncio.to_thread(service.wait_until, service.workers, 30)
    return chance.choice(sorted(workers))
