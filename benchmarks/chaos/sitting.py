"""One connection of a reader: a request, the head of its response, and the frames of its body. HTTP/1.1 by hand.

The end of a body that was cut off is told from a proper one, which most clients do not care for.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

SMALL = 4096
"""Bytes of the receive buffer of a reader that is slow."""


@dataclass(frozen=True)
class Ask:
    """A request.

    Args:
        method: Its method.
        path: Its path and query.
        headers: Its headers, beside those that all have.
        body: A JSON value; None for none.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None

    def bytes(self) -> bytes:
        """Return it as it is sent."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        headers = [("Host", "127.0.0.1"), ("Connection", "close"), *self.headers]
        if body:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Sitting:
    """A response as it arrives. Leaving it is `close`.

    Attributes:
        status: The status of the response; 0 where there was none.
        headers: Its headers, by their names in small letters.
        is_whole: Whether its body came to its proper end.
    """

    def __init__(self, ask: Ask, port: int, *, is_slow: bool = False) -> None:
        self._ask, self._port, self._is_slow = ask, port, is_slow
        self._outgoing: asyncio.StreamWriter | None = None
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_whole = False

    def __str__(self) -> str:
        return f"{self._ask.method} {self._ask.path} at {self._port}: {self.status or 'no answer'}"

    async def begin(self) -> bool:
        """Ask, and wait for the head of the response; return whether there is one."""
        sock = socket.socket()
        sock.setblocking(False)
        if self._is_slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
            self._incoming, self._outgoing = await asyncio.open_connection(
                sock=sock, limit=SMALL if self._is_slow else 65536
            )
            self._outgoing.write(self._ask.bytes())
            status, *lines = (await self._incoming.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except (OSError, asyncio.IncompleteReadError):
            sock.close()
            return False
        self.status = int(status.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return True

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        try:
            if self.headers.get("transfer-encoding") != "chunked":
                size = int(self.headers.get("content-length", 0))
                yield await self._incoming.readexactly(size)
                self.is_whole = True
                return
            while size := int(await self._incoming.readuntil(b"\r\n"), 16):
                yield await self._incoming.readexactly(size)
                await self._incoming.readexactly(2)
            self.is_whole = True
        except (OSError, asyncio.IncompleteReadError):
            return

    async def frames(self) -> AsyncIterator[str]:
        """Yield the frames of an event stream; one without its blank line is dropped."""
        held = b""
        async for piece in self.pieces():
            *frames, held = (held + piece).split(b"\n\n")
            for frame in frames:
                yield frame.decode()

    async def json(self) -> Any:  # noqa: ANN401  # whatever JSON there is
        """Read the whole body; None where it was cut off, or is no JSON."""
        body = b"".join([piece async for piece in self.pieces()])
        try:
            return json.loads(body) if self.is_whole else None
        except ValueError:
            return None

    def close(self) -> None:
        """Leave. May be called twice."""
        if self._outgoing is not None:
            self._outgoing.transport.abort()
