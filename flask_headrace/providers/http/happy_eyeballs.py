"""A connection to one of the addresses of a name: each has its turn, and the first that is ready is taken (RFC 8305).

Ready is more than accepted: a proxy or TLS may come before the first request, and hang at one address alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import gevent
import gevent.queue
import gevent.socket

from .dns import ResolvedAddresses

CONNECTION_ATTEMPT_DELAY = 0.25
"""Seconds after which the next address is tried beside those that are not ready yet (RFC 8305, section 5)."""


class ConnectionRace:
    """The connecting to several addresses, for one connection.

    Args:
        found: The addresses, the preferred one first.
        limit: Seconds that the caller will wait in all. Turns are shorter where there are many: each address has one.
        prepare: Makes of a socket that is connected one that requests are sent on; closes it where it cannot.
    """

    def __init__(self, addresses: ResolvedAddresses, timeout: float, prepare: Callable[[Any], Any]) -> None:
        self._remaining = deque(_interleave_families(addresses))
        self._attempt_delay = min(CONNECTION_ATTEMPT_DELAY, timeout / (2 * max(1, len(addresses))))
        self._prepare = prepare
        self._attempts: set[gevent.Greenlet] = set()
        self._finished: gevent.queue.SimpleQueue[gevent.Greenlet] = gevent.queue.SimpleQueue()
        self._errors: list[Exception] = []

    def connect(self) -> Any:  # noqa: ANN401  # a socket of gevent's, which are untyped
        """Return the first socket that is ready; where none can be, raise the first error that there was."""
        if len(self._remaining) == 1:
            return self._connect_to(self._remaining.popleft())
        while self._remaining or self._attempts:
            if self._remaining:
                self._start_attempt(self._remaining.popleft())
            if (sock := self._wait_for_attempt()) is not None:
                return sock
        raise self._errors[0] if self._errors else OSError("the name has no address")

    def close(self) -> None:
        """Close the connections that have lost. May be called twice."""
        lost, self._attempts = self._attempts, set()
        gevent.killall(list(lost))  # each closes what it has
        for attempt in lost:
            if not isinstance(attempt.value, Exception | gevent.GreenletExit | None):
                attempt.value.close()  # ready in the same moment as the winner

    def _start_attempt(self, address: tuple[Any, ...]) -> None:
        attempt = gevent.Greenlet(self._attempt, address)
        self._attempts.add(attempt)
        attempt.link(self._finished.put)
        attempt.start()

    def _wait_for_attempt(self) -> Any:  # noqa: ANN401
        """Wait for an attempt to end, or for the next one's turn; return what is ready, if anything is."""
        try:
            attempt = self._finished.get(timeout=self._attempt_delay if self._remaining else None)
        except gevent.queue.Empty:
            return None
        self._attempts.discard(attempt)
        if isinstance(attempt.value, Exception):
            self._errors.append(attempt.value)
            return None
        return attempt.value

    def _attempt(self, address: tuple[Any, ...]) -> Any:  # noqa: ANN401
        try:
            return self._connect_to(address)
        except Exception as error:  # noqa: BLE001  # raised by `winner`, where no other address does better
            return error

    def _connect_to(self, address: tuple[Any, ...]) -> Any:  # noqa: ANN401
        sock = gevent.socket.socket(*address[:3])
        try:
            sock.connect(address[4])
        except BaseException:
            sock.close()
            raise
        return self._prepare(sock)


def _interleave_families(addresses: ResolvedAddresses) -> Iterator[tuple[Any, ...]]:
    """Yield addresses so that the two families take turns, the preferred one first (RFC 8305, section 4)."""
    preferred = [address for address in addresses if address[0] == addresses[0][0]]
    other = [address for address in addresses if address[0] != addresses[0][0]]
    for pair in zip_longest(preferred, other):
        yield from (address for address in pair if address is not None)
