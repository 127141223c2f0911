"""Events that are written to a store that is away, slow, or executes calls without an answer."""

from __future__ import annotations

import gevent
import msgspec
import pytest

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.core.events import Cancelled, Completed, Failed
from flask_headrace.streaming import disconnect_grace
from flask_headrace.streaming.resume import write_queue
from tests.streaming.resume.workers import QUIET, Away, Worker, is_finished, stored_events
from tests.streaming.stage import DONE, Source, text
from tests.support.event_loop import until

pytestmark = pytest.mark.usefixtures("short_intervals")


class TestStoreThatIsAway:
    def test_lets_a_stream_go_on_for_its_reader_and_has_all_of_it_when_it_is_back(self, store: Away) -> None:
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        store.is_away = True
        for number in range(5):
            source.give(text(str(number)))
            until(lambda n=number: reading.last == n + 3)
            gevent.sleep(0.03)
        source.give([DONE])
        assert reading.read()[-1] == DONE
        store.is_away = False
        until(lambda: is_finished(store, reading.id))
        assert stored_events(store, reading.id) == reading.events
        assert worker.begin(Source(text("new"), [DONE])).read()[-1] == DONE

    def test_has_each_event_once_also_where_it_took_some_without_saying_so(self, store: Away) -> None:
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        store.is_away = store.fails_after_execution = True
        for number in range(20):
            source.give(text(str(number)))
            gevent.sleep(0.01)
        store.is_away = False
        source.give([DONE])
        assert reading.read()[-1] == DONE
        until(lambda: is_finished(store, reading.id))
        assert stored_events(store, reading.id) == reading.events

    def test_for_too_long_ends_the_keeping_and_is_told_when_it_is_back(
        self, store: Away, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(write_queue, "STORE_OUTAGE_TIMEOUT", 0.2)
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        store.is_away = True
        source.give(text("b"))
        until(lambda: not reading.reader.session.is_stored)
        store.is_away = False
        until(lambda: is_finished(store, reading.id))
        assert stored_events(store, reading.id)[-1].code == "not_resumable"
        source.give(text("c"), [DONE])
        assert reading.read()[-1] == DONE

    def test_ends_a_stream_that_nobody_reads(self, store: Away, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(disconnect_grace, "POLL_INTERVAL", 0.05)
        worker, source = Worker(store, msgspec.structs.replace(QUIET, grace=0.2)), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        session = reading.reader.session
        reading.leave()
        store.is_away = True
        source.give(text("b"))
        until(lambda: session.terminal == Cancelled("reader_left"))

    def test_that_has_written_without_saying_so_has_one_end(self, store: Away) -> None:
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        store.is_away = store.fails_after_execution = True
        source.give(text("b"), [DONE])
        assert reading.read()[-1] == DONE
        gevent.sleep(0.2)
        store.is_away = False
        until(lambda: is_finished(store, reading.id) and not worker.store_writer.pending)
        ends = [event for event in stored_events(store, reading.id) if isinstance(event, (Completed, Failed))]
        assert len(ends) == 1

    def test_opens_no_new_stream_and_does_when_it_is_back(self, store: Away) -> None:
        worker = Worker(store)
        worker.begin(Source(text("a"), [DONE])).read()
        store.is_away = True
        source = Source(text("a"), [DONE])
        with pytest.raises(StoreUnavailable) as raised:
            worker.begin(source)
        assert (raised.value.status, raised.value.retry_after) == (503, 2)
        assert source.asked == 0
        store.is_away = False
        assert worker.begin(source).read()[-1] == DONE

    def test_that_has_taken_a_claim_without_saying_so_does_not_leave_its_readers_waiting(self, store: Away) -> None:
        worker, other = Worker(store), Worker(store)
        worker.begin(Source(text("a"), [DONE])).read()
        store.is_away = store.fails_after_execution = True
        with pytest.raises(StoreUnavailable):
            worker.begin(Source(text("a"), [DONE]), "an-id-of-the-clients")
        store.is_away = False
        until(lambda: is_answered(other))


def is_answered(worker: Worker) -> bool:
    """Ask for one id until the answer comes; before it, a worker is only told to try again."""
    reading = worker.begin(Source(text("a"), [DONE]), "an-id-of-the-clients")
    reading.greenlet.join(5)
    assert reading.greenlet.dead
    if not reading.events:
        assert isinstance(reading.reader.session.error, StoreUnavailable)
    return reading.events[-1:] == [DONE]
