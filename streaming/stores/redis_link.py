"""Connections to a Redis or Valkey server, and scripts run there.

It knows how to reach the server, how long to wait for it, and turns its errors into ours. What the scripts do it does
not know. The client's own commands cost more than they do here, so this uses its connections.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gevent import socket
from gevent.lock import BoundedSemaphore
from redis.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import (
    AuthenticationError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..errors import ConfigurationError, StoreUnavailable
from .redis_scripts import Script

PATIENCE = 2.0
"""Seconds for which a call waits for a connection, for its being made, and for an answer."""

PAUSE = 0.5
"""Seconds for which calls fail at once after the server gave no answer in time."""

CONNECTIONS = 16
"""How many connections a process has; the next call waits."""

RETRY_AFTER = 2.0


def cooperate(connection: AbstractConnection) -> None:
    """Let greenlets run while this connection waits, also in a process whose sockets gevent has not replaced."""
    plain = connection._sock
    if plain is not None and not isinstance(plain, (socket.socket, ssl.SSLSocket)):
        timeout = plain.gettimeout()
        connection._sock = socket.socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        connection._sock.settimeout(timeout)
    connection.on_connect()


class RedisLink:
    """The server that a URL names.

    Raises:
        ConfigurationError: the URL cannot be understood.
    """

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        try:
            options = dict(parse_url(f"{scheme.replace('valkey', 'redis')}://{rest}"))
            self._kind: Any = options.pop("connection_class", Connection)
            self._options = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, **options}
            self._options |= {"redis_connect_func": cooperate, "protocol": 2}
            self.make()
        except (ValueError, TypeError) as error:
            # Neither the error nor the URL is shown: there may be a password in both.
            raise ConfigurationError(
                f"HEADRACE_STORE is a {scheme}:// URL that cannot be understood ({type(error).__name__}): write "
                "redis://user:password@host:port/db."
            ) from None
        place = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
        self._name = f"{scheme}://{place}"
        self._free: list[AbstractConnection] = []
        self._slots = BoundedSemaphore(CONNECTIONS)
        self._paused_until = 0.0

    def __str__(self) -> str:
        return self._name

    def make(self) -> AbstractConnection:
        """Return a connection that is made when it is first used."""
        connection: AbstractConnection = self._kind(**self._options)
        return connection

    def run(self, script: Script, *arguments: str | bytes | int) -> Any:  # noqa: ANN401  # whatever the script returns
        """Run a script and return its answer.

        Raises:
            StoreUnavailable: the server cannot be reached, or cannot do it.
        """
        try:
            with self._connection() as connection:
                try:
                    connection.send_command("EVALSHA", script.digest, 0, *arguments)
                    return connection.read_response()
                except NoScriptError:
                    connection.send_command("EVAL", script.source, 0, *arguments)
                    return connection.read_response()
        except (RedisError, OSError) as error:
            if isinstance(error, RedisTimeoutError):
                self._paused_until = time.monotonic() + PAUSE
            raise self._trouble(told(error)) from error

    @contextmanager
    def _connection(self) -> Iterator[AbstractConnection]:
        if time.monotonic() < self._paused_until:
            raise self._trouble("it does not answer")
        if not self._slots.acquire(timeout=PATIENCE):
            raise self._trouble(f"all {CONNECTIONS} connections are busy")
        connection = self._free.pop() if self._free else self.make()
        try:
            if is_stale(connection):
                connection.disconnect()
            # Whatever interrupts it between a question and its answer, a greenlet's end too, makes it disconnect.
            yield connection
        finally:
            self._free.append(connection)
            self._slots.release()

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


def told(error: Exception) -> str:
    """Return what is wrong, in words without a key, a password or what was sent."""
    match error:
        case AuthenticationError():
            return "it refuses the user or password of HEADRACE_STORE"
        case RedisTimeoutError():
            return "it does not answer"
        case OutOfMemoryError():
            return "it has no memory left"
        case ReadOnlyError():
            return "it is a replica, which cannot be written to"
        case ResponseError():
            return f"it answers {str(error).split(' ')[0]}"
        case _:
            return "no connection to it comes about, or it broke"
