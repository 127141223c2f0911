"""Notifications from Redis of changes by any process: one connection for all watches of this process.

It subscribes to a channel for each watched stream, and to all of them again after the connection was lost. The server
confirms each subscription, and the confirmation notifies the watchers too, so that they look up what they have missed.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import gevent
import hiredis
from gevent import socket
from gevent.event import Event as Flag
from redis.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from ..notifier import Callback, ChangeNotifier
from .connection import CALL_TIMEOUT, RedisConnectionPool
from .errors import redacted_message

log = logging.getLogger("flask_headrace")

IDLE_TIMEOUT = 5.0
"""Seconds without a change of the subscriptions after which the server is pinged."""

MIN_RETRY_DELAY, MAX_RETRY_DELAY = 0.05, 2.0
"""Seconds between two attempts to connect: at first, and at most."""

CONNECTION_ERRORS = (RedisError, OSError, hiredis.HiredisError)


class PubSubListener:
    """The watches of one process on channels of one server.

    Adding and removing a watch does not wait for the server: a greenlet sends the changed subscriptions.

    Args:
        pool: Makes the connection.
    """

    def __init__(self, pool: RedisConnectionPool) -> None:
        self._pool = pool
        self._callbacks = ChangeNotifier(on_first=self._note, on_last=self._note)
        self._changed: dict[str, None] = {}
        self._is_changed = Flag()
        self._subscribed: set[str] = set()
        self._connection: Any = None
        self._listening: gevent.Greenlet | None = None
        self._retry_delay = MIN_RETRY_DELAY
        self._last_warning = ""
        pool.on_move = self._reconnect

    def add(self, channel: str, callback: Callback) -> Callable[[], None]:
        """Call `callback` at each message of a channel; return a function that ends the watch."""
        return self._callbacks.add(channel, callback)

    def _note(self, channel: str) -> None:
        """Note that a channel has got its first watch, or lost its last."""
        if self._listening is None:
            self._listening = gevent.spawn(self._listen_forever)
        self._changed[channel] = None
        self._is_changed.set()

    def _reconnect(self) -> None:
        # The former server may not know yet that it has been replaced, and may stay silent for ever.
        connection = self._connection
        if connection is not None and connection._sock is not None:
            with suppress(OSError):
                connection._sock.shutdown(socket.SHUT_RDWR)

    def _listen_forever(self) -> None:
        while True:
            try:
                self._listen()
            except ResponseError as error:
                self._warn(redacted_message(error))
            except CONNECTION_ERRORS:
                pass  # the callers of the store get the error; watchers look up what they have missed
            gevent.sleep(self._retry_delay * random.uniform(0.5, 1.0))  # noqa: S311
            self._retry_delay = min(self._retry_delay * 2, MAX_RETRY_DELAY)

    def _warn(self, reason: str) -> None:
        if reason != self._last_warning:
            log.warning("Streams are noticed late or not at all: %s cannot be listened to: %s.", self._pool, reason)
        self._last_warning = reason

    def _listen(self) -> None:
        connection = self._pool.make_connection()
        sending: gevent.Greenlet | None = None
        try:
            connection.connect()
            self._subscribed = set()
            self._changed = dict.fromkeys(self._callbacks.ids)
            self._is_changed.set()
            self._connection = connection
            sending = gevent.spawn(self._send_subscriptions, connection)
            self._receive(connection)
        finally:
            self._connection = None
            if sending is not None:
                sending.kill()
            connection.disconnect()

    def _send_subscriptions(self, connection: AbstractConnection) -> None:
        """Send changed subscriptions, and a ping after `IDLE_TIMEOUT` seconds without any."""
        with suppress(*CONNECTION_ERRORS):  # the receiving greenlet gets the error as well
            while True:
                has_changed = self._is_changed.wait(IDLE_TIMEOUT)
                self._is_changed.clear()
                changed, self._changed = self._changed, {}
                self._subscribe(connection, changed) if has_changed else connection.send_command("PING")

    def _subscribe(self, connection: AbstractConnection, changed: Iterable[str]) -> None:
        watched = {channel for channel in changed if channel in self._callbacks}
        if new := watched - self._subscribed:
            self._subscribed |= new
            connection.send_command("SUBSCRIBE", *new)
        if old := {channel for channel in changed if channel not in watched and channel in self._subscribed}:
            self._subscribed -= old
            connection.send_command("UNSUBSCRIBE", *old)

    def _receive(self, connection: AbstractConnection) -> None:
        """Notify the watchers of each message, until the server closes the connection.

        A busy worker gets messages of hundreds of streams at once, so they are parsed without the client's layers.
        """
        reader = hiredis.Reader()
        connection._sock.settimeout(IDLE_TIMEOUT + CALL_TIMEOUT)
        while received := connection._sock.recv(65536):
            reader.feed(received)
            self._callbacks.notify(parse_channels(reader))
            self._retry_delay = MIN_RETRY_DELAY

    def close(self) -> None:
        """Stop listening. Idempotent."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.kill()


def parse_channels(reader: hiredis.Reader) -> Iterator[str]:
    """Yield the channels of the complete messages, and of the confirmed subscriptions.

    Args:
        reader: The parser, fed with what was received.

    Raises:
        ResponseError: the server refuses a subscription.
    """
    while (message := reader.gets()) is not False:
        if isinstance(message, hiredis.ReplyError):
            raise ResponseError(str(message))
        if isinstance(message, list) and message[0] in {b"message", b"subscribe"}:
            yield message[1].decode()
