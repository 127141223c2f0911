"""Hears from Redis what any process has changed: one connection for all watches of this process.

It subscribes to a channel for each stream that is watched, and to all of them again after the connection was lost. The
server confirms each subscription, and the confirmation wakes too: what was missed until then is looked up.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Iterator
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
"""Seconds of silence after which the server is asked whether it is there."""

MIN_RETRY_DELAY, MAX_RETRY_DELAY = 0.05, 2.0
"""Seconds between two attempts to connect: at first, and at most."""

CONNECTION_ERRORS = (RedisError, OSError, hiredis.HiredisError)


class PubSubListener:
    """The watches of one process on channels of one server.

    Whoever begins or ends a watch does not wait for the server: what it is to be told is noted, and one greenlet tells.
    """

    def __init__(self, link: RedisConnectionPool) -> None:
        self._link = link
        self._watches = ChangeNotifier(on_first=self._note, on_last=self._note)
        self._changed: dict[str, None] = {}
        self._is_changed = Flag()
        self._subscribed: set[str] = set()
        self._connection: Any = None
        self._listening: gevent.Greenlet | None = None
        self._pause = MIN_RETRY_DELAY
        self._complaint = ""
        link.on_move = self._go_there

    def add(self, channel: str, wake: Callback) -> Callback:
        """Call `wake` at each message; return what ends that."""
        return self._watches.add(channel, wake)

    def _note(self, channel: str) -> None:
        """Have the server told that a channel is watched, or is not any more."""
        if self._listening is None:
            self._listening = gevent.spawn(self._listen_on)
        self._changed[channel] = None
        self._is_changed.set()

    def _go_there(self) -> None:
        # The server that was there so far may not know yet that it is not the one any more, and be silent for ever.
        connection = self._connection
        if connection is not None and connection._sock is not None:
            with suppress(OSError):
                connection._sock.shutdown(socket.SHUT_RDWR)

    def _listen_on(self) -> None:
        while True:
            try:
                self._listen()
            except ResponseError as error:
                self._complain(redacted_message(error))
            except CONNECTION_ERRORS:
                pass  # whoever uses the store is told; what is missed meanwhile is looked up
            gevent.sleep(self._pause * random.uniform(0.5, 1.0))  # noqa: S311
            self._pause = min(self._pause * 2, MAX_RETRY_DELAY)

    def _complain(self, what: str) -> None:
        if what != self._complaint:
            log.warning("Streams are noticed late or not at all: %s cannot be listened to: %s.", self._link, what)
        self._complaint = what

    def _listen(self) -> None:
        connection = self._link.make_connection()
        telling: gevent.Greenlet | None = None
        try:
            connection.connect()
            self._subscribed = set()
            self._changed = dict.fromkeys(self._watches.ids)
            self._is_changed.set()
            self._connection = connection
            telling = gevent.spawn(self._tell_on, connection)
            self._hear(connection)
        finally:
            self._connection = None
            if telling is not None:
                telling.kill()
            connection.disconnect()

    def _tell_on(self, connection: AbstractConnection) -> None:
        """Tell the server of what is watched, and ask it whether it is there where it has been silent."""
        with suppress(*CONNECTION_ERRORS):  # it is heard as well
            while True:
                is_news = self._is_changed.wait(IDLE_TIMEOUT)
                self._is_changed.clear()
                changed, self._changed = self._changed, {}
                self._tell(connection, changed) if is_news else connection.send_command("PING")

    def _tell(self, connection: AbstractConnection, changed: Iterable[str]) -> None:
        watched = {channel for channel in changed if channel in self._watches}
        if new := watched - self._subscribed:
            self._subscribed |= new
            connection.send_command("SUBSCRIBE", *new)
        if old := {channel for channel in changed if channel not in watched and channel in self._subscribed}:
            self._subscribed -= old
            connection.send_command("UNSUBSCRIBE", *old)

    def _hear(self, connection: AbstractConnection) -> None:
        """Wake whoever a message is for, until the connection is at its end.

        A busy worker hears of hundreds of streams at once, so they are read without the client's layers.
        """
        reader = hiredis.Reader()
        connection._sock.settimeout(IDLE_TIMEOUT + CALL_TIMEOUT)
        while heard := connection._sock.recv(65536):
            reader.feed(heard)
            self._watches.notify(parse_channels(reader))
            self._pause = MIN_RETRY_DELAY

    def close(self) -> None:
        """Hear no more. May be called twice."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.kill()


def parse_channels(reader: hiredis.Reader) -> Iterator[str]:
    """Return the channels of the messages that have arrived whole, and of subscriptions that were confirmed.

    Raises:
        ResponseError: the server refuses to tell.
    """
    while (message := reader.gets()) is not False:
        if isinstance(message, hiredis.ReplyError):
            raise ResponseError(str(message))
        if isinstance(message, list) and message[0] in {b"message", b"subscribe"}:
            yield message[1].decode()
