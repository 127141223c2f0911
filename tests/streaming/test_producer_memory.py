"""What a producer keeps while its source answers."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import gevent

from flask_headrace.core.events import Event
from flask_headrace.streaming import producer
from flask_headrace.streaming.reader import StreamReader
from flask_headrace.streaming.session import StreamSession
from tests.streaming.stage import CONTEXT, UNLIMITED, text


def test_a_source_that_has_begun_is_not_kept() -> None:
    def answer() -> Iterator[list[Event]]:
        yield text("one")
        gevent.sleep(10)

    def source() -> Iterator[list[Event]]:
        return answer()

    begun = weakref.ref(source)
    session = StreamSession(CONTEXT, UNLIMITED)
    reader = StreamReader(session)
    producer.start_producer(session, source, lambda _: None)
    del source
    next(reader)
    try:
        assert begun() is None
    finally:
        reader.close()
