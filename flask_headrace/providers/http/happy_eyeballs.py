"""Happy Eyeballs (RFC 8305): connects to several addresses of a name in turn, and uses the first that is ready.

A connection is ready when requests can be sent: after the proxy's CONNECT and the TLS handshake, either of which can
hang at a single address.
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
"""Seconds after which the next address is tried in parallel (RFC 8305, section 5)."""


class ConnectionRace:
    """Parallel attempts to connect to several addresses, of which one is used.

    Args:
        addresses: The addresses, the preferred one first.
        timeout: Seconds that the caller waits in all. With many addresses the delay between attempts is shortened,
            so that each address is tried within this time.
        prepare: Returns the socket for requests, made from a connected socket; closes that socket if it raises.
    """

    def __init__(self, addresses: ResolvedAddresses, timeout: float, prepare: Callable[[Any], Any]) -> None:
        self._remaining = deque(_interleave_families(addresses))
        self._attempt_delay = min(CONNECTION_ATTEMPT_DELAY, timeout / (2 * max(1, len(addresses))))
        self._prepare = prepare
        self._attempts: set[gevent.Greenlet] = set()
        self._finished: gevent.queue.SimpleQueue[gevent.Greenlet] = gevent.queue.SimpleQueue()
        self._errors: list[Exception] = []

    def connect(self) -> Any:  # noqa: ANN401  # a socket of gevent's, which are untyped
        """Return the first socket that is ready; if all attempts fail, raise the first error."""
        if len(self._remaining) == 1:
            return self._connect_to(self._remaining.popleft())
        while self._remaining or self._attempts:
            if self._remaining:
                self._start_attempt(self._remaining.popleft())
            if (sock := self._wait_for_attempt()) is not None:
                return sock
        raise self._errors[0] if self._errors else OSError("the name has no address")

    def close(self) -> None:
        """Cancel the other attempts and close their sockets. Idempotent."""
        lost, self._attempts = self._attempts, set()
        gevent.killall(list(lost))  # each attempt closes its socket
        for attempt in lost:
            if not isinstance(attempt.value, Exception | gevent.GreenletExit | None):
                attempt.value.close()  # became ready at the same moment as the returned socket

    def _start_attempt(self, address: tuple[Any, ...]) -> None:
        attempt = gevent.Greenlet(self._attempt, address)
        self._attempts.add(attempt)
        attempt.link(self._finished.put)
        attempt.start()

    def _wait_for_attempt(self) -> Any:  # noqa: ANN401
        """Wait until an attempt ends or the next one is due; return the socket if one is ready, else None."""
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
        except Exception as error:  # noqa: BLE001  # `connect` raises it if all addresses fail
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
    """Yield the addresses with IPv6 and IPv4 alternating, the preferred family first (RFC 8305, section 4)."""
    preferred = [address for address in addresses if address[0] == addresses[0][0]]
    other = [address for address in addresses if address[0] != addresses[0][0]]
    for pair in zip_longest(preferred, other):
        yield from (address for address in pair if address is not None)
