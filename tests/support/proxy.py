"""A small HTTP proxy in its own thread: it forwards plain requests and opens tunnels."""

from __future__ import annotations

import select
import socket
from urllib.parse import urlsplit

from tests.support.listener import Listener


class Proxy(Listener):
    """A proxy, as a context manager.

    Args:
        answer: The response to a CONNECT, after which it closes the connection; None to open the tunnel.
        port: The port of this machine to which tunnels lead; None for the requested address.

    Attributes:
        heads: The heads of the requests so far.
    """

    def __init__(self, answer: bytes | None = None, port: int | None = None) -> None:
        self.heads: list[str] = []
        self._answer, self._port = answer, port

    def serve(self, client: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += client.recv(65536)
        head, _, rest = received.partition(b"\r\n\r\n")
        self.heads.append(head.decode())
        method, target, _ = self.heads[-1].split("\r\n")[0].split(" ")
        if method == "CONNECT":
            client.sendall(self._answer or b"HTTP/1.1 200 Connection established\r\n\r\n")
            if self._answer is None:
                asked = target.rpartition(":")
                self._join(client, asked if self._port is None else ("127.0.0.1", ":", str(self._port)), b"")
        else:
            parts = urlsplit(target)
            forwarded = head.replace(target.encode(), parts.path.encode(), 1) + b"\r\n\r\n" + rest
            self._join(client, (parts.hostname or "", ":", str(parts.port)), forwarded)

    def _join(self, client: socket.socket, address: tuple[str, str, str], first: bytes) -> None:
        with socket.create_connection((address[0], int(address[2]))) as server:
            server.sendall(first)
            pair = {client: server, server: client}
            while True:
                for one in select.select(list(pair), [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    pair[one].sendall(data)
