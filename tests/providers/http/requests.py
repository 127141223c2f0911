"""Requests through the transport, in greenlets of this process, and the kernel's view of its sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2

from flask_headrace.providers.http.transport import Transport

ESTABLISHED, SYN_SENT = "01", "02"
"""States in /proc/net/tcp of an open connection, and of one that is being established."""


def ask(transport: Transport, url: str, name: str, *, read: float | None = None, prompt: str = "hi") -> httpx2.Response:
    """POST a chat completion that streams; return the response when its head has arrived."""
    client = httpx2.Client(transport=transport, timeout=httpx2.Timeout(None, read=read))
    body = {"model": name, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    return client.send(client.build_request("POST", url + "/v1/chat/completions", json=body), stream=True)


def body_of(response: httpx2.Response) -> bytes:
    """Read the body to its end, and close the response."""
    try:
        return b"".join(chunks_of(response))
    finally:
        response.close()


def chunks_of(response: httpx2.Response) -> Iterator[bytes]:
    """Yield the body as it arrives."""
    yield from response.stream  # type: ignore[misc]


def states_to(url: str) -> list[str]:
    """List the states of this machine's sockets that are connected, or connecting, to an address."""
    port = f":{int(url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[3] for row in rows if row[2].endswith(port)]
