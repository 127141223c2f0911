"""A response that is never closed ends its stream when it is collected, in the stream's own event loop."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from flask import Flask

from flask_headrace import Headrace
from flask_headrace.streaming.reader import StreamReader
from tests.support.event_loop import until


def test_a_response_that_the_collector_finds_in_another_thread_ends_its_stream_in_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed_in: list[int] = []
    close = StreamReader.close

    def record_close(reader: StreamReader) -> None:
        closed_in.append(threading.get_ident())
        close(reader)

    monkeypatch.setattr(StreamReader, "close", record_close)
    app = Flask(__name__)
    app.config.update(HEADRACE_EMBEDDED=False)
    headrace = Headrace(app)
    gc.collect()
    gc.disable()
    try:
        with app.test_request_context("/", method="POST"):
            response = headrace.stream_from(words())
            response.itself = response  # type: ignore[attr-defined]
        del response
        collecting = threading.Thread(target=gc.collect)
        collecting.start()
        collecting.join()
    finally:
        gc.enable()
    until(lambda: closed_in)
    assert set(closed_in) == {threading.get_ident()}
    assert until(lambda: len(app.extensions["headrace"].streams) == 0)


def words() -> Iterator[str]:
    yield "one"
