"""A gateway between a browser and the service that knows requests: it can answer itself, stall, and lose headers."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from dataclasses import dataclass

from tests.support.listener import Listener


@dataclass(frozen=True)
class Reply:
    """A response of the gateway's own. `is_stalled`: its body never ends."""

    status: int
    body: bytes = b""
    content_type: str = "text/html"
    headers: str = ""
    is_stalled: bool = False

    def encode(self) -> bytes:
        length = len(self.body) + (1000 if self.is_stalled else 0)
        head = f"HTTP/1.1 {self.status} Status\r\nContent-Type: {self.content_type}\r\nContent-Length: {length}\r\n"
        return (head + self.headers + "Connection: close\r\n\r\n").encode() + self.body


SILENCE = None
"""No response, on a connection that stays open."""

LOGIN_PAGE = Reply(200, b"<h1>Sign in</h1>")


class Gateway(Listener):
    """A loopback address that leads to `port`, one request to a connection, from `with` to its end.

    Attributes:
        replies: For each request that a regular expression finds by its first line, what comes in place of the
            service's response: each one once, in this order.
        dropped: The name of a header that does not pass.
        keeps_bodies_open: Whether the last bytes of a body in chunks do not pass, and the connection stays open.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.replies: list[tuple[str, Reply | None]] = []
        self.dropped = ""
        self.keeps_bodies_open = False
        self.seen: list[str] = []
        self._is_closing = threading.Event()
        self._passing: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._is_closing.set()
        self.cut()

    def cut(self) -> None:
        """Break every connection on which a response is passing; others come through."""
        for end in set(self._passing):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def count(self, pattern: str) -> int:
        """Return how many requests have come whose first line a regular expression finds."""
        return sum(re.search(pattern, line) is not None for line in self.seen)

    def serve(self, client: socket.socket) -> None:
        request = _read_request(client)
        if request is None:
            return
        line = request.partition(b"\r\n")[0].decode()
        self.seen.append(line)
        for rule in self.replies:
            if re.search(rule[0], line):
                self.replies.remove(rule)
                self._reply(client, rule[1])
                return
        self._pass(client, request)

    def _reply(self, client: socket.socket, reply: Reply | None) -> None:
        if reply is not None:
            client.sendall(reply.encode())
        if reply is None or reply.is_stalled:
            self._hold(client)

    def _hold(self, client: socket.socket) -> None:
        """Keep a connection until the browser closes it."""
        with self._registered(client):
            while not self._is_closing.is_set() and client.recv(65536):
                pass

    def _pass(self, client: socket.socket, request: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as service, self._registered(client, service):
            service.sendall(self._changed(request))
            threading.Thread(target=_close_with, args=(client, service), daemon=True).start()
            while received := service.recv(65536):
                if self.keeps_bodies_open and received.endswith(b"0\r\n\r\n"):
                    client.sendall(received.removesuffix(b"0\r\n\r\n"))
                    self._is_closing.wait()
                client.sendall(received)
            # The other thread waits for the browser.
            client.shutdown(socket.SHUT_RDWR)

    def _changed(self, request: bytes) -> bytes:
        head, end, body = request.partition(b"\r\n\r\n")
        lines = [
            line
            for line in head.split(b"\r\n")
            if not line.lower().startswith((b"connection:", f"{self.dropped.lower() or 'connection'}:".encode()))
        ]
        return b"\r\n".join([*lines, b"Connection: close"]) + end + body

    @contextlib.contextmanager
    def _registered(self, *ends: socket.socket):
        self._passing |= set(ends)
        try:
            yield
        finally:
            self._passing -= set(ends)


def _read_request(client: socket.socket) -> bytes | None:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(65536)
        if not piece:
            return None
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def _close_with(client: socket.socket, service: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while client.recv(65536):
            pass
    with contextlib.suppress(OSError):
        service.shutdown(socket.SHUT_RDWR)
