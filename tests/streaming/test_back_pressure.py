"""Back pressure: a source runs ahead of its reader by the buffer's size at most, and no stream delays another."""

from __future__ import annotations

import gevent

from tests.streaming.stage import DONE, NARROW, Reader, Source, Stream, text
from tests.support.event_loop import settle, until


def test_a_stream_that_nobody_reads_fills_its_buffer_and_waits() -> None:
    stream = Stream(Source(*[text("x" * 60)] * 10), NARROW)
    until(lambda: stream.session.last_number)
    settle()
    assert len(stream.source.queue) == 9
    stream.session.cancel("stopped")
    until(lambda: stream.ends)


def test_a_source_never_runs_ahead_of_its_reader_by_more_than_the_buffer_and_one_piece() -> None:
    pieces = 50
    stream = Stream(Source(*[text("x" * 60)] * pieces, [DONE]), NARROW)
    ahead = []
    reader = Reader(stream.session, on_batch=lambda batch: (ahead.append(len(batch)), gevent.sleep(0)))
    assert len(reader.read()) == pieces + 2
    assert max(ahead) <= 3


def test_two_streams_move_on_side_by_side() -> None:
    order: list[str] = []
    streams = {name: Stream(Source()) for name in "ab"}
    readers = [
        Reader(stream.session, on_batch=lambda _, name=name: order.append(name)) for name, stream in streams.items()
    ]
    settle()
    for name, stream in streams.items():
        stream.source.give(*[text(name)] * 20, [DONE])
    for reader in readers:
        reader.read()
    assert 8 <= order[:20].count("a") <= 12
