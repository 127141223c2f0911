"""All streams of one worker: their number, and their end when the worker shuts down."""

from __future__ import annotations

import gevent
import pytest

from flask_headrace.core.errors import ShuttingDown, StreamLimitExceeded
from flask_headrace.core.events import terminal_reason
from flask_headrace.streaming.registry import StreamRegistry
from flask_headrace.streaming.session import StreamSession
from tests.streaming.stage import CONTEXT, DONE, UNLIMITED, Reader, Source, text
from tests.support.event_loop import settle, until


def streams(most: int = 10, **callbacks) -> StreamRegistry:
    return StreamRegistry(
        UNLIMITED,
        most,
        on_start=callbacks.get("on_start", lambda _: None),
        on_end=callbacks.get("on_end", lambda _: None),
        after_end=callbacks.get("after_end", lambda _: None),
    )


class TestOpen:
    def test_counts_those_that_are_open(self) -> None:
        many = streams()
        first, second = (many.open(CONTEXT, Source()) for _ in range(2))
        assert len(many) == 2
        assert repr(many) == "<StreamRegistry 2 of 10 open>"
        first.cancel("stopped")
        until(lambda: len(many) == 1)
        second.cancel("stopped")
        until(lambda: len(many) == 0)

    def test_refuses_one_too_many_and_says_when_to_come_again(self) -> None:
        many = streams(most=2)
        opened = [many.open(CONTEXT, Source()) for _ in range(2)]
        with pytest.raises(StreamLimitExceeded, match="All 2 streams") as refused:
            many.open(CONTEXT, Source())
        assert (refused.value.status, refused.value.retry_after) == (503, 2)
        opened[0].cancel("stopped")
        until(lambda: len(many) == 1)
        many.open(CONTEXT, Source())

    def test_tells_of_the_stream_before_its_source_is_asked(self) -> None:
        source, asked = Source(), []
        streams(on_start=lambda _: (gevent.sleep(0.005), asked.append(source.asked))).open(CONTEXT, source)
        until(lambda: source.asked)
        assert asked == [0]

    def test_leaves_nothing_open_where_telling_of_it_fails(self) -> None:
        ended: list[StreamSession] = []

        def fail(_session: StreamSession) -> None:
            raise ZeroDivisionError

        many, source = streams(on_start=fail, on_end=ended.append), Source()
        with pytest.raises(ZeroDivisionError):
            many.open(CONTEXT, source)
        until(lambda: len(many) == 0)
        assert source.asked == 0
        assert [terminal_reason(session.terminal) for session in ended] == ["stopped"]


class TestEnd:
    def test_is_told_once_and_then_the_stream_is_gone(self) -> None:
        ended: list[StreamSession] = []
        many = streams(on_end=ended.append)
        session = many.open(CONTEXT, Source([DONE]))
        until(lambda: len(many) == 0)
        assert ended == [session]

    def test_counts_as_open_until_it_was_told(self) -> None:
        gate = gevent.event.Event()
        many = streams(on_end=lambda _: gate.wait())
        session = many.open(CONTEXT, Source([DONE]))
        until(lambda: session.terminal)
        settle()
        assert len(many) == 1
        gate.set()
        until(lambda: len(many) == 0)

    def test_frees_the_place_also_where_telling_of_it_fails(self, monkeypatch) -> None:
        monkeypatch.setattr(gevent.get_hub(), "handle_error", lambda *_: None)

        def fail(_session: StreamSession) -> None:
            raise ZeroDivisionError

        many = streams(on_end=fail)
        many.open(CONTEXT, Source([DONE]))
        until(lambda: len(many) == 0)


class TestDrain:
    def test_of_nothing_returns_at_once(self) -> None:
        with gevent.Timeout(1):
            assert streams().drain(60) == 0

    def test_returns_as_soon_as_the_last_stream_has_finished(self) -> None:
        many, source = streams(), Source(text("x"))
        reader = Reader(many.open(CONTEXT, source))
        gevent.spawn_later(0.02, source.give, [DONE])
        with gevent.Timeout(5):
            assert many.drain(60) == 0
        assert reader.read()[-1] == DONE

    def test_ends_those_that_are_not_finished_in_time(self) -> None:
        many, sources = streams(), [Source(text("x")), Source()]
        readers = [Reader(many.open(CONTEXT, source)) for source in sources]
        assert many.drain(0.05) == 2
        assert len(many) == 0
        for reader, source in zip(readers, sources, strict=True):
            failed = reader.read()[-1]
            assert (failed.code, failed.retryable) == ("shutting_down", True)
            assert source.closed == 1

    def test_waits_until_each_end_was_told(self) -> None:
        reported: list[str] = []
        many = streams(on_end=lambda session: (gevent.sleep(0.05), reported.append(terminal_reason(session.terminal))))
        Reader(many.open(CONTEXT, Source()))
        many.drain(0.01)
        assert reported == ["shutting_down"]

    def test_lets_no_new_stream_begin(self) -> None:
        many, source = streams(), Source()
        reader = Reader(many.open(CONTEXT, source))
        draining = gevent.spawn(many.drain, 5)
        settle()
        assert repr(many) == "<StreamRegistry 1 of 10 open, closing>"
        with pytest.raises(ShuttingDown) as refused:
            many.open(CONTEXT, Source())
        assert (refused.value.status, refused.value.retry_after) == (503, 1)
        source.give([DONE])
        assert draining.get(timeout=5) == 0
        assert reader.read()[-1] == DONE
