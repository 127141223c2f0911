"""Decodes the body of a streamed response to events, for every provider whose API sends server-sent events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

import gevent
import httpx2

from ...core import sse
from ...core.errors import UpstreamError, UpstreamProtocolError
from ...core.events import Event
from ..http.exchange import HTTPExchange
from ..http.transport import EXCHANGE_EXTENSION
from .json_events import is_complete_json
from .opening_thoughts import OpeningThoughts

DRAIN_TIMEOUT = 0.25
"""Seconds to wait for the rest of the body once the answer is complete."""

MAX_BATCH_EVENTS = 2048
"""Events in one batch. A read of 64 KiB gives no more, unless one server-sent event contains many."""

MAX_DRAIN_BYTES = 65536
"""Bytes of the rest of the body that are read to keep the connection; beyond, the connection is closed."""


class StreamDecoder(Protocol):
    """Converts the server-sent events of one answer to events."""

    @property
    def is_done(self) -> bool:
        """Whether the upstream has completed the answer."""
        ...

    def read(self, frames: list[sse.ServerSentEvent], events: list[Event]) -> None:
        """Append the events in `frames` to `events`; if they complete the answer, its last events too.

        Raises:
            UpstreamError: the upstream reported an error, or its answer cannot be decoded.
        """
        ...

    def end(self) -> list[Event]:
        """Return the last events of the answer, since the body has ended.

        Raises:
            UpstreamError: the answer is not complete.
        """
        ...


class AnswerStream:
    """Reads the events of a response in batches, one for each network read; then reuses or closes the connection.

    A context manager, which closes the connection. It is no generator: each generator around a read that waits costs
    the stream memory meanwhile, and each batch time.

    Args:
        response: A streamed response of which nothing has been read. Only its exchange is kept.
        upstream: Names the upstream in messages.
        decoder: Decodes this one answer.
        thoughts: Separates the thoughts that open the answer from its text; None if the text stays as it is.

    Raises:
        UpstreamProtocolError: the response is no event stream.
    """

    __slots__ = ("_decoder", "_error", "_exchange", "_further", "_is_over", "_sse_decoder", "_thoughts", "_upstream")

    def __init__(
        self, response: httpx2.Response, upstream: str, decoder: StreamDecoder, thoughts: OpeningThoughts | None = None
    ) -> None:
        self._exchange = _event_stream_exchange(response, upstream)
        self._upstream, self._decoder, self._thoughts = upstream, decoder, thoughts
        self._sse_decoder = sse.SSEDecoder()
        self._further: Iterator[list[Event]] | None = None  # batches before the next read
        self._error: Exception | None = None  # raised after the last events before it
        self._is_over = False  # whether nothing is read after `_further`

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._exchange.close()

    def read(self) -> list[Event] | None:
        """Return the next events, and wait for them if none have arrived; None at the end.

        Raises:
            UpstreamError: the response reports an error, or is incomplete.
            httpx2.TransportError: the connection broke.
        """
        if self._thoughts is None:
            return self._read_batch()
        if self._error is not None:
            raise self._error
        try:
            events = self._read_batch()
        except Exception as error:  # noqa: BLE001  # raised by the next call
            # What has arrived is a part of the answer.
            self._error = error
            return self._thoughts.flush()
        if events is not None:
            events = self._thoughts.separate(events)
            if self._thoughts.is_over:
                self._thoughts = None
        return events

    def _read_batch(self) -> list[Event] | None:
        if self._further is not None:
            if (events := next(self._further, None)) is not None:
                return events
            self._further = None
        if self._decoder.is_done:
            _drain(self._exchange)
            return None
        if self._is_over:
            return None
        try:
            data = self._exchange.read()
        except httpx2.TransportError as error:
            return self._begin_end(_finish_despite(error, self._sse_decoder, self._decoder))
        if not data:
            return self._begin_end(final_batches(self._sse_decoder, self._decoder))
        return self._decode(data)

    def _decode(self, data: bytes) -> list[Event] | None:
        events: list[Event] = []
        try:
            self._decoder.read(self._sse_decoder.feed(data), events)
        except UpstreamError as error:
            return self._begin_end(_before_error(events, error))
        except sse.EventTooLargeError as error:
            raise UpstreamProtocolError(f"{self._upstream} broke off: {error}.") from error
        if len(events) <= MAX_BATCH_EVENTS:
            return events
        self._further = split_batch(events)
        return next(self._further)

    def _begin_end(self, batches: Iterator[list[Event]]) -> list[Event] | None:
        self._is_over, self._further = True, batches
        return next(batches, None)


def final_batches(sse_decoder: sse.SSEDecoder, decoder: StreamDecoder) -> Iterator[list[Event]]:
    """Yield the last events, at the end of the body. A last server-sent event that lacks only its blank line counts.

    Raises:
        UpstreamError: the answer is not complete.
    """
    frame = sse_decoder.flush()
    if frame is not None and is_complete_json(frame.data):
        events: list[Event] = []
        try:
            decoder.read([frame], events)
        except UpstreamError:
            yield from split_batch(events)
            raise
        yield from split_batch(events)
    if not decoder.is_done:
        yield from split_batch(decoder.end())


def split_batch(events: list[Event]) -> Iterator[list[Event]]:
    """Yield events in batches of limited size, so that other streams run in between: one frame may hold thousands."""
    if len(events) <= MAX_BATCH_EVENTS:
        yield events
        return
    for start in range(0, len(events), MAX_BATCH_EVENTS):
        yield events[start : start + MAX_BATCH_EVENTS]


def _before_error(events: list[Event], error: UpstreamError) -> Iterator[list[Event]]:
    # The deltas before the invalid event are part of the answer.
    yield from split_batch(events)
    raise error


def _finish_despite(
    error: httpx2.TransportError, sse_decoder: sse.SSEDecoder, decoder: StreamDecoder
) -> Iterator[list[Event]]:
    # Some servers break the connection instead of sending the end: after the finish reason the answer is complete.
    try:
        yield from final_batches(sse_decoder, decoder)
    except UpstreamProtocolError:
        raise error from None


def _event_stream_exchange(response: httpx2.Response, upstream: str) -> HTTPExchange:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    exchange: HTTPExchange = response.extensions[EXCHANGE_EXTENSION]
    if kind in {"text/html", "application/json"} or not exchange.is_decodable:
        response.close()
        what = kind if exchange.is_decodable else f"a body encoded as {exchange.coding:.50}"
        raise UpstreamProtocolError(f"{upstream} answered with {what} in place of an event stream. Check its base URL.")
    return exchange


def _drain(exchange: HTTPExchange) -> None:
    # A connection can be reused only if its response was read to the end.
    unread = 0
    with gevent.Timeout(DRAIN_TIMEOUT, exception=False), suppress(httpx2.TransportError):
        while unread < MAX_DRAIN_BYTES and (data := exchange.read()):
            unread += len(data)
