"""The time to the first delta, one stream at a time, on a keep-alive connection."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from benchmarks.load import Endpoint
from benchmarks.marks import Marks
from benchmarks.wires import LAST_CHUNK

LIMIT = 30.0
"""Seconds that the relay may be silent."""


def first_deltas(endpoint: Endpoint, model: str, count: int) -> list[float]:
    """Request an answer of one delta `count` times; return the milliseconds from each request to its delta, sorted.

    Raises:
        OSError: the relay was silent for too long, or refused two connections in a row.
    """
    request = endpoint.request(model, 1, is_last=False)
    connection = KeepAliveConnection(endpoint.port)
    try:
        return sorted(connection.request(request) * 1e3 for _ in range(count))
    finally:
        connection.close()


class KeepAliveConnection:
    """A connection for one request after another; it is opened again if the relay closes it."""

    def __init__(self, port: int) -> None:
        self._connect: Callable[[], socket.socket] = lambda: socket.create_connection(("127.0.0.1", port), LIMIT)
        self._socket = self._connect()

    def request(self, request: bytes) -> float:
        """Send a request, read its response to the end, and return the seconds to its first delta."""
        for _ in range(2):
            began = time.perf_counter()
            self._socket.sendall(request)
            first, is_whole = self._read()
            if not is_whole:
                self._socket.close()
                self._socket = self._connect()
            if first is not None:
                return first - began
        raise ConnectionError("the relay closed the connection before its first delta")

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _read(self) -> tuple[float | None, bool]:
        marks, first, tail = Marks(), None, b""
        while not tail.endswith(LAST_CHUNK):
            data = self._socket.recv(65536)
            if not data:
                return first, False
            if marks.feed(data) and first is None:
                first = time.perf_counter()
            tail = tail[-len(LAST_CHUNK) :] + data
        return first, True
