"""A stand-in for a provider, as fast as one core allows.

    python -m benchmarks.upstream PORT [TLS_PORT CERTIFICATE KEY]

It serves both APIs on the same port, distinguished by the path. The model's name says how it answers, and `max_tokens`
how many deltas it sends:

    burst       as fast as the relay reads them
    paced-50    50 deltas a second, each on its own
    stalled     one delta, then nothing
    silent      the head and the first frame, which has no text, then nothing
    mute        nothing at all
    burst@4096  with deltas of 4,096 bytes; the same for the other names

GET /counts returns the numbers of answers by their state, as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import ssl
import sys
import time
from dataclasses import dataclass

from benchmarks import loops
from benchmarks.marks import USUAL_SIZE, text
from benchmarks.wires import ANTHROPIC, HEAD, OPENAI, Wire

LOOPBACK = "127.0.0.1"
BATCH = 20
"""Deltas that a burst writes at a time, so that the other answers get their turn."""

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Counts:
    """The numbers of answers by state; `last_aborted` is the time of the last disconnect of a relay, in ns."""

    def __init__(self) -> None:
        self.started = self.finished = self.aborted = self.last_aborted = 0

    def json(self) -> bytes:
        """Return the numbers as JSON."""
        return json.dumps(vars(self)).encode()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a model answers: its kind, deltas a second for a paced one, bytes of a delta."""

    kind: str
    rate: float
    size: int

    @classmethod
    def of(cls, model: str) -> Behaviour:
        """Read the behaviour from the model's name."""
        name, _, size = model.partition("@")
        kind, _, rate = name.partition("-")
        return cls(kind, float(rate or 0), int(size or USUAL_SIZE))


class Connection(asyncio.Protocol):
    """One connection of a relay, and the answer that is being sent on it."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._received = b""
        self._answer: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Disable Nagle's algorithm, so that each delta is sent at once."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def pause_writing(self) -> None:
        """Pause the answer: the relay reads nothing at the moment."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Continue the answer."""
        self._writable.set()

    def connection_lost(self, _error: Exception | None) -> None:
        """Cancel the answer: the relay has disconnected."""
        if self._answer is not None:
            self._answer.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer each request that has arrived completely."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, rest = self._received[:end], self._received[end + 4 :]
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(rest) < length:
                return
            self._received = rest[length:]
            self._respond(head, rest[:length])

    def _respond(self, head: bytes, body: bytes) -> None:
        line = head.split(b"\r\n", 1)[0]
        if line.startswith(b"GET /counts"):
            self._reply(self._counts.json())
        elif line.startswith(b"GET"):
            self._reply(b'{"object":"list","data":[]}')
        else:
            wire = ANTHROPIC if b"/messages" in line else OPENAI
            self._answer = asyncio.ensure_future(self._account(json.loads(body), wire))

    def _reply(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)

    async def _account(self, request: dict[str, object], wire: Wire) -> None:
        self._counts.started += 1
        try:
            await self._send(request, wire)
            self._counts.finished += 1
        except asyncio.CancelledError:
            self._counts.aborted += 1
            self._counts.last_aborted = time.monotonic_ns()
        self._answer = None

    async def _send(self, request: dict[str, object], wire: Wire) -> None:
        behaviour = Behaviour.of(str(request["model"]))
        deltas = int(str(request.get("max_tokens") or request.get("max_completion_tokens") or 100))
        if behaviour.kind == "mute":
            await _for_ever()
        self._transport.write(HEAD + wire.opening)
        if behaviour.kind == "stalled":
            self._transport.write(wire.delta(text(behaviour.size, time.monotonic_ns())))
        if behaviour.kind in {"silent", "stalled"}:
            await _for_ever()
        elif behaviour.kind == "paced":
            await self._pace(wire, behaviour, deltas)
        else:
            await self._burst(wire, behaviour, deltas)
        self._transport.write(wire.end(deltas))

    async def _pace(self, wire: Wire, behaviour: Behaviour, deltas: int) -> None:
        due = time.monotonic()
        for _ in range(deltas):
            self._transport.write(wire.delta(text(behaviour.size, time.monotonic_ns())))
            due += 1 / behaviour.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _burst(self, wire: Wire, behaviour: Behaviour, deltas: int) -> None:
        for sent in range(0, deltas, BATCH):
            delta = wire.delta(text(behaviour.size, time.monotonic_ns()))
            self._transport.write(delta * min(BATCH, deltas - sent))
            await self._writable.wait()
            await asyncio.sleep(0)


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def serve(port: int, tls_port: int = 0, certificate: str = "", key: str = "") -> None:
    """Serve on a port, and with TLS on another one where it is given, until the task is cancelled."""
    counts = Counts()
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda: Connection(counts), LOOPBACK, port, backlog=8192)]
    if tls_port:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        servers.append(await loop.create_server(lambda: Connection(counts), LOOPBACK, tls_port, ssl=context))
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        loops.run(serve(int(sys.argv[1]), int((sys.argv[2:] or ["0"])[0]), *sys.argv[3:5]))
