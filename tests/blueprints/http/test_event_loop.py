"""Without gevent's patches no stream outlives its request, and no endpoint uses the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_headrace import Headrace
from flask_headrace.providers.chat_request import ChatRequest
from tests.support.reader import QUESTION
from tests.support.upstream import addresses

UI_MESSAGES = [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]


class Parrot:
    name = "parrot"

    def stream(self, _request: ChatRequest) -> Iterator[str]:
        yield "hi"


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    """An application with an unreachable store, which would cause a 503 if an endpoint used it."""
    with addresses.refusing() as url:
        app = Flask(__name__)
        store = url.replace("http://", "redis://")
        app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_MODEL="parrot/parrot", HEADRACE_STORE=store)
        headrace = Headrace(app, providers=[Parrot()])
        app.add_url_rule("/own", view_func=lambda: headrace.stream(QUESTION, resumable=True), methods=["POST"])
        yield app.test_client()


ASKED: dict[str, dict[str, Any]] = {
    "/api/chat": {"messages": QUESTION},
    "/v1/chat/completions": {"model": "parrot/parrot", "messages": QUESTION},
    "/v1/responses": {"model": "parrot/parrot", "input": "hi", "stream": True},
    "/v1/messages": {"model": "parrot/parrot", "max_tokens": 9, "messages": QUESTION, "stream": True},
    "/ai/v4/chat": {"id": "chat", "messages": QUESTION},
    "/own": {},
}


@pytest.mark.parametrize("path", ASKED)
def test_a_question_for_a_resumable_stream_is_told_what_it_needs(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json={**ASKED[path], "resumable": True})
    assert answer.status_code == 501
    assert "gevent workers" in answer.text


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_resumable_stream_is_told_what_it_needs(client: FlaskClient, method: str) -> None:
    answer = client.open("/api/streams/0123456789abcdef", method=method)
    assert (answer.status_code, answer.json["error"]["code"]) == (501, "not_supported")


def test_a_chat_of_the_ai_sdk_is_answered_plainly(client: FlaskClient) -> None:
    answer = client.post("/ai/chat", json={"id": "chat", "messages": UI_MESSAGES, "resumable": True})
    assert (answer.status_code, answer.text.endswith("data: [DONE]\n\n")) == (200, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ai/chat/chat/stream", 204),
        ("DELETE", "/ai/chat/chat/stream", 204),
        ("POST", "/ai/chat/chat/stop", 204),
        ("GET", "/ai/v4/chat?chatId=chat", 200),
        ("DELETE", "/ai/v4/chat?chatId=chat", 204),
    ],
)
def test_a_chat_of_the_ai_sdk_has_nothing_to_resume_or_stop(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.data) == (status, b"")
