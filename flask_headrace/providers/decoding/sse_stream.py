"""The way of a streamed response's bytes to events, for every provider that answers with an event stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Protocol

import gevent
import httpx2

from ...core import sse
from ...core.errors import UpstreamError, UpstreamProtocolError
from ...core.events import Event
from ..http.exchange import HTTPExchange
from ..http.transport import EXCHANGE_EXTENSION
from .json_events import is_whole

DRAIN_LIMIT = 0.25
"""Seconds to wait for the rest of a body whose answer is over."""

MOST_AT_ONCE = 2048
"""Events of one list; a read of 64 KiB has no more of them, unless one frame holds many."""

MOST_UNREAD = 65536
"""Bytes of that rest that are worth reading."""


class Decoder(Protocol):
    """Reads the frames of one answer."""

    @property
    def is_done(self) -> bool:
        """Whether the upstream has said that the answer is over."""
        ...

    def read(self, frames: list[sse.ServerSentEvent], events: list[Event]) -> None:
        """Append the events in `frames`; with `is_done`, the last ones too. Raises UpstreamError."""
        ...

    def end(self) -> list[Event]:
        """Return the last events, at the end of the body. Raises UpstreamError if the answer is not whole."""
        ...


def events_of(response: httpx2.Response, upstream: str, decoder: Decoder) -> Iterator[list[Event]]:
    """Yield the events of a response, one list for each read from the network, then see to its connection.

    Args:
        response: A response whose body was not read yet.
        upstream: How messages name the upstream.
        decoder: Reads the frames.

    Raises:
        UpstreamError: the answer is not one, or broke off.
        httpx2.TransportError: the connection broke.
    """
    exchange = _exchange_of(response, upstream)
    # Only the exchange is needed from here on: the SDK's request and response may go.
    del response
    frames = sse.SSEDecoder()
    with closing(exchange):
        try:
            while data := exchange.read():
                events: list[Event] = []
                try:
                    decoder.read(frames.feed(data), events)
                except UpstreamError:
                    # The deltas before the bad frame are part of the answer.
                    yield from in_turns(events)
                    raise
                except sse.FrameTooLargeError as error:
                    raise UpstreamProtocolError(f"{upstream} broke off: {error}.") from error
                yield from in_turns(events)
                if decoder.is_done:
                    return _drain(exchange)
        except httpx2.TransportError as error:
            yield from _end_in_spite_of(error, frames, decoder)
        else:
            yield from end_of(frames, decoder)


def end_of(frames: sse.SSEDecoder, decoder: Decoder) -> Iterator[list[Event]]:
    """Yield the last events, at the end of the body: first those of a last frame that lacks no more than its line end.

    Raises:
        UpstreamError: the answer is not whole.
    """
    frame = frames.rest()
    if frame is not None and is_whole(frame.data):
        events: list[Event] = []
        try:
            decoder.read([frame], events)
        except UpstreamError:
            yield from in_turns(events)
            raise
        yield from in_turns(events)
    if not decoder.is_done:
        yield from in_turns(decoder.end())


def in_turns(events: list[Event]) -> Iterator[list[Event]]:
    """Yield events in lists after each of which others may have their turn: one frame may hold tens of thousands."""
    if len(events) <= MOST_AT_ONCE:
        yield events
        return
    for start in range(0, len(events), MOST_AT_ONCE):
        yield events[start : start + MOST_AT_ONCE]


def _end_in_spite_of(error: httpx2.TransportError, frames: sse.SSEDecoder, decoder: Decoder) -> Iterator[list[Event]]:
    # Some servers hang up where their last frame should stand: behind the finish reason nothing is missing.
    try:
        yield from end_of(frames, decoder)
    except UpstreamProtocolError:
        raise error from None


def _exchange_of(response: httpx2.Response, upstream: str) -> HTTPExchange:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    exchange: HTTPExchange = response.extensions[EXCHANGE_EXTENSION]
    if kind in {"text/html", "application/json"} or not exchange.is_decodable:
        response.close()
        what = kind if exchange.is_decodable else f"a body encoded as {exchange.coding:.50}"
        raise UpstreamProtocolError(f"{upstream} answered with {what} in place of an event stream. Check its base URL.")
    return exchange


def _drain(exchange: HTTPExchange) -> None:
    # To the end of the body, where it comes soon: only then can the connection be used again.
    unread = 0
    with gevent.Timeout(DRAIN_LIMIT, exception=False), suppress(httpx2.TransportError):
        while unread < MOST_UNREAD and (data := exchange.read()):
            unread += len(data)
