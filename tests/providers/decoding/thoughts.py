"""Texts cut into deltas, and what of their thoughts and text is told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import httpx2

from flask_headrace.core.errors import UpstreamProtocolError
from flask_headrace.core.events import Completed, Event, ReasoningDelta, TextDelta, Usage
from flask_headrace.providers.decoding.opening_thoughts import OpeningThoughts
from flask_headrace.providers.decoding.sse_stream import AnswerStream
from flask_headrace.providers.http.transport import EXCHANGE_EXTENSION

END: list[Event] = [Usage(1, 1), Completed("stop")]


def cuts(text: str, most: int = 2) -> Iterator[list[str]]:
    """Yield the pieces of a text that is cut at up to `most` places, and those of one character each."""
    for count in range(most + 1):
        for places in itertools.combinations(range(1, len(text)), count):
            yield [text[start:end] for start, end in itertools.pairwise([0, *places, len(text)])]
    yield list(text)


def separate(thoughts: OpeningThoughts, *pieces: str | Event) -> list[Event]:
    events = [
        event
        for piece in pieces
        for event in thoughts.separate([TextDelta(piece) if isinstance(piece, str) else piece])
    ]
    return events + thoughts.separate(END)


def told(events: list[Event]) -> tuple[str, str]:
    """Return the reasoning and the text; no delta is empty, no text comes before reasoning, and the end is the last."""
    deltas, last = events[:-2], events[-2:]
    assert last == END
    assert all(event.text for event in deltas)
    assert [type(event) for event in deltas] == sorted(
        (type(event) for event in deltas), key=[ReasoningDelta, TextDelta].index
    )
    return tuple("".join(e.text for e in deltas if type(e) is kind) for kind in (ReasoningDelta, TextDelta))  # type: ignore[return-value]


class _Exchange:
    """The body of a response: each read is one batch of events; then the connection breaks, or the body ends."""

    coding, is_decodable = "", True

    def __init__(self, batches: Sequence[list[Event]], error: Exception | None) -> None:
        self._reads, self._error = [b"data: 1\n\n"] * len(batches), error

    def read(self) -> bytes:
        if self._reads:
            return self._reads.pop()
        if self._error is not None:
            raise self._error
        return b""

    def close(self) -> None:
        pass


class _Decoder:
    def __init__(self, batches: Sequence[list[Event]]) -> None:
        self._batches, self._read = list(batches), list[Event]()

    @property
    def is_done(self) -> bool:
        return END[-1] in self._read

    def read(self, _frames: object, events: list[Event]) -> None:
        self._read += self._batches[0]
        events += self._batches.pop(0)

    def end(self) -> list[Event]:
        raise UpstreamProtocolError("the answer is not complete")


def answer_stream(
    *batches: list[Event], thoughts: OpeningThoughts | None, error: httpx2.TransportError | None = None
) -> AnswerStream:
    """An answer that arrives in these batches; then its connection breaks with `error`, or its body ends."""
    response = httpx2.Response(200, extensions={EXCHANGE_EXTENSION: _Exchange(batches, error)})
    return AnswerStream(response, "acme", _Decoder(batches), thoughts)


def read_batches(answer: AnswerStream) -> Iterator[list[Event]]:
    """Yield the batches of an answer that are not empty."""
    while (events := answer.read()) is not None:
        if events:
            yield events
