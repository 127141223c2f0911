"""Streams that are held open while nothing flows, and readers that leave: memory, and how soon the upstream knows."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load import Door
from benchmarks.processes import Program

OPEN_LIMIT = 50.0
CLOSE_LIMIT = 10.0
"""Seconds until all streams are open, and until the upstream has seen all readers leave."""

SETTLE = 1.0
"""Seconds between the last stream's opening and the look at the memory."""

AT_ONCE = 50
"""Connections that are opened before the relay gets a moment to accept them."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of an upstream's answers so far; `last_aborted` in nanoseconds of the monotonic clock."""

    started: int
    finished: int
    aborted: int
    last_aborted: int


@dataclass(frozen=True, slots=True)
class Held:
    """What came of holding streams.

    Args:
        streams: How many reached the upstream.
        each: Bytes of the relay's memory for one.
        closed: Seconds from the first reader's leaving until the upstream knew of all; None if it never did.
    """

    streams: int
    each: float
    closed: float | None


class Silence(asyncio.Protocol):
    """A reader that asks and then only waits."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.has_answer = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, _data: bytes) -> None:
        """Note that the head came."""
        self.has_answer = True

    def leave(self) -> None:
        """Close the connection."""
        self._transport.close()


class Holding:
    """Holds streams through one relay in front of one upstream.

    Args:
        door: How the relay is asked.
        upstream: The upstream's port.
    """

    def __init__(self, door: Door, upstream: int) -> None:
        self._door = door
        self._counts_url = f"http://127.0.0.1:{upstream}/counts"

    async def hold(self, relay: Program, model: str, streams: int) -> Held:
        """Open so many streams, look at the relay's memory, and leave them all at once."""
        before, memory = await self._counts(), relay.memory()
        readers = await self._open(model, streams)
        await self._until(lambda now: now.started - before.started >= streams, OPEN_LIMIT)
        await asyncio.sleep(SETTLE)
        reached = (await self._counts()).started - before.started
        each = (relay.memory() - memory) / max(reached, 1)
        return Held(reached, each, await self._leave(readers, before.aborted + reached))

    async def leave_one(self, model: str, *, has_answer: bool) -> float | None:
        """Open one stream and leave it; return the seconds until the upstream knew, None if it never did.

        Args:
            model: The upstream's manner.
            has_answer: Whether the reader waits for the first bytes of the answer before it leaves.
        """
        before = await self._counts()
        (reader,) = await self._open(model, 1)
        await self._until(lambda now: now.started > before.started and reader.has_answer >= has_answer, OPEN_LIMIT)
        return await self._leave([reader], before.aborted + 1)

    async def stop_one(self, model: str, far: int, id_: str) -> float | None:
        """Open one stream and stop it at another service; return the seconds until the upstream knew, None if never.

        Args:
            model: The upstream's manner.
            far: The other service's port.
            id_: The stream's id, which the door's body gives too.
        """
        before = await self._counts()
        (reader,) = await self._open(model, 1)
        await self._until(lambda now: now.started > before.started and reader.has_answer, OPEN_LIMIT)
        began = time.monotonic_ns()
        await asyncio.get_running_loop().run_in_executor(None, _delete, f"http://127.0.0.1:{far}/api/streams/{id_}")
        last = await self._until(lambda now: now.aborted > before.aborted, CLOSE_LIMIT)
        reader.leave()
        return (last.last_aborted - began) / 1e9 if last.aborted > before.aborted else None

    async def _open(self, model: str, streams: int) -> list[Silence]:
        loop = asyncio.get_running_loop()
        request = self._door.request(model, 1_000_000, is_last=False)
        readers = [Silence(request) for _ in range(streams)]
        for place, reader in enumerate(readers, 1):
            await loop.create_connection(lambda reader=reader: reader, "127.0.0.1", self._door.port)  # type: ignore[misc]
            if place % AT_ONCE == 0:
                await asyncio.sleep(0.02)
        return readers

    async def _leave(self, readers: list[Silence], aborted: int) -> float | None:
        began = time.monotonic_ns()
        for reader in readers:
            reader.leave()
        last = await self._until(lambda now: now.aborted >= aborted, CLOSE_LIMIT)
        return (last.last_aborted - began) / 1e9 if last.aborted >= aborted else None

    async def _until(self, condition: Callable[[Counts], bool], limit: float) -> Counts:
        end = time.monotonic() + limit
        while not condition(now := await self._counts()) and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return now

    async def _counts(self) -> Counts:
        return await asyncio.get_running_loop().run_in_executor(None, self._ask)

    def _ask(self) -> Counts:
        with urllib.request.urlopen(self._counts_url, timeout=30) as response:
            return Counts(**json.load(response))


def _delete(url: str) -> None:
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=30).close()
