"""A client on a bare socket, for tests that disconnect, stop reading or write in ways that no library does."""

from __future__ import annotations

import json
import socket
import struct

SOON = 0.5
"""Seconds in which an event that needs no further action happens, also on a busy machine."""


def connect(url: str) -> socket.socket:
    """Connect to a base URL on 127.0.0.1; each operation waits five seconds at most."""
    client = socket.create_connection(("127.0.0.1", port_of(url)), timeout=5)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def port_of(url: str) -> int:
    """Return the port of a base URL."""
    return int(url.rpartition(":")[2])


def request(name: str, path: str = "/v1/chat/completions") -> bytes:
    """Return the bytes of a request for a streamed answer of a model."""
    body = json.dumps({"model": name, "stream": True}).encode()
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (path.encode(), len(body), body)


def ask(url: str, name: str) -> socket.socket:
    """Connect and request a model's answer; return the socket."""
    client = connect(url)
    client.sendall(request(name))
    return client


def read_until(client: socket.socket, end: bytes) -> bytes:
    """Read until the received bytes end with `end`, and return them."""
    received = bytearray()
    while not received.endswith(end):
        piece = client.recv(65536)
        assert piece, f"closed after {bytes(received)!r}"
        received += piece
    return bytes(received)


def read_all(client: socket.socket) -> bytes:
    """Read until the other side closes or resets the connection; return the received bytes."""
    received = bytearray()
    try:
        while piece := client.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return bytes(received)


def reset(client: socket.socket) -> None:
    """Reset the connection: send RST instead of FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
