"""Resumable streams in Flask's test client without gevent's patches, and when the application is told of their ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_headrace import Cancelled, Completed, ResponseStarted, TextDelta, Usage
from flask_headrace.testing import FakeProvider, Pause, Silence, read_stream
from tests.support.service import ROOT, environment
from tests.testing.application import Application, make_application

ANN, BOB = {"X-User": "ann"}, {"X-User": "bob"}
ID = "0123456789abcdef"


@pytest.fixture
def shop() -> Application:
    return make_application(TESTING=True)


@pytest.fixture
def client(shop: Application) -> FlaskClient:
    return shop.client


def follow(client: FlaskClient, stream_id: str = ID, after: int = 0, **headers: str) -> TestResponse:
    return client.get(f"/api/streams/{stream_id}?last_event_id={after}", headers=headers or ANN)


class TestResumable:
    def test_is_answered_and_read_again(self, shop: Application, provider: FakeProvider, client: FlaskClient) -> None:
        provider.answers("one ", "two", Usage(9, 2))
        first = shop.ask(client, resumable=True, id=ID)
        assert first.headers["Headrace-Stream-Id"] == ID
        reading = read_stream(first)
        assert (reading.answer.text, reading.answer.is_whole) == ("one two", True)
        assert [answer.text for answer in shop.told] == ["one two"]
        assert read_stream(follow(client)).events == reading.events
        assert read_stream(follow(client, after=2)).events == [TextDelta("two"), *reading.events[-2:]]
        assert follow(client, after=5).status_code == 204
        assert follow(client, **BOB).status_code == 404
        assert len(shop.told) == 1

    def test_goes_on_in_later_requests(self, shop: Application, provider: FakeProvider, client: FlaskClient) -> None:
        provider.answers("one ", Pause(0.05), "two")
        with shop.ask(client, resumable=True, id=ID) as response:
            assert b"one " in next(response.iter_encoded())
        assert shop.told == []
        reading = read_stream(follow(client, after=2))
        assert (reading.answer.text, reading.answer.end) == ("two", "done")
        assert [answer.text for answer in shop.told] == ["one two"]

    @pytest.mark.parametrize("has_read", [True, False])
    def test_is_stopped(self, shop: Application, provider: FakeProvider, client: FlaskClient, has_read: bool) -> None:
        provider.answers("one ", Silence())
        response = shop.ask(client, resumable=True, id=ID)
        if not has_read:
            response.close()
        assert client.delete(f"/api/streams/{ID}", headers=BOB).status_code == 404
        assert shop.told == []
        assert client.delete(f"/api/streams/{ID}", headers=ANN).status_code == 204
        assert [(answer.end, answer.reason, answer.text) for answer in shop.told] == [("cancelled", "stopped", "one ")]
        reading = read_stream(response if has_read else follow(client))
        assert reading.events[-1] == Cancelled("stopped")
        assert (reading.answer.end, reading.answer.is_whole, reading.error) == ("cancelled", False, None)

    def test_ends_after_its_grace(self) -> None:
        shop = make_application(TESTING=True, HEADRACE_RESUME_GRACE=0.05)
        provider = FakeProvider().answers("one ", Silence()).answers("two", Pause(0.1))
        provider.install(shop.app)
        shop.ask(resumable=True, id=ID).close()
        read_stream(shop.ask())  # the loop runs
        assert [answer.reason for answer in shop.told] == ["reader_left", "stop"]
        provider.uninstall()

    def test_is_joined_with_the_same_id_or_key(
        self, shop: Application, provider: FakeProvider, client: FlaskClient
    ) -> None:
        provider.answers("only one")
        for _ in range(2):
            assert read_stream(shop.ask(client, resumable=True, id=ID)).answer.text == "only one"
        provider.answers("another one")
        for _ in range(2):
            response = client.post("/ask", json={}, headers={**ANN, "Idempotency-Key": "k"})
            assert read_stream(response).answer.text == "another one"
        assert (len(provider.questions), len(shop.told)) == (2, 2)

    def test_runs_beside_others(self, shop: Application, provider: FakeProvider, client: FlaskClient) -> None:
        provider.answers("a", Pause(0.03), "b", times=5)
        responses = [shop.ask(client, resumable=number % 2 == 0) for number in range(5)]
        assert [read_stream(response).answer.text for response in responses] == ["ab"] * 5
        assert len(shop.told) == 5

    def test_of_a_generator(self, shop: Application, client: FlaskClient, provider: FakeProvider) -> None:
        assert provider.questions == []
        response = client.post("/words", json={"resumable": True, "id": ID}, headers=ANN)
        assert read_stream(response).answer.text == "one two"
        assert read_stream(follow(client)).answer.text == "one two"

    def test_of_the_ai_sdk(self, shop: Application, provider: FakeProvider, client: FlaskClient) -> None:
        provider.answers("one ", Silence())
        message = {"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
        body = {"id": "chat", "messages": [message], "resumable": True}
        response = client.post("/ai/chat", json=body, headers=ANN)
        assert response.headers["Headrace-Stream-Id"]
        response.close()
        assert client.delete("/ai/chat/chat/stream", headers=ANN).status_code == 204
        assert [answer.reason for answer in shop.told] == ["stopped"]

    @pytest.mark.parametrize("buffered", [True, False])
    def test_in_a_client_that_keeps_its_context(
        self, shop: Application, provider: FakeProvider, buffered: bool
    ) -> None:
        provider.answers("one")
        with shop.client as client:
            response = client.post("/ask", json={"resumable": True}, headers=ANN, buffered=buffered)
            assert read_stream(response).answer.text == "one"
            assert len(shop.told) == 1

    @pytest.mark.parametrize("is_testing", [True, False])
    def test_needs_a_test_or_the_patches(self, is_testing: bool) -> None:
        shop = make_application(TESTING=is_testing)
        status = shop.client.post("/words", json={"resumable": True}, headers=ANN).status_code
        assert status == (200 if is_testing else 501)

    def test_is_not_there_in_other_threads_and_under_servers(
        self, shop: Application, provider: FakeProvider, client: FlaskClient
    ) -> None:
        answers: list[TestResponse] = []
        thread = threading.Thread(target=lambda: answers.append(shop.ask(resumable=True)))
        thread.start()
        thread.join()
        server = {"SERVER_SOFTWARE": "waitress"}
        answers.append(client.post("/ask", json={"resumable": True}, headers=ANN, environ_overrides=server))
        assert [answer.status_code for answer in answers] == [501, 501]
        assert "app.testing" in answers[0].text
        assert provider.questions == []

    def test_in_an_asynchronous_test(self, shop: Application, provider: FakeProvider, client: FlaskClient) -> None:
        async def read() -> str:
            return read_stream(shop.ask(client, resumable=True)).answer.text

        provider.answers("one")
        assert asyncio.run(read()) == "one"
        assert len(shop.told) == 1

    @pytest.mark.parametrize("resumable", [True, False])
    def test_of_an_asynchronous_view(self, shop: Application, provider: FakeProvider, *, resumable: bool) -> None:
        async def view() -> object:
            await asyncio.sleep(0.001)
            return shop.app.view_functions["ask"]()

        shop.app.add_url_rule("/async", view_func=view, methods=["POST"])
        provider.answers("one")
        response = shop.client.post("/async", json={"resumable": resumable}, headers=ANN)
        assert read_stream(response).answer.text == "one"
        assert [answer.text for answer in shop.told] == ["one"]


class TestTold:
    def test_when_a_response_is_closed_unread(self, shop: Application, provider: FakeProvider) -> None:
        provider.answers("one", Silence())
        shop.ask().close()
        assert [answer.reason for answer in shop.told] == ["reader_left"]

    def test_when_a_reader_leaves_in_the_middle(self, shop: Application, provider: FakeProvider) -> None:
        # A piece counts as sent when the reader asks for the next one.
        provider.answers("one ", Pause(0.01), "two ", Pause(0.01), "three ", Silence())
        with shop.ask() as response:
            chunks = response.iter_encoded()
            while b"three" not in next(chunks):
                pass
        assert [(answer.text, answer.reason) for answer in shop.told] == [("one two ", "reader_left")]

    def test_when_an_answer_is_not_streamed(self, shop: Application, provider: FakeProvider) -> None:
        provider.answers("one")
        assert shop.ask(stream=False).json["text"] == "one"
        assert [answer.text for answer in shop.told] == ["one"]

    def test_of_a_head_request(self, shop: Application, provider: FakeProvider) -> None:
        shop.client.head("/ask", json={}, headers=ANN)
        assert provider.questions == []


PATCHED = """
from gevent import monkey

