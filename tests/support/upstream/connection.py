"""One accepted connection: requests in, bytes out, and the moment at which the peer disconnects.

This module knows asyncio and HTTP; the upstream chooses the script that answers a request. The connection never stops
reading, so it notices FIN and RST while the answer hangs, pauses, waits at a gate, or is blocked by a full window.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tests.support.upstream import http1
from tests.support.upstream.player import Player
from tests.support.upstream.records import Closed, Ended, Entry, Peer, Request

if TYPE_CHECKING:
    from tests.support.upstream.steps import Script

SLICE = 64 * 1024  # bytes handed to the transport at once, so that `bytes_sent` follows a large chunk closely


class Answering(Protocol):
    """The part of an upstream that a connection uses."""

    async def gate(self, name: str) -> None:
        """Wait until the gate is open."""

    def begin(self, message: http1.Message, connection: int) -> tuple[Entry[Request], Script]:
        """Record the request, and return its record and its script."""

    def report(self, task: asyncio.Task[None]) -> None:
        """Record the exception of a task, if the task ended with one."""


class Connection(asyncio.Protocol):
    """The upstream's end of one connection."""

    def __init__(self, upstream: Answering, peer: Entry[Peer], on_closed: Callable[[Connection], None]) -> None:
        self._upstream, self._peer, self._on_closed = upstream, peer, on_closed
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._entries: list[Entry[Request]] = []
        self._task: asyncio.Task[None] | None = None
        self._taken: asyncio.Future[None] | None = None  # pending while the kernel accepts no more
        self._written = 0
        self.is_closed = False

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        is_tls = transport.get_extra_info("ssl_object") is not None
        # Blocked: the kernel has not accepted all bytes. asyncio's TLS counts an empty buffer as over a limit of 0.
        transport.set_write_buffer_limits(high=1 if is_tls else 0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._task is None:
            self._next()

    def eof_received(self) -> bool:
        self._left(Closed.FIN)
        self._transport.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._left(Closed.RESET if exc else Closed.FIN)
        self._on_closed(self)

    def pause_writing(self) -> None:
        self._taken = self._loop.create_future()
        if self._entries:  # the kernel can be slow to accept the end of a TLS handshake, before any request
            sent = max(0, self._written - self._transport.get_write_buffer_size())
            self._entry.update(bytes_sent=sent, blocked_since=time.monotonic())

    def resume_writing(self) -> None:
        if self._taken and not self._taken.done():
            self._taken.set_result(None)
        self._taken = None
        self._unblock()

    # Called by the player

    async def send(self, data: bytes, deltas: int = 0) -> None:
        """Write bytes as one piece, after a turn of the loop, and wait until the kernel has accepted all of them."""
        await asyncio.sleep(0)
        if self._entry.record.first_byte_at is None:
            self._entry.update(first_byte_at=time.monotonic())
        for start in range(0, len(data), SLICE):
            piece = data[start : start + SLICE]
            self._written += len(piece)
            self._transport.write(piece)
            if self._taken:
                await self._taken
            self._entry.update(bytes_sent=self._written)
        if deltas:
            self._entry.update(deltas_sent=self._entry.record.deltas_sent + deltas)

    async def wait_at(self, gate: str) -> None:
        """Wait at a gate; meanwhile the record contains its name."""
        self._entry.update(at_gate=gate)
        await self._upstream.gate(gate)
        self._entry.update(at_gate=None)

    def close(self) -> None:
        """Close the connection after all written bytes were sent."""
        self._left(Closed.OURS)
        self._transport.close()

    def reset(self) -> None:
        """Reset the connection: the peer receives RST."""
        self._left(Closed.OURS)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def half_close(self) -> None:
        """Send FIN and continue to read."""
        with contextlib.suppress(OSError):  # the peer has reset the connection, which asyncio reports next
            self._transport.write_eof()

    def drop(self) -> None:
        """Close the connection at once; unsent bytes are lost."""
        self._left(Closed.OURS)
        self._transport.abort()

    # Internal

    @property
    def _socket(self) -> socket.socket:
        plain: socket.socket = self._transport.get_extra_info("socket")
        return plain

    @property
    def _entry(self) -> Entry[Request]:
        return self._entries[-1]

    def _next(self) -> None:
        parsed = None if self.is_closed else http1.parse(self._received)
        if parsed is None:
            return
        message, self._received = parsed
        entry, script = self._upstream.begin(message, self._peer.record.number)
        self._peer.update(requests=self._peer.record.requests + 1)
        self._entries.append(entry)
        self._written = 0
        self._task = self._loop.create_task(self._answer(script, message))
        self._task.add_done_callback(self._upstream.report)

    async def _answer(self, script: Script, message: http1.Message) -> None:
        player = Player(self)
        await player.play(script.steps)
        if not self.is_closed:
            self._entry.update(ended=Ended.FINISHED, ended_at=time.monotonic())
            if player.must_close or message.headers.get("connection", "").lower() == "close":
                self.close()
        self._task = None
        self._next()

    def _left(self, how: Closed) -> None:
        if self.is_closed:
            return
        self.is_closed, now = True, time.monotonic()
        self._peer.update(closed=how, closed_at=now)
        self._unblock()
        end = Ended.CLOSED if how is Closed.OURS else Ended.ABORTED
        for entry in self._entries:
            is_open = entry.record.ended is None
            ended = {"ended": end, "ended_at": now} if is_open else {}
            entry.update(closed=how, closed_at=now, at_gate=None, **ended)
        if self._task and how is not Closed.OURS:
            self._task.cancel()

    def _unblock(self) -> None:
        since = self._entry.record.blocked_since if self._entries else None
        if since is not None:
            longest = max(self._entry.record.longest_block, time.monotonic() - since)
            self._entry.update(blocked_since=None, longest_block=longest)
