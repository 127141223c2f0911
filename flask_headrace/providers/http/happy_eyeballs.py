"""A connection to one of the addresses of a name: each has its turn, and the first that accepts is taken (RFC 8305)."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import gevent.select
import gevent.socket

from .dns import Found

TURN = 0.25
"""Seconds after which the next address is tried beside those that have said nothing yet (RFC 8305, section 5)."""


class Race:
    """The connecting to several addresses, for one connection.

    Args:
        found: The addresses, the preferred one first.
        limit: Seconds that the caller will wait in all. Turns are shorter where there are many: each address has one.
    """

    def __init__(self, found: Found, limit: float) -> None:
        self._left = deque(_in_turns(found))
        self._turn = min(TURN, limit / (2 * max(1, len(found))))
        self._poll = gevent.select.poll()
        self._waiting: dict[int, Any] = {}
        self.errors: list[OSError] = []

    def next(self) -> Any:  # noqa: ANN401  # a socket of gevent's, which are untyped
        """Return the next socket that is connected; where none is left, raise the first error that there was."""
        while self._left or self._waiting:
            if self._left and (sock := self._begin(self._left.popleft())) is not None:
                return sock
            turn = self._turn * 1000 if self._left else None
            for number, _ in self._poll.poll(turn) if self._waiting else ():
                if (sock := self._end(number)) is not None:
                    return sock
        raise self.errors[0] if self.errors else OSError("the name has no address")

    def close(self) -> None:
        """Close the connections that have not come about. May be called twice."""
        while self._waiting:
            self._waiting.popitem()[1].close()

    def _begin(self, address: tuple[Any, ...]) -> Any:  # noqa: ANN401
        try:
            sock = gevent.socket.socket(*address[:3])
        except OSError as error:  # the machine has no IPv6, or no descriptor left
            self.errors.append(error)
            return None
        is_alone = not (self._left or self._waiting)
        self._waiting[sock.fileno()] = sock
        # That of the plain socket returns at once.
        code = sock.connect_ex(address[4]) if is_alone else sock._sock.connect_ex(address[4])
        if is_alone or code != errno.EINPROGRESS:
            return self._settled(sock, code)
        self._poll.register(sock, gevent.select.POLLOUT)
        return None

    def _end(self, number: int) -> Any:  # noqa: ANN401
        sock = self._waiting[number]
        self._poll.unregister(sock)
        return self._settled(sock, sock.getsockopt(gevent.socket.SOL_SOCKET, gevent.socket.SO_ERROR))

    def _settled(self, sock: Any, code: int) -> Any:  # noqa: ANN401
        del self._waiting[sock.fileno()]
        if code == 0:
            return sock
        sock.close()
        self.errors.append(OSError(code, os.strerror(code)))
        return None


def _in_turns(found: Found) -> Iterator[tuple[Any, ...]]:
    """Yield addresses so that the two families take turns, the preferred one first (RFC 8305, section 4)."""
    first = [address for address in found if address[0] == found[0][0]]
    other = [address for address in found if address[0] != found[0][0]]
    for pair in zip_longest(first, other):
        yield from (address for address in pair if address is not None)
