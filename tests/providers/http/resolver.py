"""A resolver that does what a test tells it, in the place of the system's: real threads wait in it."""

from __future__ import annotations

import _socket
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

MAX_WAIT = 20.0
"""Seconds after which a name that hangs fails, so that no thread outlives the tests."""


class FakeResolver:
    """Names of a test's own, from `with` to its end; all others are asked of the system.

    Attributes:
        asked: The names of the test's own that were looked up, in that order.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._places: dict[str, list[tuple[str, int]]] = {}
        self._hanging: dict[str, threading.Event] = {}
        self._system = _socket.getaddrinfo

    def __enter__(self) -> FakeResolver:
        _socket.getaddrinfo = self._look_up
        return self

    def __exit__(self, *_: object) -> None:
        _socket.getaddrinfo = self._system
        for name in list(self._hanging):
            self.release(name)

    def add(self, name: str, *urls: str, hangs: bool = False) -> str:
        """Let a name have the addresses of these URLs, in this order, and return its own URL."""
        self._places[name] = [(parts.hostname or "", parts.port or 80) for parts in map(urlsplit, urls)]
        if hangs:
            self._hanging[name] = threading.Event()
        return f"http://{name}"

    def release(self, name: str) -> None:
        """Let those who look up a name that hangs have their answer."""
        self._hanging[name].set()

    def _look_up(self, host: Any, *how: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in self._places:
            return self._system(host, *how)
        self.asked.append(name)
        if name in self._hanging:
            self._hanging[name].wait(MAX_WAIT)
        if not self._places[name]:
            raise _socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place) for place in self._places[name]]
