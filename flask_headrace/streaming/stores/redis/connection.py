"""Connections to a Redis or Valkey server, and the execution of scripts there.

This module finds the server, also after a failover, limits how long a call waits, and turns the client's errors into
`StoreUnavailable`. It does not know what the scripts do. The commands of the client would cost more time than all
the rest, so this module uses the client's connections directly.
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
"""Seconds that a call waits for a free connection, for connecting, and for an answer, each."""

PAUSE_AFTER_TIMEOUT = 0.5
"""Seconds for which calls fail at once after the server did not answer in time."""

MAX_CONNECTIONS = 16
"""The most connections of a process in use at once; a further call waits."""

MAX_REDIRECTS = 3
"""How often a call is repeated at another server because the first one did not execute it."""

RETRY_AFTER = 2.0
"""Seconds after which a client may try again, in errors."""


def make_cooperative(connection: AbstractConnection) -> None:
    """Let other greenlets run while a connection waits, also in a process whose sockets gevent has not replaced."""
    plain = connection._sock
    if plain is not None and not isinstance(plain, (socket.socket, ssl.SSLSocket)):
        timeout = plain.gettimeout()
        connection._sock = socket.socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        connection._sock.settimeout(timeout)
    connection.on_connect()


class NotExecuted(Exception):
    """A server has certainly not executed a script, or was not reached. Another server may execute it.

    Args:
        address: The address of the server; None if it is the one in the URL, which never changes.
        reason: The client's error.
    """

    def __init__(self, address: Address | None, reason: Exception) -> None:
        super().__init__()
        self.address, self.reason = address, reason


class RedisConnectionPool:
    """Connections to the server that a URL names.

    Args:
        url: See `parse_redis_url`.

    Attributes:
        url: The parsed URL.
        on_move: Called when the server has changed, for example after a failover.

    Raises:
        ConfigurationError: the URL cannot be parsed.
    """

    def __init__(self, url: str) -> None:
        timeouts = {"socket_timeout": CALL_TIMEOUT, "socket_connect_timeout": CALL_TIMEOUT}
        self.url = parse_redis_url(url, {**timeouts, "redis_connect_func": make_cooperative, "protocol": 2})
        self.on_move: Callable[[], None] = lambda: None
        self._server = make_server_address(self.url)
        self._address: Address | None = None
        self._free: list[AbstractConnection] = []
        self._slots = BoundedSemaphore(MAX_CONNECTIONS)
        self._paused_until = 0.0

    def __str__(self) -> str:
        return self.url.name

    def make_connection(self, **options: object) -> AbstractConnection:
        """Return a new connection to the present server, outside of the pool. It connects at its first use.

        Args:
            options: Arguments of the connection, in place of those of the URL.

        Raises:
            RedisError, OSError: the address of the server cannot be found out.
        """
        address = self._server.resolve()
        location = {} if address is None else {"host": address[0], "port": address[1]}
        connection: AbstractConnection = self.url.connection(**{**self.url.options, **location, **options})
        if address != self._address:
            self._move(address)
        return connection

    def _move(self, address: Address | None) -> None:
        is_first, self._address = self._address is None, address
        self._paused_until = 0.0
        self.close()
        if not is_first:
            self.on_move()

    def run(self, script: Script, *arguments: str | bytes | int) -> Any:  # noqa: ANN401  # whatever the script returns
        """Run a script and return its reply.

        It is executed at most once: it is sent to another server only if the first has certainly not executed it.

        Args:
            script: The script.
            arguments: Its arguments (`ARGV`).

        Raises:
            StoreUnavailable: the server cannot be reached or cannot execute the script. It may have been executed.
        """
        return self._run_following_redirects(script, arguments, MAX_REDIRECTS)

    def _run_following_redirects(self, script: Script, arguments: Arguments, redirects: int) -> Any:  # noqa: ANN401
        try:
            return self._run(script, arguments)
        except NotExecuted as error:
            if redirects and self._has_moved_from(error.address):
                return self._run_following_redirects(script, arguments, redirects - 1)
            raise self._unavailable(redacted_message(error.reason)) from error.reason

    def _run(self, script: Script, arguments: Arguments) -> Any:  # noqa: ANN401
        try:
            with self._connection() as connection:
                address = self._address_of(connection)
                try:
                    return self._run_on(connection, script, arguments)
                except (RedisError, OSError) as error:
                    self._note_error(address, error)
                    if error_code(error) in REDIRECT_CODES:
                        raise NotExecuted(address, error) from error
                    # The script may have been executed: the caller has to find out.
                    raise self._unavailable(redacted_message(error)) from error
        except (RedisError, OSError) as error:
            raise self._unavailable(redacted_message(error)) from error

    def _run_on(self, connection: AbstractConnection, script: Script, arguments: Arguments) -> Any:  # noqa: ANN401
        if connection._sock is None:
            self._connect(connection)
        try:
            connection.send_command("EVALSHA", script.digest, 1, script.key(arguments), *arguments)
            return connection.read_response()
        except NoScriptError:
            connection.send_command("EVAL", script.source, 1, script.key(arguments), *arguments)
            return connection.read_response()

    def _connect(self, connection: AbstractConnection) -> None:
        try:
            connection.connect()
        except (RedisError, OSError) as error:
            address = self._address_of(connection)
            self._note_error(address, error)
            raise NotExecuted(address, error) from error

    def _address_of(self, connection: Any) -> Address | None:  # noqa: ANN401  # with host and port, if the server can move
        return None if self._address is None else (connection.host, connection.port)

    def _note_error(self, address: Address | None, error: Exception) -> None:
        """Find out the address of the server again before its next use, or take the address that the error names."""
        if isinstance(error, RedisTimeoutError) and address == self._address:
            self._paused_until = time.monotonic() + PAUSE_AFTER_TIMEOUT
        if error_code(error) == "MOVED" and address is not None:
            host, _, port = str(error).rpartition(" ")[2].rpartition(":")
            self._server.redirect((host or address[0], int(port)))
        elif not error_code(error) or error_code(error) in REDIRECT_CODES:
            self._server.invalidate(address)

    def _has_moved_from(self, address: Address | None) -> bool:
        try:
            return self._server.resolve() != address
        except (RedisError, OSError):
            return False

    @contextmanager
    def _connection(self) -> Iterator[AbstractConnection]:
        if time.monotonic() < self._paused_until and not self._has_moved_from(self._address):
            raise self._unavailable("it does not answer")
        if not self._slots.acquire(timeout=CALL_TIMEOUT):
            raise self._unavailable(f"all {MAX_CONNECTIONS} connections are busy")
        try:
            connection = self._take()
            # The client disconnects if anything, such as a kill, interrupts it between a command and its reply.
            try:
                yield connection
            finally:
                self._give_back(connection)
        finally:
            self._slots.release()

    def _take(self) -> AbstractConnection:
        if self._server.resolve() != self._address:
            return self.make_connection()
        connection = self._free.pop() if self._free else self.make_connection()
        if is_stale(connection):
            connection.disconnect()
            # Sentinels close connections so when a master has become a replica, which would still answer reads.
            self._server.invalidate(self._address)
            return self._take()
        return connection

    def _give_back(self, connection: AbstractConnection) -> None:
        if self._address_of(connection) == self._address:
            self._free.append(connection)
        else:
            connection.disconnect()

    def _unavailable(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(f"The store {self} cannot be used: {reason}.", retry_after=RETRY_AFTER)

    def close(self) -> None:
        """Close the connections that are not in use. Idempotent."""
        while self._free:
            self._free.pop().disconnect()


def is_stale(connection: AbstractConnection) -> bool:
    """Whether the server has closed a connection, or sent a message that is the reply to no command."""
    try:
        return connection._sock is not None and connection.can_read(0)
    except (RedisError, OSError):
        return True
