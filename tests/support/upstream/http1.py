"""HTTP/1.1 as bytes: requests in, response heads and bodies out. Pure: it knows no sockets and no providers."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.support.upstream.steps import Chunk, Head


class BadRequestError(Exception):
    """A request that this upstream cannot read."""


@dataclass(frozen=True)
class Message:
    """A received request: `path` with its query, header names in lower case, and the body's bytes."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    raw_body: bytes = field(repr=False)

    @property
    def body(self) -> Any:
        """The value of the JSON body; None if the body is not JSON."""
        try:
            return json.loads(self.raw_body)
        except ValueError:
            return None

    @property
    def route(self) -> str:
        """The method and the path without the query, such as `GET /v1/models`."""
        return f"{self.method} {self.path.partition('?')[0]}"


def parse(received: bytes) -> tuple[Message, bytes] | None:
    """Return the first request in the received bytes, and the bytes after it; None while it is incomplete."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        return None
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
    if "transfer-encoding" in headers:
        raise BadRequestError("a request in the chunked coding: this upstream reads content-length alone")
    length = int(headers.get("content-length", 0))
    if len(rest) < length:
        return None
    method, path, _ = line.split(" ", 2)
    return Message(method, path, MappingProxyType(headers), rest[:length]), rest[length:]


def head_bytes(head: Head) -> bytes:
    """Encode a response's head, with the header for the coding of its body."""
    lines = [f"HTTP/1.1 {head.status} {_reason(head.status)}", *(f"{name}: {value}" for name, value in head.headers)]
    if head.content_length is not None:
        lines.append(f"content-length: {head.content_length}")
    elif head.chunked:
        lines.append("transfer-encoding: chunked")
    elif not closes(head.headers):
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def body_bytes(head: Head | None, chunk: Chunk) -> bytes:
    """Encode a piece of the body in the coding that the head announced; without a head, return it unchanged."""
    if not is_chunked(head):
        return chunk.data
    data = b"%x\r\n%s\r\n" % (len(chunk.data), chunk.data) if chunk.data else b""
    return data + b"0\r\n\r\n" if chunk.last else data


def is_chunked(head: Head | None) -> bool:
    """Whether the head announces the chunked coding."""
    return head is not None and head.chunked and head.content_length is None


def ends_by_close(head: Head | None) -> bool:
    """Whether the connection must close after this response's body."""
    if head is None:
        return False
    return closes(head.headers) or (not head.chunked and head.content_length is None)


def closes(headers: tuple[tuple[str, str], ...]) -> bool:
    """Whether the headers contain `connection: close`."""
    return any(name.lower() == "connection" and value.lower() == "close" for name, value in headers)


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Overloaded" if status == 529 else "Unknown"
