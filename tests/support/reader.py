"""A client for streams over http.client, which can disconnect at any moment, with FIN or RST."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

QUESTION = [{"role": "user", "content": "hi"}]


@dataclass(frozen=True)
class Answer:
    """A complete response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, str]:
        return self.json["error"]

    @property
    def frames(self) -> list[tuple[str, Any]]:
        return [frame for block in self.body.decode().split("\n\n") if (frame := parse(block)) is not None]

    @property
    def text(self) -> str:
        return "".join(data["delta"] for name, data in self.frames if name == "message" and data != "[DONE]")

    def named(self, event: str) -> list[Any]:
        return [data for name, data in self.frames if name == event]

    @property
    def is_done(self) -> bool:
        return bool(self.frames) and self.frames[-1] == ("message", "[DONE]")


def parse(block: str) -> tuple[str, Any] | None:
    """Parse one frame of the native protocol into its event name and data; None for a comment."""
    name, data = "message", None
    for line in block.split("\n"):
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data = line[6:]
    if data is None:
        return None
    return name, data if data == "[DONE]" else json.loads(data)


class Reading:
    """An open request. The end of a `with` block closes the connection (FIN)."""

    def __init__(
        self,
        url: str,
        body: Any = None,
        *,
        method: str = "POST",
        headers: dict[str, str] | None = None,
        version: str = "1.1",
    ) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self.connection._http_vsn_str = f"HTTP/{version}"  # type: ignore[attr-defined]
        self.connection.connect()
        self.sock: socket.socket = self.connection.sock
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        self.connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), data, headers or {})

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def response(self) -> http.client.HTTPResponse:
        """Wait for the head of the response, and return the response."""
        self._response = self.connection.getresponse()
        return self._response

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives."""
        response = getattr(self, "_response", None) or self.response()
        while data := response.read1(65536):
            yield data

    def until(self, wanted: bytes) -> bytes:
        """Read the body until it contains `wanted`; return what this call has read."""
        got = b""
        for data in self.chunks():
            got += data
            if wanted in got:
                return got
        raise AssertionError(f"the body ended without {wanted!r}: {got!r}")

    def leave(self) -> None:
        """Close the connection (FIN)."""
        if getattr(self, "_response", None) is not None:
            self._response.close()
        self.connection.close()

    def reset(self) -> None:
        """Reset the connection (RST)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.leave()


def send(url: str, body: Any = None, *, method: str = "POST", headers: dict[str, str] | None = None) -> Answer:
    """Send a request and return the complete response."""
    with Reading(url, body, method=method, headers=headers) as reading:
        response = reading.response()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def ask(url: str, model: str, **fields: Any) -> Answer:
    """Send a request to `POST /api/chat` and return the complete response."""
    return send(url + "/api/chat", {"model": model, "messages": QUESTION, **fields})


def asking(url: str, model: str, **fields: Any) -> Reading:
    """Send a request to `POST /api/chat` and return it open; the caller reads the response."""
    return Reading(url + "/api/chat", {"model": model, "messages": QUESTION, **fields})
