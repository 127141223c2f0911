"""A small server that responds before it has read the request, and parses the rest as the next request."""

from __future__ import annotations

import socket
import ssl
import threading

from tests.support.listener import Listener

LEAD = b"HTTP/1.1 "
FINE = LEAD + b"200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 4\r\n\r\nfine"
BAD = LEAD + b"400 Bad Request\r\ncontent-length: 3\r\n\r\nbad"


class EarlyAnswerServer(Listener):
    """The server, a context manager. It sends its first response after the request's head; the others are FINE.

    Args:
        answer: The first response, without the leading `HTTP/1.1 `.
        reads_on: Whether it continues to read: it then takes the rest of the request for a request, and sends BAD.
        tls: The server's TLS context; None for plain HTTP.

    Attributes:
        connections: The number of connections so far.
    """

    def __init__(self, answer: bytes, *, reads_on: bool = True, tls: ssl.SSLContext | None = None) -> None:
        self._first: bytes | None = LEAD + answer
        self._reads_on, self._tls = reads_on, tls
        self._is_over = threading.Event()
        self.connections = 0

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://{self.address}"

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        super().__exit__()

    def serve(self, client: socket.socket) -> None:
        self.connections += 1
        if self._tls is None:
            self._converse(client)
        else:
            with self._tls.wrap_socket(client, server_side=True) as secure:
                self._converse(secure)

    def _converse(self, client: socket.socket) -> None:
        unread = b""
        while data := client.recv(65536):
            unread += data
            head, end, rest = unread.partition(b"\r\n\r\n")
            if not end:
                continue
            if not head.startswith(b"POST "):
                client.sendall(BAD)
                return
            first, self._first = self._first, None
            if first is not None:
                client.sendall(first)
                unread = rest
                if not self._reads_on:
                    self._is_over.wait(30)
            elif len(rest) >= _length(head):
                client.sendall(FINE)
                unread = rest[_length(head) :]


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
