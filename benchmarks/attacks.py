"""Attacks on a service, each in threads of its own, until this process is killed.

python -m benchmarks.attacks NAME PORT KEY
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from tests.support.hostile_schemas import doubling_references, nested_dependent_schemas

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


class Target:
    """The attacked service: its port and a key."""

    def __init__(self, port: int, key: str) -> None:
        self.port, self.key = port, key

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def request(self, body: dict[str, Any]) -> None:
        """Send a request with the key, and read the answer."""
        data = json.dumps(body).encode()
        head = f"POST /api/chat HTTP/1.1\r\nHost: a\r\nX-Api-Key: {self.key}\r\nContent-Length: {len(data)}\r\n"
        with self.connect() as client:
            client.sendall(head.encode() + b"Connection: close\r\n\r\n" + data)
            while client.recv(65536):
                pass


def endless(head: bytes, piece: bytes) -> Callable[[Target], None]:
    """Return an attack that sends a body without an end, without a key."""

    def send(target: Target) -> None:
        with target.connect() as client:
            client.sendall(b"POST /api/chat HTTP/1.1\r\nHost: a\r\n" + head)
            while True:
                client.sendall(piece)

    return send


def pipelined(target: Target) -> None:
    """Send many requests at once, and read the answers."""
    with target.connect() as client:
        threading.Thread(target=_read_on, args=(client,), daemon=True).start()
        while True:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 200)


def half_heads(target: Target) -> None:
    """Open connections whose requests never end."""
    held = []
    with contextlib.suppress(OSError):
        for _ in range(400):
            held.append(target.connect())
            held[-1].sendall(b"POST /api/chat HTTP/1.1\r\n")
    threading.Event().wait()


def schema_attack(schema: dict[str, Any]) -> Callable[[Target], None]:
    """Return an attack that requests answers with a schema."""
    body = {"model": "openai/burst", "max_tokens": 4, "messages": [{"role": "user", "content": "a"}], "schema": schema}
    return lambda target: target.request(body)


def large_bodies(target: Target) -> None:
    """Send the largest body that is allowed, and a deeply nested one."""
    target.request(
        {"messages": [{"role": "user", "content": "x" * 1_000_000}], "model": "openai/burst", "max_tokens": 1}
    )
    target.request({"messages": [{"role": "user", "content": json.loads("[" * 900 + "]" * 900)}]})


def pictures(target: Target) -> None:
    """Send a question with 24 MB of pictures."""
    parts = [{"type": "image", "url": "data:image/png;base64," + "iVBO" * 2_000_000} for _ in range(3)]
    target.request({"messages": [{"role": "user", "content": parts}], "model": "openai/burst", "max_tokens": 1})


def _read_on(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while client.recv(1 << 20):
            pass


ALL: dict[str, tuple[Callable[[Target], None], int]] = {
    "chunks-of-one-byte": (endless(CHUNKED, b"1\r\na\r\n" * 2000), 4),
    "large-chunks": (endless(CHUNKED, b"ffff\r\n" + b"a" * 65535 + b"\r\n"), 4),
    "endless-length": (endless(b"Content-Length: 999999999999\r\n\r\n", b"a" * 65536), 4),
    "pipelined": (pipelined, 4),
    "half-heads": (half_heads, 1),
    "large-bodies": (large_bodies, 2),
    "pictures": (pictures, 2),
    "schema-followed-for-ever": (schema_attack(doubling_references(60)), 12),
    "schema-closed-deep": (schema_attack(nested_dependent_schemas(60)), 12),
    "schema-pattern": (schema_attack({"pattern": "a?" * 4000 + "a" * 4000}), 12),
    "schema-alternatives": (schema_attack({"pattern": "|".join(f"w{n}" for n in range(100_000))}), 12),
}
"""Attacks by their names, each with its number of threads."""


def main(name: str, port: str, key: str) -> None:
    """Run one attack again and again."""
    attack, at_once = ALL[name]
    target = Target(int(port), key)

    def attack_on() -> None:
        while True:
            with contextlib.suppress(OSError):
                attack(target)

    for _ in range(at_once):
        threading.Thread(target=attack_on, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