monkey.patch_all()

from flask_headrace.testing import FakeProvider, Silence, read_stream
from tests.testing.application import make_application

for testing in (True, False):
    shop = make_application(TESTING=testing)
    provider = FakeProvider().answers("one").answers("two").answers("three", Silence()).answers("four", Silence())
    provider.install(shop.app)
    client = shop.client
    print(read_stream(shop.ask(client)).answer.text, len(shop.told))
    print(read_stream(shop.ask(client, resumable=True)).answer.text, len(shop.told))
    response = shop.ask(client, resumable=True)
    client.delete("/api/streams/" + response.headers["Headrace-Stream-Id"], headers={"X-User": "ann"})
    print(read_stream(response).answer.reason, len(shop.told))
    shop.ask(client).close()
    print(shop.told[-1].reason, len(shop.told))
    provider.uninstall()
"""


def test_with_the_patches_it_is_the_same() -> None:
    command = [sys.executable, "-c", PATCHED]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ["one 1", "two 2", "stopped 3", "reader_left 4"] * 2, done.stderr


def test_the_events_of_a_resumable_stream_are_those_of_a_plain_one(shop: Application, provider: FakeProvider) -> None:
    provider.answers("one", Usage(1, 1), times=2)
    events: list[Any] = [read_stream(shop.ask(resumable=resumable)).events for resumable in (False, True)]
    for each in events:
        assert isinstance(each.pop(0), ResponseStarted)
    assert events[0] == events[1]
    assert isinstance(events[0][-1], Completed)
