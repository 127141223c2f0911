"""The latest stream of a chat, found by the id of the chat alone."""

from __future__ import annotations

import gevent
import msgspec
import pytest

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.core.events import Cancelled
from tests.streaming.resume.workers import Reading, Worker, is_stored
from tests.streaming.stage import CONTEXT, DONE, Source, text
from tests.support.event_loop import until

ID = "an-id-of-the-clients-own"


class TestLatest:
    def test_of_a_chat_is_followed_from_its_beginning_while_it_runs(self, workers: list[Worker], other: Worker) -> None:
        earlier = workers[0].begin(Source(text("a"), [DONE]), chat="chat")
        earlier.read()
        source = Source(text("b"))
        first = workers[0].begin(source, chat="chat")
        until(lambda: is_stored(other, first.id, 2))
        reader = other.resumable_streams.resume_latest("chat", "")
        assert reader is not None
        second = Reading(reader)
        source.give(text("c"), [DONE])
        assert second.read() == first.read()
        until(lambda: other.resumable_streams.resume_latest("chat", "") is None)
        assert other.follow(first.id).read() == first.events

    def test_that_nobody_has_read_to_its_end_is_followed_after_it(self, workers: list[Worker], other: Worker) -> None:
        source = Source(text("a"))
        first = workers[0].begin(source, chat="chat")
        until(lambda: first.last == 2)
        first.leave()
        source.give(text("b"), [DONE])
        until(lambda: is_stored(other, first.id, 5))
        for _ in range(2):
            reader = other.resumable_streams.resume_latest("chat", "")
            assert reader is not None
            reader.close()
        reader = other.resumable_streams.resume_latest("chat", "")
        assert reader is not None
        assert Reading(reader).read()[-1] == DONE
        until(lambda: other.resumable_streams.resume_latest("chat", "") is None)

    def test_is_stopped_from_anywhere_and_again(self, workers: list[Worker], other: Worker) -> None:
        first = workers[0].begin(Source(text("a")), chat="chat")
        until(lambda: is_stored(other, first.id, 2))
        for _ in range(2):
            other.resumable_streams.stop_latest("chat", "")
        assert other.resumable_streams.resume_latest("chat", "") is None
        assert first.read()[-1] == Cancelled("stopped")
        other.resumable_streams.stop_latest("chat", "")

    def test_of_another_chat_or_owner_is_not_there(self, workers: list[Worker], other: Worker) -> None:
        mine = msgspec.structs.replace(CONTEXT, owner="mine")
        first = Reading(workers[0].resumable_streams.open(ID, "q", mine, Source(text("a")), "chat"))
        until(lambda: is_stored(other, ID, 2))
        for chat, owner in (("chat", "theirs"), ("chat", ""), ("another", "mine"), ("", "mine")):
            assert other.resumable_streams.resume_latest(chat, owner) is None
            other.resumable_streams.stop_latest(chat, owner)
        assert first.reader.session.pending_terminal is None
        other.resumable_streams.stop_latest("chat", "mine")
        first.read()

    def test_waits_for_a_store_that_is_away_to_follow_and_does_not_to_stop(
        self, workers: list[Worker], other: Worker
    ) -> None:
        first = workers[0].begin(Source(text("a")), chat="chat")
        until(lambda: is_stored(other, first.id, 2))
        other.store.is_away = True
        with pytest.raises(StoreUnavailable):
            other.resumable_streams.stop_latest("chat", "")
        gevent.spawn_later(0.4, setattr, other.store, "is_away", False)
        reader = other.resumable_streams.resume_latest("chat", "")
        assert reader is not None
        reader.close()
        other.resumable_streams.stop_latest("chat", "")
        first.read()
