"""The memory for large bodies: what counts, for whom, and until when."""

from __future__ import annotations

import pytest

from flask_headrace.blueprints.body_memory import BodyMemory, close_at_first_event
from flask_headrace.core.body_errors import BodyLimitExceeded
from flask_headrace.core.events import Completed, TextDelta


def test_all_owners_together_have_a_limit() -> None:
    memory = BodyMemory(10, 4)
    held = [memory.reserve(name) for name in "abc"]
    for reservation in held[:2]:
        reservation.grow_to(4)
    with pytest.raises(BodyLimitExceeded, match="10 bytes") as refused:
        held[2].grow_to(3)
    assert (refused.value.status, refused.value.retry_after, memory.total) == (503, 2, 8)
    held[0].close()
    held[0].close()
    held[2].grow_to(3)
    assert memory.total == 7


def test_one_owner_may_take_half() -> None:
    memory = BodyMemory(10, 4)
    first, second = memory.reserve("alice"), memory.reserve("alice")
    first.grow_to(4)
    with pytest.raises(BodyLimitExceeded, match="5 bytes") as refused:
        second.grow_to(2)
    assert refused.value.status == 429
    memory.reserve("bob").grow_to(4)
    second.grow_to(1)


def test_everybody_together_is_no_owner() -> None:
    memory = BodyMemory(10, 4)
    held = [memory.reserve("") for _ in range(2)]
    for reservation in held:
        reservation.grow_to(4)
    assert memory.total == 8


def test_one_body_always_fits() -> None:
    memory = BodyMemory(1, 100)
    memory.reserve("alice").grow_to(100)
    assert memory.total == 100


def test_a_reservation_ends_with_the_first_event_and_the_source_is_closed() -> None:
    memory = BodyMemory(10, 10)
    reservation = memory.reserve("")
    reservation.grow_to(5)
    closed = []

    def source():
        try:
            yield [TextDelta("a")]
            yield [Completed("stop")]
        finally:
            closed.append(True)

    batches = close_at_first_event(source, reservation)()
    assert memory.total == 5
    assert next(batches) == [TextDelta("a")]
    assert (memory.total, closed) == (0, [])
    batches.close()
    assert closed
