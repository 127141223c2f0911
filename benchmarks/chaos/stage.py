"""The services of a run, the store that they share, and the upstream that they ask.

It starts and ends them, and remembers when workers ended and when the store lost what it had.
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
"""Short limits, so that each of them is met."""

DISK = "24m"
"""The size of the disk that is filled up."""


@dataclass
class Span:
    """A time in which something happened, which may go on; `ids` are the streams that it happened to, None for any."""

    began: float
    ended: float = float("inf")
    ids: set[str] | None = None


class Stage:
    """What a run plays on, from `with` to its end.

    Args:
        store: The kind of store: one of `STORES`.
        upstream: Whom the services ask.
        folder: An empty folder.

    Attributes:
        services: Those that run: one with the memory's store, else two.
        redis: The Redis, where it is the store.
        file: SQLite's file, where that is the store.
        has_disk: Whether that file has a disk of its own, which can be filled up.
        cuts: When workers were about to end: from when to when.
        losses: When the store may have lost something of what it had, in the same way.
        logs: What services wrote that have ended.
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
                ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(disk)], check=False, capture_output=True
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
        """Start one more service, and wait until it answers."""
        settings: dict[str, Any] = {**openai_alone(self.upstream), **SETTINGS, "HEADRACE_STORE": self._address}
        service = Service(PROMETHEUS_MULTIPROC_DIR=str(self.folder / "counts"), **settings)
        service.__enter__()
        self.services.append(service)
        # The SDK is imported in the background: the first answer waits for it.
        service.wait_until(lambda: _is_warm(service), 60)
        return service

    def replace(self, service: Service) -> None:
        """Start another service in the place of one, which is told to leave and does so in good order."""
        with self.cutting():
            self.start()
            self.services.remove(service)
            assert service.stop(signal.SIGTERM, 30) == 0, f"the service did not leave in good order:\n{service.log()}"
        self._let_go(service)

    @contextlib.contextmanager
    def cutting(self) -> Iterator[None]:
        """Remember that a worker ends meanwhile; where streams are its memory's, they are lost with it."""
        with _noted(self.cuts), _noted(self.losses if self.store == "memory" else []):
            yield

    @contextlib.contextmanager
    def losing(self, ids: set[str] | None = None) -> Iterator[None]:
        """Remember that the store loses these streams meanwhile, or any where they are not known."""
        with _noted(self.losses, ids):
            yield

    def log(self) -> str:
        """Return what all services have written."""
        return "\n".join([*self.logs, *(service.log() for service in self.services)])

    def _let_go(self, service: Service) -> None:
        self.logs.append(service.log())
        service.__exit__(None, None, None)

    def _end_services(self) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._let_go, self.services))
        self.services.clear()


def _is_warm(service: Service) -> bool:
    try:
        return ask(service.url, "openai/warm").is_done
    except (OSError, http.client.HTTPException):
        return False


@contextlib.contextmanager
def _noted(spans: list[Span], ids: set[str] | None = None) -> Iterator[None]:
    span = Span(time.monotonic(), ids=ids)
    spans.append(span)
    try:
        yield
    finally:
        span.ended = time.monotonic()
