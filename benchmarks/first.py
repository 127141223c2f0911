"""The time to the first delta, one stream at a time, on a connection that is kept."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from benchmarks.load import Door
from benchmarks.marks import Marks
from benchmarks.wires import LAST_CHUNK

LIMIT = 30.0
"""Seconds that the relay may be silent."""


def first_deltas(door: Door, model: str, count: int) -> list[float]:
    """Ask so often for an answer of one delta; return the milliseconds from each request to its delta, sorted.

    Raises:
        OSError: the relay was silent for too long, or refused two connections in a row.
    """
    request = door.request(model, 1, is_last=False)
    connection = Kept(door.port)
    try:
        return sorted(connection.ask(request) * 1e3 for _ in range(count))
    finally:
        connection.close()


class Kept:
    """A connection on which one request follows another; a new one takes its place where the relay closes it."""

    def __init__(self, port: int) -> None:
        self._connect: Callable[[], socket.socket] = lambda: socket.create_connection(("127.0.0.1", port), LIMIT)
        self._socket = self._connect()

    def ask(self, request: bytes) -> float:
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
        """Close it."""
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
