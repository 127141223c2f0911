"""Hears from Redis what any process has changed: one connection for all watches of this process.

It subscribes to a channel for each stream that is watched, and to all of them again after the connection was lost. The
server confirms each subscription, and the confirmation wakes too: what was missed until then is looked up.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gevent
import hiredis
from gevent.lock import Semaphore
from redis.connection import AbstractConnection
from redis.exceptions import RedisError

from .redis_link import PATIENCE, RedisLink
from .watches import Wake, Watches

QUIET = 5.0
"""Seconds of silence after which the server is asked whether it is there."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between two attempts to connect: at first, and at most."""

TROUBLE = (RedisError, OSError, hiredis.HiredisError)


class RedisWatch:
    """The watches of one process on channels of one server."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._watches = Watches(on_first=self._subscribe, on_last=self._unsubscribe)
        self._connection: Any = None
        self._writing = Semaphore()
        self._listening: gevent.Greenlet | None = None
        self._pause = FIRST_PAUSE

    def add(self, channel: str, wake: Wake) -> Wake:
        """Call `wake` at each message; return what ends that."""
        return self._watches.add(channel, wake)

    def _subscribe(self, channel: str) -> None:
        if self._listening is None:
            self._listening = gevent.spawn(self._listen_on)
        self._say("SUBSCRIBE", channel)

    def _unsubscribe(self, channel: str) -> None:
        self._say("UNSUBSCRIBE", channel)

    def _say(self, *command: str) -> None:
        """Send a command; one that does not get through is made up for with the next connection."""
        connection = self._connection
        if connection is not None:
            with self._writing, suppress(*TROUBLE):
                if self._connection is connection:
                    connection.send_command(*command)

    def _listen_on(self) -> None:
        while True:
            with suppress(*TROUBLE):
                self._listen()
            gevent.sleep(self._pause * random.uniform(0.5, 1.0))  # noqa: S311
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _listen(self) -> None:
        connection = self._link.make()
        try:
            connection.connect()
            with self._writing:
                self._connection = connection
                if channels := self._watches.ids:
                    connection.send_command("SUBSCRIBE", *channels)
            self._pause = FIRST_PAUSE
            self._hear(connection)
        finally:
            self._connection = None
            connection.disconnect()

    def _hear(self, connection: AbstractConnection) -> None:
        """Wake whoever a message is for, until the connection is at its end.

        A busy worker hears of hundreds of streams at once, so they are read without the client's layers.
        """
        reader = hiredis.Reader()
        while heard := self._receive(connection):
            reader.feed(heard)
            self._watches.wake(channels(reader))

    def _receive(self, connection: AbstractConnection) -> bytes:
        """Return what has arrived; ask whether the server is there where nothing does."""
        for limit in (QUIET, PATIENCE):
            if connection._sock is None:
                break
            connection._sock.settimeout(limit)
            with suppress(TimeoutError):
                heard: bytes = connection._sock.recv(65536)
                return heard
            self._say("PING")
        return b""

    def close(self) -> None:
        """Hear no more. May be called twice."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.kill()


def channels(reader: hiredis.Reader) -> Iterator[str]:
    """Return the channels of the messages that have arrived whole, and of subscriptions that were confirmed."""
    while (message := reader.gets()) is not False:
        if isinstance(message, list) and message[0] in {b"message", b"subscribe"}:
            yield message[1].decode()
