"""The address of the Redis server, which may change in a cluster or behind Sentinels.

It asks the servers of the cluster or the Sentinels, and caches the address until it is invalidated. It does not know
what is done at the server.
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
"""Seconds that one server or Sentinel has to answer."""

DISCOVERY_TIMEOUT = 2.0
"""Seconds after which no further server is asked, and for which other greenlets wait for the one that asks."""

RETRY_DELAY = 0.5
"""Seconds until the next attempt after no server knew the address."""

FindAddress: TypeAlias = Callable[[], Address]


class ServerAddress:
    """The cached address of a server.

    Args:
        find: Asks for the address; None if it is the one in the URL, which never changes.
    """

    def __init__(self, find: FindAddress | None) -> None:
        self._find = find
        self._cached: Address | None = None
        self._last: Address | None = None
        self._lock = BoundedSemaphore(1)
        self._failed: tuple[float, Exception] = (-RETRY_DELAY, RedisConnectionError())

    def resolve(self) -> Address | None:
        """Return the address of the server; None if it is the one in the URL, which never changes.

        Raises:
            RedisError, OSError: no server knows the address.
        """
        if self._find is None or self._cached is not None:
            return self._cached
        if not self._lock.acquire(timeout=DISCOVERY_TIMEOUT):
            raise RedisConnectionError("its address is still being looked up")
        try:
            return self._cached or self._look_up(self._find)
        finally:
            self._lock.release()

    def _look_up(self, find: FindAddress) -> Address:
        failed_at, error = self._failed
        if time.monotonic() - failed_at >= RETRY_DELAY:
            try:
                self._last = self._cached = find()
            except (RedisError, OSError) as new_error:
                self._failed, error = (time.monotonic(), new_error), new_error
        address = self._cached or self._last
        # If no server can be asked, none can have moved the server either: its last address is tried.
        if address is None:
            raise error.with_traceback(None)
        return address

    def invalidate(self, address: Address | None) -> None:
        """Drop the cached address if it is still this one, so that the next `resolve` asks for it."""
        if self._cached == address:
            self._cached = None

    def redirect(self, address: Address) -> None:
        """Cache the address that the former server has named."""
        if self._find is not None:
            self._last = self._cached = address


def make_server_address(url: RedisURL) -> ServerAddress:
    """Return the address of the server that a URL names, to be resolved."""
    if url.kind == "cluster":
        return ServerAddress(ClusterDiscovery(url).find)
    if url.kind == "sentinel":
        return ServerAddress(lambda: find_sentinel_master(url))
    return ServerAddress(None)


class ClusterDiscovery:
    """Finds the master of the cluster slot that all our keys are in.

    The servers of the URL are asked first, then those that an earlier answer named: the former may all be gone one day.

    Args:
        url: The URL of the cluster.
    """

    def __init__(self, url: RedisURL) -> None:
        self._url = url
        self._known_nodes: list[Address] = []

    def find(self) -> Address:
        """Ask one server after the other for the address of the master.

        Raises:
            RedisError, OSError: no server has an answer; the error of the last one.
        """
        until = time.monotonic() + DISCOVERY_TIMEOUT
        last_error: Exception = RedisConnectionError("no server of the cluster has an answer")
        for seed in dict.fromkeys((*self._url.seeds, *self._known_nodes)):
            if time.monotonic() > until:
                break
            try:
                return self._query(seed)
            except (RedisError, OSError) as error:
                last_error = error
        raise last_error

    def _query(self, seed: Address) -> Address:
        # Imported when needed: the module is large.
        from redis.cluster import parse_cluster_slots  # noqa: PLC0415
        from redis.crc import key_slot  # noqa: PLC0415

        host, port = seed
        timeouts = {"socket_timeout": QUERY_TIMEOUT, "socket_connect_timeout": QUERY_TIMEOUT}
        connection = self._url.connection(**{**self._url.options, **timeouts, "host": host, "port": port})
        try:
            connection.send_command("CLUSTER", "SLOTS")
            parts = parse_cluster_slots(connection.read_response(), current_host=host)
        finally:
            connection.disconnect()
        self._known_nodes = [node for part in parts.values() for node in (part["primary"], *part["replicas"])]
        slot = key_slot(PREFIX.encode())
        for (first, last), part in parts.items():
            if first <= slot <= last:
                master: Address = part["primary"]
                return master
        raise ClusterDownError(f"no server of the cluster has the slot {slot}")


def find_sentinel_master(url: RedisURL) -> Address:
    """Ask the Sentinels of a URL for the address of the master.

    Raises:
        RedisError, OSError: none of them knows it.
    """
    from redis.sentinel import Sentinel  # noqa: PLC0415  # imported when needed

    sentinel = Sentinel(url.seeds, sentinel_kwargs=_connection_options(url))
    try:
        host, port = sentinel.discover_master(url.service)
        return host, int(port)
    finally:
        for client in sentinel.sentinels:
            client.close()


def sentinel_services(url: RedisURL, sentinel: Address) -> set[str]:
    """Return the names of the services that one Sentinel knows.

    Args:
        url: The URL, for the credentials.
        sentinel: The address of the Sentinel.

    Raises:
        RedisError, OSError: the Sentinel does not answer.
    """
    from redis import Redis  # noqa: PLC0415

    client = Redis(*sentinel, **_connection_options(url))
    try:
        return set(client.sentinel_masters())
    finally:
        client.close()


def _connection_options(url: RedisURL) -> dict[str, Any]:
    """Return the client's arguments for a connection to a Sentinel."""
    timeouts = {
        "socket_timeout": QUERY_TIMEOUT,
        "socket_connect_timeout": QUERY_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
    }
    return {**url.sentinel_options, **timeouts, "ssl": issubclass(url.connection, SSLConnection)}
