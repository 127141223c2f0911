"""A fake of the system's resolver, in which real threads wait."""

from __future__ import annotations

import _socket
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

MAX_WAIT = 20.0
"""Seconds after which the lookup of a hanging name fails, so that no thread outlives the tests."""


class FakeResolver:
    """Resolves the names that a test has added, inside a `with` block; the system resolves all others.

    Attributes:
        asked: The added names that were looked up, in order.
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
        """Resolve `name` to the addresses of these URLs, in this order; return the URL of the name.

        With `hangs`, lookups of the name wait for `release`.
        """
        self._places[name] = [(parts.hostname or "", parts.port or 80) for parts in map(urlsplit, urls)]
        if hangs:
            self._hanging[name] = threading.Event()
        return f"http://{name}"

    def release(self, name: str) -> None:
        """Answer the waiting lookups of a hanging name."""
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
