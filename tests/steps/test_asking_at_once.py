"""Generators that ask several models at the same time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gevent

from tests.steps.stage import QUESTION, Desk


def test_the_streams_own_limit_holds_again_when_all_have_answered() -> None:
    desk = Desk(config={"HEADRACE_STALL_TIMEOUT": 0.4})

    def pieces() -> Iterator[Any]:
        first, second = desk.headrace.ask(QUESTION), desk.headrace.ask(QUESTION)
        yield next(first)
        yield next(second)
        yield from first  # ends while the second one goes on
        yield from second
        gevent.sleep(30)
        yield "never"

    @desk.app.post("/generator")
    def generator() -> Any:
        return desk.headrace.stream_from(pieces())

    desk.model.answers("one ", "two ", times=2)
    began = time.monotonic()
    response = desk.ask("/generator")
    assert (response.text, response.named("error")[0]["code"]) == ("one one two two ", "stall_timeout")
    assert time.monotonic() - began < 20
