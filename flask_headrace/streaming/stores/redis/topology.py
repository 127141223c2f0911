"""Where the server is that has our streams, where it may be another one after a failover.

It knows whom to ask: a cluster's servers or the Sentinels. It does not know what is done at the server. What was found
is kept until somebody doubts it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from gevent.lock import BoundedSemaphore
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.exceptions import ClusterDownError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from .keys import PREFIX
from .url import Address, RedisURL

QUERY_TIMEOUT = 0.7
"""Seconds that one server or Sentinel has to say where the streams are."""

DISCOVERY_TIMEOUT = 2.0
"""Seconds after which no further one is asked, and for which others wait for who asks."""

RETRY_DELAY = 0.5
"""Seconds for which nobody is asked again after nobody knew."""

FindAddress: TypeAlias = Callable[[], Address]


class ServerAddress:
    """Where a server is, as far as is known.

    Args:
        find: Asks for it; None where it never moves.
    """

    def __init__(self, find: FindAddress | None) -> None:
        self._find = find
        self._known: Address | None = None
        self._last: Address | None = None
        self._asking = BoundedSemaphore(1)
        self._failed: tuple[float, Exception] = (-RETRY_DELAY, RedisConnectionError())

    def resolve(self) -> Address | None:
        """Return where the server is; None where it is where the URL says.

        Raises:
            RedisError, OSError: nobody knows.
        """
        if self._find is None or self._known is not None:
            return self._known
        if not self._asking.acquire(timeout=DISCOVERY_TIMEOUT):
            raise RedisConnectionError("nobody has said yet where it is")
        try:
            return self._known or self._ask(self._find)
        finally:
            self._asking.release()

    def _ask(self, find: FindAddress) -> Address:
        failed_at, trouble = self._failed
        if time.monotonic() - failed_at >= RETRY_DELAY:
            try:
                self._last = self._known = find()
            except (RedisError, OSError) as error:
                self._failed, trouble = (time.monotonic(), error), error
        address = self._known or self._last
        # Where nobody can be asked, nobody can have moved it either: it is tried where it was.
        if address is None:
            raise trouble.with_traceback(None)
        return address

    def invalidate(self, address: Address | None) -> None:
        """Ask anew before the next use, if this is still what is known."""
        if self._known == address:
            self._known = None

    def redirect(self, address: Address) -> None:
        """Take the word of the server that was there so far."""
        if self._find is not None:
            self._last = self._known = address


def make_server_address(target: RedisURL) -> ServerAddress:
    """Return where the server is that a URL names."""
    if target.kind == "cluster":
        return ServerAddress(ClusterDiscovery(target).find)
    if target.kind == "sentinel":
        return ServerAddress(lambda: find_sentinel_master(target))
    return ServerAddress(None)


class ClusterDiscovery:
    """The slot of a cluster that all our keys are in.

    The servers of the URL are asked first, then those that were heard of: the former may all be gone one day.
    """

    def __init__(self, target: RedisURL) -> None:
        self._target = target
        self._heard_of: list[Address] = []

    def find(self) -> Address:
        """Ask one server after the other for the master of the slot."""
        until = time.monotonic() + DISCOVERY_TIMEOUT
        trouble: Exception = RedisConnectionError("no server of the cluster has an answer")
        for seed in dict.fromkeys((*self._target.seeds, *self._heard_of)):
            if time.monotonic() > until:
                break
            try:
                return self._ask(seed)
            except (RedisError, OSError) as error:
                trouble = error
        raise trouble

    def _ask(self, seed: Address) -> Address:
        # Not before it is needed: the module is a large one.
        from redis.cluster import parse_cluster_slots  # noqa: PLC0415
        from redis.crc import key_slot  # noqa: PLC0415

        host, port = seed
        limits = {"socket_timeout": QUERY_TIMEOUT, "socket_connect_timeout": QUERY_TIMEOUT}
        connection = self._target.connection(**{**self._target.options, **limits, "host": host, "port": port})
        try:
            connection.send_command("CLUSTER", "SLOTS")
            parts = parse_cluster_slots(connection.read_response(), current_host=host)
        finally:
            connection.disconnect()
        self._heard_of = [node for part in parts.values() for node in (part["primary"], *part["replicas"])]
        slot = key_slot(PREFIX.encode())
        for (first, last), part in parts.items():
            if first <= slot <= last:
                master: Address = part["primary"]
                return master
        raise ClusterDownError(f"no server of the cluster has the slot {slot}")


def find_sentinel_master(target: RedisURL) -> Address:
    """Ask the Sentinels for the master."""
    from redis.sentinel import Sentinel  # noqa: PLC0415  # who has none need not load it

    sentinel = Sentinel(target.seeds, sentinel_kwargs=_asking(target))
    try:
        host, port = sentinel.discover_master(target.service)
        return host, int(port)
    finally:
        for one in sentinel.sentinels:
            one.close()


def sentinel_services(target: RedisURL, sentinel: Address) -> set[str]:
    """Return the names of the services that one Sentinel knows.

    Raises:
        RedisError, OSError: it cannot be asked.
    """
    from redis import Redis  # noqa: PLC0415

    client = Redis(*sentinel, **_asking(target))
    try:
        return set(client.sentinel_masters())
    finally:
        client.close()


def _asking(target: RedisURL) -> dict[str, Any]:
    """Return how to connect to a Sentinel, in the words of the client."""
    limits = {"socket_timeout": QUERY_TIMEOUT, "socket_connect_timeout": QUERY_TIMEOUT, "retry": Retry(NoBackoff(), 0)}
    return {**target.sentinel_options, **limits, "ssl": issubclass(target.connection, SSLConnection)}
