"""The buffer of one stream's events, by number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.core.application_events import Data, OmittedEvent
from flask_headrace.core.errors import ResumptionLost
from flask_headrace.core.events import Event, ProviderEvent, TextDelta
from flask_headrace.streaming.buffer import EVENT_OVERHEAD, EventBuffer, text_size
from tests.streaming.stage import text

WORDS = text(*"abcdefghij")


def filled() -> EventBuffer:
    buffer = EventBuffer()
    buffer.add(WORDS, text_size(WORDS))
    return buffer


@pytest.mark.parametrize(
    ("number", "max_events", "expected"), [(0, 99, 10), (0, 3, 3), (4, 99, 6), (9, 99, 1), (10, 99, 0)]
)
def test_gives_what_comes_after_a_number(number: int, max_events: int, expected: int) -> None:
    assert filled().after(number, max_events) == WORDS[number : number + expected]


def test_forgets_up_to_a_number_and_keeps_the_numbers() -> None:
    buffer = filled()
    buffer.discard(4)
    assert buffer.last_number == 10
    assert buffer.after(4, 99) == WORDS[4:]
    assert buffer.size == 6 * (1 + EVENT_OVERHEAD)
    buffer.discard(2)
    assert buffer.after(4, 99) == WORDS[4:]
    buffer.discard(10)
    assert (buffer.after(10, 99), buffer.size) == ([], 0)


@pytest.mark.parametrize("number", [0, 4, 10])
def test_takes_what_comes_after_a_number_and_goes_on_with_the_numbers(number: int) -> None:
    buffer = filled()
    assert buffer.pop_after(number) == WORDS[number:]
    assert (buffer.size, buffer.last_number) == (0, 10)
    buffer.add(text("k"), 1)
    assert buffer.after(10, 99) == text("k")


def test_gives_no_part_for_the_whole_where_something_is_forgotten() -> None:
    buffer = filled()
    buffer.discard(4)
    for ask in (lambda: buffer.pop_after(3), lambda: buffer.after(0, 99)):
        with pytest.raises(ResumptionLost):
            ask()


def test_counts_bytes_and_not_characters() -> None:
    assert text_size(text("ü", "€", "x")) == 6


@given(st.lists(st.one_of(st.integers(1, 5), st.integers(-30, 0))))
def test_what_is_not_forgotten_is_what_was_added(steps: list[int]) -> None:
    buffer, model, forgotten = EventBuffer(), list[Event](), 0
    for step in steps:
        if step > 0:
            events: list[Event] = [TextDelta("x" * (len(model) + n)) for n in range(step)]
            buffer.add(events, text_size(events))
            model += events
        else:
            buffer.discard(min(-step, len(model)))
            forgotten = max(forgotten, min(-step, len(model)))
        assert buffer.last_number == len(model)
        assert buffer.after(forgotten, 10**6) == model[forgotten:]
        assert buffer.size == text_size(model[forgotten:]) + EVENT_OVERHEAD * len(model[forgotten:])


def test_what_only_a_provider_sends_counts_too() -> None:
    buffer = EventBuffer()
    found = [ProviderEvent("anthropic", "block", "x" * 1000), *WORDS]
    buffer.add(found, text_size(found))
    assert buffer.size == 1000 + text_size(WORDS) + EVENT_OVERHEAD * len(found)
    buffer.discard(1)
    assert buffer.size == text_size(WORDS) + EVENT_OVERHEAD * len(WORDS)


class TestTransientData:
    NOW, KEPT = Data("a", "now", transient=True), Data("a", "kept")

    def test_is_omitted_for_readers_for_whom_it_is_old(self) -> None:
        buffer = EventBuffer()
        buffer.add([self.NOW, self.KEPT, self.NOW], 0)
        assert buffer.after(0, 9) == [self.NOW, self.KEPT, self.NOW]
        assert buffer.after(0, 9, 2) == [OmittedEvent(), self.KEPT, self.NOW]
        assert buffer.after(1, 9, 3) == [self.KEPT, OmittedEvent()]

    def test_takes_no_room_once_all_have_read_it(self) -> None:
        buffer = EventBuffer()
        buffer.add([self.NOW, self.KEPT, self.NOW], 0)
        size = buffer.size
        buffer.release(2, is_replayed=True)
        assert buffer.after(0, 9) == [OmittedEvent(), self.KEPT, self.NOW]
        assert buffer.size < size
        buffer.release(3, is_replayed=False)
        assert (buffer.after(3, 9), buffer.size) == ([], 0)
