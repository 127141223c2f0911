"""The event sequences of the tests contain every kind of event: a new kind that they lacked would be tested nowhere."""

from __future__ import annotations

from hypothesis import given, settings

from flask_headrace.core.events import Event
from tests.support.event_sequences import answers


def test_every_kind_of_event_is_drawn() -> None:
    drawn: set[type[Event]] = set()

    @settings(max_examples=100, database=None, derandomize=True)
    @given(answers())
    def draw(events: list[Event]) -> None:
        drawn.update(type(event) for event in events)

    draw()
    assert drawn == set(Event.__subclasses__())
