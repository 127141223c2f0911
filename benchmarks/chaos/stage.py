"""The services of a run, their shared store, and their fake upstream.

It starts and ends them, and records when workers ended and when the store lost data.
"""

from __future__ import annotations

import contextlib
import http.client
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.streaming.stores.redis.server import RedisServer
from tests.support.reader import ask
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Upstream, openai_wire

STORES = ("memory", "sqlite", "redis")

SETTINGS = {
    "HEADRACE_HEARTBEAT": "0.5",
    "HEADRACE_FIRST_TOKEN_TIMEOUT": "6",
    "HEADRACE_STALL_TIMEOUT": "2",
    "HEADRACE_MAX_DURATION": "15",
    "HEADRACE_CLIENT_TIMEOUT": "4",
    "HEADRACE_RESUME_GRACE": "2",
    "HEADRACE_BUFFER": "16384",
    "HEADRACE_DRAIN": "1.5",
}
"""Short limits, so that each of them is reached."""

DISK_SIZE = "24m"
"""The size of the disk that is filled up."""


@dataclass
class Span:
    """A time span, open-ended by default; `ids` are the streams that are concerned, None for any."""

    began: float
    ended: float = float("inf")
    ids: set[str] | None = None


class Stage:
    """The services and the store of a run; a context manager.

    Args:
        store: The kind of store: one of `STORES`.
        upstream: The fake upstream of the services.
        folder: An empty folder.

    Attributes:
        services: The running services: one with the memory store, else two.
        redis: The Redis server; None if the store is another one.
        file: The path of the SQLite file.
        has_disk: Whether the file is on a disk of its own, which can be filled.
        cuts: The spans in which workers ended.
        losses: The spans in which the store may have lost data.
        logs: The logs of services that have ended.
    """

    def __init__(self, store: str, upstream: Upstream, folder: Path) -> None:
        self.store, self.upstream, self.folder = store, upstream, folder
        self.services: list[Service] = []
        self.redis: RedisServer | None = None
        self.file = folder / "disk" / "streams.db"
        self.has_disk = False
        self.cuts: list[Span] = []
        self.losses: list[Span] = []
        self.logs: list[str] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Stage:
        with contextlib.ExitStack() as stack:
            (self.folder / "counts").mkdir()
            self._open_store(stack)
            self.upstream.answer("warm", openai_wire.answer("warm"))
            stack.callback(self._end_services)
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda _: self.start(), range(1 if self.store == "memory" else 2)))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def _open_store(self, stack: contextlib.ExitStack) -> None:
        if self.store == "sqlite":
            disk = self.file.parent
            disk.mkdir()
            mounted = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "none", str(disk)], check=False, capture_output=True
            )
            self.has_disk = mounted.returncode == 0
            if self.has_disk:
                stack.callback(subprocess.run, ["umount", "-l", str(disk)], check=False)
        elif self.store == "redis":
            program = shutil.which("redis-server")
            assert program is not None, "redis-server is not installed: apt-get install redis-server"
            self.redis = RedisServer(program, self.folder)
            stack.callback(self.redis.close)

    @property
    def _address(self) -> str:
        if self.redis is not None:
            return self.redis.url
        return f"sqlite:///{self.file}" if self.store == "sqlite" else "memory"

    def start(self) -> Service:
        """Start another service, and wait until it answers."""
        settings: dict[str, Any] = {**openai_alone(self.upstream), **SETTINGS, "HEADRACE_STORE": self._address}
        service = Service(PROMETHEUS_MULTIPROC_DIR=str(self.folder / "counts"), **settings)
        service.__enter__()
        self.services.append(service)
        # The SDK is imported in the background: the first answer waits for it.
        service.wait_until(lambda: _is_warm(service), 60)
        return service

    def replace(self, service: Service) -> None:
        """Start another service in place of one, which gets a SIGTERM and must exit with 0."""
        with self.cutting():
            self.start()
            self.services.remove(service)
            assert service.stop(signal.SIGTERM, 30) == 0, f"the service did not exit with 0:\n{service.log()}"
        self._end_service(service)

    @contextlib.contextmanager
    def cutting(self) -> Iterator[None]:
        """Record that a worker ends during the body; with the memory store its streams are lost."""
        with _recorded(self.cuts), _recorded(self.losses if self.store == "memory" else []):
            yield

    @contextlib.contextmanager
    def losing(self, ids: set[str] | None = None) -> Iterator[None]:
        """Record that the store loses streams during the body: these ids, or any if None."""
        with _recorded(self.losses, ids):
            yield

    def log(self) -> str:
        """Return the logs of all services."""
        return "\n".join([*self.logs, *(service.log() for service in self.services)])

    def _end_service(self, service: Service) -> None:
        self.logs.append(service.log())
        service.__exit__(None, None, None)

    def _end_services(self) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._end_service, self.services))
        self.services.clear()


def _is_warm(service: Service) -> bool:
    try:
        return ask(service.url, "openai/warm").is_done
    except (OSError, http.client.HTTPException):
        return False


@contextlib.contextmanager
def _recorded(spans: list[Span], ids: set[str] | None = None) -> Iterator[None]:
    span = Span(time.monotonic(), ids=ids)
    spans.append(span)
    try:
        yield
    finally:
        span.ended = time.monotonic()
