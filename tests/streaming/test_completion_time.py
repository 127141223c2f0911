"""A complete answer knows when it was complete, wherever and whenever its last event is read."""

from __future__ import annotations

import time

from flask_headrace.core.events import Cancelled, Completed, Failed
from flask_headrace.streaming.completion_time import with_completion_time
from flask_headrace.streaming.resume.event_codec import decode, encode
from tests.streaming.stage import DONE, UNLIMITED, Reader, Source, Stream, text


def test_is_in_the_last_event_that_readers_get() -> None:
    before = int(time.time())
    last = Reader(Stream(Source([*text("x"), DONE]), UNLIMITED).session).read()[-1]
    assert isinstance(last, Completed)
    assert before <= last.completed_at <= time.time()
    assert last == DONE


def test_stays_with_the_event_in_a_store() -> None:
    completed = Completed("stop", completed_at=1700000000, applied_settings={"temperature": 0.5})
    (stored,) = decode(encode([completed]))
    assert isinstance(stored, Completed)
    assert (stored.completed_at, stored.applied_settings) == (1700000000, {"temperature": 0.5})


def test_is_not_in_another_end() -> None:
    for end in (Failed("stall_timeout", "Silent.", True), Cancelled("stopped")):
        assert with_completion_time(end) is end


def test_makes_no_difference_between_two_ends() -> None:
    assert Completed("stop", completed_at=1) == Completed("stop", completed_at=2, applied_settings={})
    assert hash(Completed("stop", completed_at=1)) == hash(Completed("stop"))
    assert Completed("stop") != Completed("length")
    assert Completed("stop", "END") != Completed("stop")
    assert Completed("stop") != Failed("stop", "", False)
