"""Silent streams that are held open, and readers that disconnect: memory, and the time until the upstream notices."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load import Endpoint
from benchmarks.processes import Program

OPEN_LIMIT = 50.0
CLOSE_LIMIT = 10.0
"""Seconds until all streams must be open, and until the upstream must have noticed all disconnects."""

SETTLE_TIME = 1.0
"""Seconds between the last stream's opening and the measurement of the memory."""

AT_ONCE = 50
"""Connections that are opened before a pause in which the relay accepts them."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The states of an upstream's answers so far; `last_aborted` in nanoseconds of the monotonic clock."""

    started: int
    finished: int
    aborted: int
    last_aborted: int


@dataclass(frozen=True, slots=True)
class HoldResult:
    """The measurements of held streams.

    Args:
        streams: The number of streams that reached the upstream.
        each: Bytes of the relay's memory for one stream.
        closed: Seconds from the first disconnect until the upstream noticed all; None if it did not.
    """

    streams: int
    each: float
    closed: float | None


class SilentReader(asyncio.Protocol):
    """A reader that sends its request and then only waits."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.has_answer = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, _data: bytes) -> None:
        """Record that the head has arrived."""
        self.has_answer = True

    def disconnect(self) -> None:
        """Close the connection."""
        self._transport.close()


class StreamHolder:
    """Holds streams through one relay in front of one upstream.

    Args:
        endpoint: The relay's endpoint.
        upstream: The upstream's port.
    """

    def __init__(self, endpoint: Endpoint, upstream: int) -> None:
        self._endpoint = endpoint
        self._counts_url = f"http://127.0.0.1:{upstream}/counts"

    async def hold(self, relay: Program, model: str, streams: int) -> HoldResult:
        """Open so many streams, measure the relay's memory, and disconnect all readers at once."""
        before, memory = await self._counts(), relay.memory()
        readers = await self._open(model, streams)
        await self._until(lambda now: now.started - before.started >= streams, OPEN_LIMIT)
        await asyncio.sleep(SETTLE_TIME)
        reached = (await self._counts()).started - before.started
        each = (relay.memory() - memory) / max(reached, 1)
        return HoldResult(reached, each, await self._disconnect(readers, before.aborted + reached))

    async def disconnect_one(self, model: str, *, has_answer: bool) -> float | None:
        """Open one stream and disconnect; return the seconds until the upstream noticed, None if it did not.

        Args:
            model: The upstream's behaviour.
            has_answer: Whether the reader waits for the first bytes of the answer before it disconnects.
        """
        before = await self._counts()
        (reader,) = await self._open(model, 1)
        await self._until(lambda now: now.started > before.started and reader.has_answer >= has_answer, OPEN_LIMIT)
        return await self._disconnect([reader], before.aborted + 1)

    async def stop_one(self, model: str, far: int, id_: str) -> float | None:
        """Open one stream and stop it at another service; return the seconds until the upstream noticed, None if never.

        Args:
            model: The upstream's behaviour.
            far: The other service's port.
            id_: The stream's id, which the endpoint's body gives too.
        """
        before = await self._counts()
        (reader,) = await self._open(model, 1)
        await self._until(lambda now: now.started > before.started and reader.has_answer, OPEN_LIMIT)
        began = time.monotonic_ns()
        await asyncio.get_running_loop().run_in_executor(None, _delete, f"http://127.0.0.1:{far}/api/streams/{id_}")
        last = await self._until(lambda now: now.aborted > before.aborted, CLOSE_LIMIT)
        reader.disconnect()
        return (last.last_aborted - began) / 1e9 if last.aborted > before.aborted else None

    async def _open(self, model: str, streams: int) -> list[SilentReader]:
        loop = asyncio.get_running_loop()
        request = self._endpoint.request(model, 1_000_000, is_last=False)
        readers = [SilentReader(request) for _ in range(streams)]
        for place, reader in enumerate(readers, 1):
            await loop.create_connection(lambda reader=reader: reader, "127.0.0.1", self._endpoint.port)  # type: ignore[misc]
            if place % AT_ONCE == 0:
                await asyncio.sleep(0.02)
        return readers

    async def _disconnect(self, readers: list[SilentReader], aborted: int) -> float | None:
        began = time.monotonic_ns()
        for reader in readers:
            reader.disconnect()
        last = await self._until(lambda now: now.aborted >= aborted, CLOSE_LIMIT)
        return (last.last_aborted - began) / 1e9 if last.aborted >= aborted else None

    async def _until(self, condition: Callable[[Counts], bool], limit: float) -> Counts:
        end = time.monotonic() + limit
        while not condition(now := await self._counts()) and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return now

    async def _counts(self) -> Counts:
        return await asyncio.get_running_loop().run_in_executor(None, self._fetch_counts)

    def _fetch_counts(self) -> Counts:
        with urllib.request.urlopen(self._counts_url, timeout=30) as response:
            return Counts(**json.load(response))


def _delete(url: str) -> None:
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=30).close()
