"""A stream ends with the request that has opened it, whatever the application does with the response."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, Response

from flask_headrace import Headrace
from tests.support.event_loop import until


class Application:
    """An application with one view, whose stream never ends by itself."""

    def __init__(self) -> None:
        self.app = Flask(__name__)
        self.app.config.update(HEADRACE_EMBEDDED=False)
        self.headrace = Headrace(self.app)
        self.closed: list[str] = []

    def words(self) -> Iterator[str]:
        try:
            while True:
                yield "word "
        finally:
            self.closed.append("closed")

    @property
    def open_streams(self) -> int:
        return len(self.app.extensions["headrace"].streams)


@pytest.fixture
def application() -> Application:
    return Application()


def test_a_response_that_the_view_throws_away_closes_its_stream(application: Application) -> None:
    kept: list[Response] = []

    @application.app.get("/view")
    def view() -> str:
        kept.append(application.headrace.stream_from(application.words()))
        return "something else"

    assert application.app.test_client().get("/view").text == "something else"
    assert application.closed == ["closed"]
    assert until(lambda: application.open_streams == 0)


def test_a_view_that_fails_closes_the_stream_that_it_has_opened(application: Application) -> None:
    kept: list[Response] = []

    @application.app.get("/view")
    def view() -> str:
        kept.append(application.headrace.stream_from(application.words()))
        raise ZeroDivisionError

    assert application.app.test_client().get("/view", buffered=True).status_code == 500
    assert application.closed == ["closed"]
    assert until(lambda: application.open_streams == 0)


def test_a_body_that_moved_into_another_response_is_sent_and_closed(application: Application) -> None:
    @application.app.get("/view")
    def view() -> Response:
        streamed = application.headrace.stream_from(application.words())
        return Response(map(bytes.upper, streamed.response), mimetype="text/event-stream")

    with application.app.test_client().get("/view", buffered=False) as response:
        chunks = response.iter_encoded()
        text = b""
        while b"WORD" not in text:
            text += next(chunks)
        assert application.closed == []
    assert application.closed == ["closed"]
    assert until(lambda: application.open_streams == 0)
