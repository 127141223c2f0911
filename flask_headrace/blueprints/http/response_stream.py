"""The stream of one HTTP response: it reads events, encodes them, and watches the client's socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import gevent
from flask import request

from ...core.errors import HeadraceError
from ...core.events import TERMINAL_EVENTS, Event, Failed
from ...providers.http.hub_local import destroy_hub_with_thread
from ...streaming.internal_error import log_internal_error
from ...streaming.reader import StreamReader
from ..encoding.base import AbortConnection, StreamEncoder
from ..encoding.event_id import event_id_suffix
from .disconnect import DisconnectWatcher
from .event_loop import REPORT_TIMEOUT, is_patched, is_test_request
from .request_streams import close_with_request

MAX_CHUNK_BYTES = 65536
"""Maximum bytes per chunk. The client must accept each chunk within its timeout."""


class ResponseStream:
    """One client's stream of bytes: a reader, an encoder, and a watcher of the client's socket. `close` is idempotent.

    Must be created in the request's context; it is closed with the request's response at the latest. Creating it closes
    the reader if the socket is already closed.

    Args:
        reader: The reader of the stream.
        encoder: The encoder of the response's protocol.

    Attributes:
        session: The stream.
        id_suffix: The bytes after each event number; see `event_id_suffix`.
        watcher: The watcher of the client's socket.
        is_finished: Whether the terminal event has been encoded.
        is_closed: Whether `close` was called.
    """

    __slots__ = (
        "_is_broken",  # whether the bytes of an error were the last ones
        "_waits_for_report",
        "encoder",
        "id_suffix",
        "is_closed",
        "is_finished",
        "reader",
        "session",
        "watcher",
    )

    def __init__(self, reader: StreamReader, encoder: StreamEncoder) -> None:
        self.encoder, self.is_finished, self.is_closed, self._is_broken = encoder, False, False, False
        self.session = reader.session
        self.id_suffix = event_id_suffix(reader.session.context.incarnation)
        self.reader = reader
        environ = request.environ
        self._waits_for_report = not is_patched() or is_test_request()
        if self._waits_for_report:
            # The loop has stood still since the last request, and timers would count from then.
            gevent.get_hub().loop.update_now()
        destroy_hub_with_thread()
        try:
            self.watcher = DisconnectWatcher(environ, self.reader.close)
        except BaseException:
            # A closed socket cannot be watched. Without closing the reader, its stream would run on for nobody.
            self.reader.close()
            raise
        self.watcher.set_timeouts(self.session.limits.client)
        self.reader.on_stall = self.watcher.shut_down
        close_with_request(environ, self)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A streamed answer cannot be stored, because it is not complete. For Flask-Caching's `cached`, pass "
            "response_filter=lambda response: not response.is_streamed."
        )

    def require_open(self) -> None:
        """Return if the stream can be sent.

        Raises:
            RuntimeError: the stream was closed, because its request has ended.
        """
        if self.is_closed:
            raise RuntimeError(
                "The body of a streamed response is read after its request has ended: call Headrace.stream or "
                "stream_from in each request."
            )

    def read(self) -> bytes | None:
        """Return the bytes of the next events, and wait for them; None at the end.

        Raises:
            AbortConnection: the protocol cannot continue, and the connection must be broken.
        """
        if self._is_broken:
            return None
        try:
            events = self.reader.read()
            return None if events is None else self.encode(events)
        except HeadraceError as error:
            self.is_finished = self._is_broken = True
            return self.encoder.encode([Failed(error.code, error.message, error.retryable)], None)

    def encode(self, events: list[Event]) -> bytes:
        """Return the bytes of the events that the reader has just returned; those of a heartbeat for an empty list.

        Raises:
            AbortConnection: the protocol cannot continue, and the connection must be broken.
            HeadraceError: the encoder has a bug. The stream has failed with this error.
        """
        reader = self.reader
        first = reader.position - len(events) + 1 if reader.is_numbered else None
        try:
            frames = self.encoder.encode(events, first, self.id_suffix)
        except AbortConnection:
            raise
        except Exception as error:
            internal_error = log_internal_error(reader.session.id, error)
            reader.session.fail(internal_error)
            raise internal_error from error
        self.is_finished = bool(events) and type(events[-1]) in TERMINAL_EVENTS
        return frames

    def split(self, frames: bytes) -> Iterator[bytes]:
        """Yield the bytes of many events in chunks of at most `MAX_CHUNK_BYTES`."""
        for start in range(0, len(frames), MAX_CHUNK_BYTES):
            yield frames[start : start + MAX_CHUNK_BYTES]
            self.reader.mark_progress()

    def mark_sent(self) -> None:
        """Record that the client has accepted all events that were encoded, though the reader is not asked for more."""
        if self.session.recording is not None:
            self.session.recording.mark_sent()

    def close(self) -> None:
        """Give up the socket and close the reader; in a thread's own loop, and in a test, wait for the report."""
        self.is_closed = True
        self.watcher.give_up()
        self.reader.close()
        if self._waits_for_report:
            self._wait_for_report()

    def _wait_for_report(self) -> None:
        # Each thread has an event loop of its own here (Flask's development server, a test client). That loop runs only
        # while the thread waits, so the stream must end before the thread does. A resumable stream goes on in the next
        # request of a test client.
        session = self.session
        with gevent.Timeout(REPORT_TIMEOUT, False):
            while session.pending_terminal is not None and not session.is_reported:
                gevent.sleep(0.001)
