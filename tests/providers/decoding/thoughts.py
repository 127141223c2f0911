"""Texts cut into deltas, and what of their thoughts and text is told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from flask_headrace.core.events import Completed, Event, ReasoningDelta, TextDelta, Usage
from flask_headrace.providers.decoding.opening_thoughts import OpeningThoughts

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
