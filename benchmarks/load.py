"""Readers of streams: many at once, each over a socket of its own, and their measurements.

This module knows a relay's address and the form of its requests only.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.marks import Marks
from benchmarks.wires import LAST_CHUNK

LIMIT = 120.0
"""Seconds that a run may take; a stream that has not ended by then counts as incomplete."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint of a relay, and the form of its requests.

    Args:
        port: Its port on the loopback.
        path: The path of its endpoint.
        key: The bearer key of each request.
        body: Further fields of each request.
    """

    port: int
    path: str = "/api/chat"
    key: str = "sk-none"
    body: dict[str, Any] = field(default_factory=dict)

    def request(self, model: str, deltas: int, *, is_last: bool = True) -> bytes:
        """Write a request for an answer of so many deltas; `is_last` closes the connection after it."""
        question = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": True}
        body = json.dumps(question | {"max_tokens": deltas} | self.body).encode()
        lines = (
            f"POST {self.path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {self.key}",
            "Content-Type: application/json",
            "Accept: text/event-stream",
            *(["Connection: close"] if is_last else []),
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The measurements of one run. Delays and first deltas are in milliseconds, sorted.

    Args:
        streams: The number of streams that were opened.
        complete: The number of streams with all their deltas and the end of a complete answer.
        deltas: The number of deltas of all streams.
        seconds: From the first request to the last end.
        delays: From the upstream's write to the reader's read; empty where deltas are too short for a time.
        firsts: From the request to the first delta, one for each stream.
    """

    streams: int
    complete: int
    deltas: int
    seconds: float
    delays: list[float]
    firsts: list[float]


class Reader(asyncio.Protocol):
    """The reader of one stream: it sends its request on connecting and reads to the end."""

    def __init__(self, request: bytes, ended: asyncio.Future[None]) -> None:
        self._request = request
        self.ended = ended
        self._marks = Marks()
        self._tail = b""
        self.arrivals: list[tuple[int, list[bytes]]] = []
        self.is_done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.asked = time.monotonic_ns()
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Record the deltas and the time."""
        now = time.monotonic_ns()
        marks = self._marks.feed(data)
        if marks:
            self.arrivals.append((now, marks))
        self._tail = self._tail[-40:] + data[-200:]
        self.is_done = self.is_done or b"[DONE]" in self._tail
        if self._tail.endswith(LAST_CHUNK):
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Resolve the future `ended`."""
        if not self.ended.done():
            self.ended.set_result(None)

    def count(self) -> int:
        """Return the number of deltas."""
        return sum(len(marks) for _, marks in self.arrivals)

    def delays(self) -> list[float]:
        """Return each delta's delay, in milliseconds."""
        return [(now - int(mark)) / 1e6 for now, marks in self.arrivals for mark in marks if mark != b"ok"]


async def read(endpoint: Endpoint, model: str, streams: int, deltas: int, spread: float = 0.0) -> LoadResult:
    """Open so many streams at once, or one after the other over `spread` seconds; read each to its end."""
    loop = asyncio.get_running_loop()
    request = endpoint.request(model, deltas)
    readers = [Reader(request, loop.create_future()) for _ in range(streams)]
    with _without_collections():
        began = time.monotonic()
        reading = [
            asyncio.ensure_future(_read_one(endpoint.port, reader, spread * number / streams))
            for number, reader in enumerate(readers)
        ]
        await asyncio.wait(reading, timeout=LIMIT)
        seconds = time.monotonic() - began
    return LoadResult(
        streams=streams,
        complete=sum(reader.is_done and reader.count() == deltas for reader in readers),
        deltas=sum(reader.count() for reader in readers),
        seconds=seconds,
        delays=sorted(delay for reader in readers for delay in reader.delays()),
        firsts=sorted((reader.arrivals[0][0] - reader.asked) / 1e6 for reader in readers if reader.arrivals),
    )


async def _read_one(port: int, reader: Reader, delay: float) -> None:
    if delay:
        await asyncio.sleep(delay)
    await asyncio.get_running_loop().create_connection(lambda: reader, "127.0.0.1", port)
    await reader.ended


@contextmanager
def _without_collections() -> Iterator[None]:
    # A garbage collection in the load would be counted as a relay's delay.
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the sorted values lies; NaN where there are none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")
