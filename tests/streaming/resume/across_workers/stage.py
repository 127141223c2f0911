"""Two workers that share a store and can be addressed separately: of one gunicorn, or of two."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from tests.support.process_info import has_connection_of
from tests.support.reader import QUESTION, Answer, Reading
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Burst, Chunk, Gate, Script, Upstream, openai_wire

T = TypeVar("T")

WORDS = openai_wire.text("word {n} – ünïcode ")


def wait_until(condition: Callable[[], T | None], limit: float = 30.0) -> T:
    """Wait until `condition()` is true, and return what it gave."""
    end = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {limit} s: {condition}"
        time.sleep(0.005)
    return value


class Pair:
    """Workers 0 and 1 of one service, or the only workers of two."""

    def __init__(self, upstream: Upstream, store: str, **settings: str) -> None:
        count = 1 if store.startswith("sqlite") else 2
        settings = {**openai_alone(upstream), "HEADRACE_STORE": store, "HEADRACE_DRAIN": "1", **settings}
        if count == 1:
            settings["WEB_CONCURRENCY"] = "2"
        self.upstream = upstream
        self.services = [Service(**settings) for _ in range(count)]
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Pair:
        for service in self.services:
            self._stack.enter_context(service)
        self.upstream.answer("warm", openai_wire.answer("warm"))
        key = self.services[0].settings.get("HEADRACE_API_KEYS", "").partition(",")[0]
        for worker in (0, 1):
            # The SDK is imported by each worker for itself.
            warm = {"key": key, "resumable": False}
            wait_until(lambda worker=worker, warm=warm: read(self.ask(worker, "warm", **warm)).status == 200, 30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def service(self, worker: int) -> Service:
        return self.services[min(worker, len(self.services) - 1)]

    def pids(self) -> list[int]:
        """Return the process of each worker."""
        found = [pid for service in self.services for pid in wait_until(service.workers)]
        return sorted(found) if len(self.services) == 1 else found

    def reading(self, worker: int, path: str, body: Any = None, **options: Any) -> Reading:
        """Send a request that this worker and no other takes."""
        url = self.service(worker).url + path
        if len(self.services) == 2:
            return Reading(url, body, **options)
        pids = wait_until(lambda: len(found := self.pids()) == 2 and found)
        with paused(pids[1 - worker]):
            reading = Reading(url, body, **options)
            port = reading.sock.getsockname()[1]
            wait_until(lambda: has_connection_of(pids[worker], port))
        return reading

    def ask(self, worker: int, model: str, *, key: str = "", resumable: bool = True, **fields: Any) -> Reading:
        body = {"model": f"openai/{model}", "messages": QUESTION, "resumable": resumable, **fields}
        return self.reading(worker, "/api/chat", body, headers=_headers(key))

    def follow(self, worker: int, id_: str, after: int | None = None, *, key: str = "", query: str = "") -> Reading:
        headers = _headers(key) | ({} if after is None else {"Last-Event-ID": str(after)})
        return self.reading(worker, f"/api/streams/{id_}{query}", method="GET", headers=headers)

    def stop(self, worker: int, id_: str, *, key: str = "") -> Answer:
        return read(self.reading(worker, f"/api/streams/{id_}", method="DELETE", headers=_headers(key)))


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


@contextlib.contextmanager
def paused(pid: int) -> Iterator[None]:
    """Let a process stand still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def stream_id(reading: Reading) -> str:
    """Wait for the head of the response and return the stream's id."""
    return head(reading).getheader("Headrace-Stream-Id") or ""


def head(reading: Reading) -> Any:
    return getattr(reading, "_response", None) or reading.response()


def read(reading: Reading) -> Answer:
    """Read the rest of the response."""
    with reading:
        response = head(reading)
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def frames(body: bytes) -> bytes:
    """Return a body without its heartbeats."""
    return body.replace(b": keep-alive\n\n", b"")


def numbers(body: bytes) -> list[int]:
    """Return the frames' numbers in their order."""
    return [int(number) for number in re.findall(rb"^id: (\d+)-[0-9a-f]{8}$", body, re.MULTILINE)]


EVENT = re.compile(rb"(?:(?:event|data): .*?\n\n)*id: (\d+)-[0-9a-f]{8}\n.*?\n\n", re.DOTALL)
"""The frames of one event: the last has its number, and until that has come, all of them come again."""


def beyond(body: bytes, after: int = 0) -> bytes:
    """Return the frames of the events that have a greater number, and have come whole."""
    return b"".join([event[0] for event in EVENT.finditer(frames(body)) if int(event[1]) > after])


def check_whole(body: bytes) -> None:
    """Check that a body has all of a stream: every number once, in order, and one end, which is its last frame."""
    assert numbers(body) == list(range(1, len(numbers(body)) + 1))
    blocks = [block for block in frames(body).split(b"\n\n") if block]
    ends = [block for block in blocks if is_end(block)]
    assert ends == [blocks[-1]]


def is_end(block: bytes) -> bool:
    return b"\ndata: [DONE]" in block or b"\nevent: error" in block or b"\nevent: cancelled" in block


class Steady:
    """A reader in a thread of its own; `body` is what it has got so far."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.body = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            head(self._reading)
            for data in self._reading.chunks():
                self.body += data

    def leave(self) -> None:
        """Lose the connection in the middle."""
        self._reading.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._reading.leave()

    @property
    def id(self) -> str:
        """Wait for the head of the response and return the stream's id."""
        response = wait_until(lambda: getattr(self._reading, "_response", None))
        return response.getheader("Headrace-Stream-Id")

    def has(self, wanted: bytes, limit: float = 10.0) -> bytes:
        """Wait until it has got this, and return all."""
        wait_until(lambda: wanted in self.body, limit)
        return self.body

    def read(self, limit: float = 15.0) -> bytes:
        """Wait for the end and return all that it has got."""
        self._thread.join(limit)
        assert not self._thread.is_alive(), f"the stream has not ended: {self.body[-300:]!r}"
        self._reading.leave()
        return self.body


def gated(*names: str, burst: int = 20) -> Script:
    """Make an answer of several bursts, with a gate before each but the first."""
    pieces: list[Any] = [Burst(WORDS, burst, per_write=3)]
    for name in names:
        pieces += [Gate(name), Burst(WORDS, burst, per_write=3)]
    return openai_wire.answer(*pieces)


def delta(text: str) -> Chunk:
    return openai_wire.text(text)
