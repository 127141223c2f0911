"""One connection of a client: a request, the head of its response, and the frames of its body. HTTP/1.1 by hand.

It tells a complete body from one that was cut off, which most HTTP clients do not.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

SMALL_BUFFER_BYTES = 4096
"""Bytes of the receive buffer of a slow reader."""


@dataclass(frozen=True)
class Request:
    """A request.

    Args:
        method: The method.
        path: The path and query.
        headers: Headers beside those of all requests.
        body: A JSON value; None for none.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None

    def bytes(self) -> bytes:
        """Return the request as it is sent."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        headers = [("Host", "127.0.0.1"), ("Connection", "close"), *self.headers]
        if body:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    """A response as it arrives.

    Attributes:
        status: The status of the response; 0 if there was none.
        headers: The headers of the response, by lower-case names.
        is_whole: Whether the body arrived completely.
    """

    def __init__(self, request: Request, port: int, *, is_slow: bool = False) -> None:
        self._request, self._port, self._is_slow = request, port, is_slow
        self._outgoing: asyncio.StreamWriter | None = None
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_whole = False

    def __str__(self) -> str:
        return f"{self._request.method} {self._request.path} at {self._port}: {self.status or 'no answer'}"

    async def begin(self) -> bool:
        """Send the request, and wait for the head of the response; return whether there is one."""
        sock = socket.socket()
        sock.setblocking(False)
        if self._is_slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
            self._incoming, self._outgoing = await asyncio.open_connection(
                sock=sock, limit=SMALL_BUFFER_BYTES if self._is_slow else 65536
            )
            self._outgoing.write(self._request.bytes())
            status, *lines = (await self._incoming.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except (OSError, asyncio.IncompleteReadError):
            sock.close()
            return False
        self.status = int(status.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return True

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
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
        """Yield the frames of an event stream, without an incomplete last one."""
        rest = b""
        async for piece in self.pieces():
            *frames, rest = (rest + piece).split(b"\n\n")
            for frame in frames:
                yield frame.decode()

    async def json(self) -> Any:  # noqa: ANN401  # whatever JSON there is
        """Read the whole body; return None if it was cut off or is no JSON."""
        body = b"".join([piece async for piece in self.pieces()])
        try:
            return json.loads(body) if self.is_whole else None
        except ValueError:
            return None

    def close(self) -> None:
        """Abort the connection. Idempotent."""
        if self._outgoing is not None:
            self._outgoing.transport.abort()
