"""Plays a script's steps on a connection. It knows steps and the coding of a body, but no providers or records."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from tests.support.upstream import http1
from tests.support.upstream.steps import (
    Burst,
    Bytes,
    Chunk,
    Close,
    Flood,
    Gate,
    HalfClose,
    HalfHead,
    Hang,
    Head,
    Paced,
    Pause,
    Reset,
    Step,
)

FLOOD_WRITE = 16 * 1024  # bytes of a flood in one write


class Stage(Protocol):
    """The connection on which a player plays."""

    is_closed: bool

    async def send(self, data: bytes, deltas: int = 0) -> None:
        """Write bytes as one piece."""

    async def wait_at(self, gate: str) -> None:
        """Wait until a gate is open."""

    def close(self) -> None:
        """Close the connection."""

    def reset(self) -> None:
        """Reset the connection."""

    def half_close(self) -> None:
        """Send FIN, and keep the connection open for reading."""


class Player:
    """Plays one script."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._head: Head | None = None
        self._body_sent = 0
        self._is_complete = False

    @property
    def must_close(self) -> bool:
        """Whether the connection must close after the body, according to the head that was sent."""
        return http1.ends_by_close(self._head)

    async def play(self, steps: Iterable[Step]) -> None:
        """Play all steps. Return early if the connection closes; never return if the script does not end the body."""
        for step in steps:
            await self._play(step)
            if self._stage.is_closed:
                return
        if not self._is_complete:
            await _forever()

    async def _play(self, step: Step) -> None:
        match step:
            case Head():
                self._head = step
                await self._stage.send(http1.head_bytes(step))
                self._is_complete = step.content_length == 0
            case HalfHead(size, head):
                await self._stage.send(http1.head_bytes(head)[:size])
            case Chunk():
                await self._send([step])
            case Bytes(data, deltas):
                await self._stage.send(data, deltas)
                self._is_complete = self._head is None
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Gate(name):
                await self._stage.wait_at(name)
            case Burst() | Paced() | Flood():
                await self._repeat(step)
            case Hang():
                await _forever()
            case Close():
                self._stage.close()
            case Reset():
                self._stage.reset()
            case HalfClose():
                self._stage.half_close()
            case _:
                raise TypeError(f"not a step: {step!r}")

    async def _send(self, chunks: list[Chunk]) -> None:
        self._body_sent += sum(len(chunk.data) for chunk in chunks)
        length = self._head.content_length if self._head else None
        ends = chunks[-1].last if length is None else self._body_sent >= length
        data = b"".join(http1.body_bytes(self._head, chunk) for chunk in chunks)
        await self._stage.send(data, sum(chunk.deltas for chunk in chunks))
        self._is_complete = ends

    async def _repeat(self, step: Burst | Paced | Flood) -> None:
        match step:
            case Burst(chunk, count, per_write):
                for first in range(0, count, per_write):
                    await self._send([_numbered(chunk, n) for n in range(first, min(first + per_write, count))])
            case Paced(chunk, per_second, count):
                await self._pace(chunk, 1 / per_second, count)
            case Flood(chunk, total):
                await self._flood(chunk, total)

    async def _pace(self, chunk: Chunk, interval: float, count: int | None) -> None:
        due, n = time.monotonic(), 0
        while count is None or n < count:
            await self._send([_numbered(chunk, n)])
            n, due = n + 1, due + interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _flood(self, chunk: Chunk, total: int) -> None:
        times, left = max(1, FLOOD_WRITE // len(chunk.data)), total
        many = [replace(chunk, data=chunk.data * times, deltas=chunk.deltas * times)]
        while left >= len(many[0].data):
            await self._send(many)
            left -= len(many[0].data)
        while left > 0:
            await self._send([replace(chunk, data=chunk.data[:left])])
            left -= len(chunk.data)


def _numbered(chunk: Chunk, n: int) -> Chunk:
    data = chunk.data.replace(b"{n}", b"%d" % n).replace(b"{t}", b"%d" % time.monotonic_ns())
    return replace(chunk, data=data)


async def _forever() -> None:
    await asyncio.get_running_loop().create_future()
