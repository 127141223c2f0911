"""Decodes the body of a streamed response to events, for every provider whose API sends server-sent events."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from typing import Protocol

import gevent
import httpx2

from ...core import sse
from ...core.errors import UpstreamError, UpstreamProtocolError
from ...core.events import Event
from ..http.exchange import HTTPExchange
from ..http.transport import EXCHANGE_EXTENSION
from .json_events import is_complete_json

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


def decode_stream(
    response: httpx2.Response, upstream: str, decoder: StreamDecoder
) -> Generator[list[Event], None, None]:
    """Yield the events of a response in batches, one for each network read; then reuse or close the connection.

    Args:
        response: A streamed response of which nothing has been read.
        upstream: Names the upstream in messages.
        decoder: Decodes this one answer.

    Raises:
        UpstreamError: the response is no event stream, reports an error, or is incomplete.
        httpx2.TransportError: the connection broke.
    """
    exchange = _event_stream_exchange(response, upstream)
    # Free the SDK's request and response: only the exchange is needed.
    del response
    sse_decoder = sse.SSEDecoder()
    with closing(exchange):
        try:
            while data := exchange.read():
                events: list[Event] = []
                try:
                    decoder.read(sse_decoder.feed(data), events)
                except UpstreamError:
                    # The deltas before the invalid event are part of the answer.
                    yield from split_batch(events)
                    raise
                except sse.EventTooLargeError as error:
                    raise UpstreamProtocolError(f"{upstream} broke off: {error}.") from error
                yield from split_batch(events)
                if decoder.is_done:
                    return _drain(exchange)
        except httpx2.TransportError as error:
            yield from _finish_despite(error, sse_decoder, decoder)
        else:
            yield from final_batches(sse_decoder, decoder)


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
