"""Connections to a Redis or Valkey server, and scripts run there.

It knows how to reach the server, also after a failover, how long to wait for it, and turns its errors into ours. What
the scripts do it does not know. The client's own commands cost more than they do here, so this uses its connections.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from gevent import socket
from gevent.lock import BoundedSemaphore
from redis.connection import AbstractConnection
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ....core.errors import StoreUnavailable
from .errors import REDIRECT_CODES, error_code, redacted_message
from .keys import Script
from .topology import make_server_address
from .url import Address, parse_redis_url

Arguments: TypeAlias = tuple[str | bytes | int, ...]

CALL_TIMEOUT = 2.0
"""Seconds for which a call waits for a connection, for its being made, and for an answer."""

PAUSE_AFTER_TIMEOUT = 0.5
"""Seconds for which calls fail at once after the server gave no answer in time."""

MAX_CONNECTIONS = 16
"""How many connections a process has; the next call waits."""

MAX_REDIRECTS = 3
"""How often a call goes to another server that is said to be the right one."""

RETRY_AFTER = 2.0


def make_cooperative(connection: AbstractConnection) -> None:
    """Let greenlets run while this connection waits, also in a process whose sockets gevent has not replaced."""
    plain = connection._sock
    if plain is not None and not isinstance(plain, (socket.socket, ssl.SSLSocket)):
        timeout = plain.gettimeout()
        connection._sock = socket.socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        connection._sock.settimeout(timeout)
    connection.on_connect()


class NotExecuted(Exception):
    """A server did nothing of what it was told to, or was not reached; another one may be the right one by now."""

    def __init__(self, at: Address | None, why: Exception) -> None:
        super().__init__()
        self.at, self.why = at, why


class RedisConnectionPool:
    """The server that a URL names.

    Attributes:
        target: What the URL says.
        on_move: Called when the server turns out to be another one.

    Raises:
        ConfigurationError: the URL cannot be understood.
    """

    def __init__(self, url: str) -> None:
        waits = {"socket_timeout": CALL_TIMEOUT, "socket_connect_timeout": CALL_TIMEOUT}
        self.url = parse_redis_url(url, {**waits, "redis_connect_func": make_cooperative, "protocol": 2})
        self.on_move: Callable[[], None] = lambda: None
        self._place = make_server_address(self.url)
        self._at: Address | None = None
        self._free: list[AbstractConnection] = []
        self._slots = BoundedSemaphore(MAX_CONNECTIONS)
        self._paused_until = 0.0

    def __str__(self) -> str:
        return self.url.name

    def make_connection(self, **options: object) -> AbstractConnection:
        """Return a connection to where the server is now; it is made when it is first used.

        Args:
            options: What it is to be otherwise than the URL says.

        Raises:
            RedisError, OSError: nobody knows where it is.
        """
        address = self._place.resolve()
        place = {} if address is None else {"host": address[0], "port": address[1]}
        connection: AbstractConnection = self.url.connection(**{**self.url.options, **place, **options})
        if address != self._at:
            self._move(address)
        return connection

    def _move(self, address: Address | None) -> None:
        is_first, self._at = self._at is None, address
        self._paused_until = 0.0
        self.close()
        if not is_first:
            self.on_move()

    def run(self, script: Script, *arguments: str | bytes | int) -> Any:  # noqa: ANN401  # whatever the script returns
        """Run a script and return its answer.

        It is run once at most: only a server that has certainly not run it is followed by another.

        Raises:
            StoreUnavailable: the server cannot be reached, or cannot do it.
        """
        return self._run_where_it_is(script, arguments, MAX_REDIRECTS)

    def _run_where_it_is(self, script: Script, arguments: Arguments, hops: int) -> Any:  # noqa: ANN401
        try:
            return self._run(script, arguments)
        except NotExecuted as error:
            if hops and self._is_elsewhere_than(error.at):
                return self._run_where_it_is(script, arguments, hops - 1)
            raise self._trouble(redacted_message(error.why)) from error.why

    def _run(self, script: Script, arguments: Arguments) -> Any:  # noqa: ANN401
        try:
            with self._connection() as connection:
                at = self._address_of(connection)
                try:
                    return self._run_at(connection, script, arguments)
                except (RedisError, OSError) as error:
                    self._doubt(at, error)
                    if error_code(error) in REDIRECT_CODES:
                        raise NotExecuted(at, error) from error
                    # It may have been done: what has become of it is the caller's to find out.
                    raise self._trouble(redacted_message(error)) from error
        except (RedisError, OSError) as nobody:
            raise self._trouble(redacted_message(nobody)) from nobody

    def _run_at(self, connection: AbstractConnection, script: Script, arguments: Arguments) -> Any:  # noqa: ANN401
        if connection._sock is None:
            self._reach(connection)
        try:
            connection.send_command("EVALSHA", script.digest, 1, script.key(arguments), *arguments)
            return connection.read_response()
        except NoScriptError:
            connection.send_command("EVAL", script.source, 1, script.key(arguments), *arguments)
            return connection.read_response()

    def _reach(self, connection: AbstractConnection) -> None:
        try:
            connection.connect()
        except (RedisError, OSError) as error:
            at = self._address_of(connection)
            self._doubt(at, error)
            raise NotExecuted(at, error) from error

    def _address_of(self, connection: Any) -> Address | None:  # noqa: ANN401  # one on a port, where it may move
        return None if self._at is None else (connection.host, connection.port)

    def _doubt(self, at: Address | None, error: Exception) -> None:
        """Ask anew where the server is before it is used next, or take its word for where it is."""
        if isinstance(error, RedisTimeoutError) and at == self._at:
            self._paused_until = time.monotonic() + PAUSE_AFTER_TIMEOUT
        if error_code(error) == "MOVED" and at is not None:
            host, _, port = str(error).rpartition(" ")[2].rpartition(":")
            self._place.redirect((host or at[0], int(port)))
        elif not error_code(error) or error_code(error) in REDIRECT_CODES:
            self._place.invalidate(at)

    def _is_elsewhere_than(self, at: Address | None) -> bool:
        try:
            return self._place.resolve() != at
        except (RedisError, OSError):
            return False

    @contextmanager
    def _connection(self) -> Iterator[AbstractConnection]:
        if time.monotonic() < self._paused_until and not self._is_elsewhere_than(self._at):
            raise self._trouble("it does not answer")
        if not self._slots.acquire(timeout=CALL_TIMEOUT):
            raise self._trouble(f"all {MAX_CONNECTIONS} connections are busy")
        try:
            connection = self._take()
            # Whatever interrupts it between a question and its answer, a greenlet's end too, makes it disconnect.
            try:
                yield connection
            finally:
                self._give_back(connection)
        finally:
            self._slots.release()

    def _take(self) -> AbstractConnection:
        if self._place.resolve() != self._at:
            return self.make_connection()
        connection = self._free.pop() if self._free else self.make_connection()
        if is_stale(connection):
            connection.disconnect()
            # So Sentinels tell those whose master has become a replica, which would still answer what is read.
            self._place.invalidate(self._at)
            return self._take()
        return connection

    def _give_back(self, connection: AbstractConnection) -> None:
        if self._address_of(connection) == self._at:
            self._free.append(connection)
        else:
            connection.disconnect()

    def _trouble(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"The store {self} cannot be used: {what}.", retry_after=RETRY_AFTER)

    def close(self) -> None:
        """Close the connections that are not in use. May be called twice."""
        while self._free:
            self._free.pop().disconnect()


def is_stale(connection: AbstractConnection) -> bool:
    """Whether the server has closed a connection, or said something that nobody asked for."""
    try:
        return connection._sock is not None and connection.can_read(0)
    except (RedisError, OSError):
        return True
