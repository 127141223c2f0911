"""What a question adds to a conversation: a history grows by it and by the answer, and each turn is there once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask, request

from flask_headrace import Answer, Headrace, ToolCall
from flask_headrace.testing import FakeProvider

HELLO = {"role": "user", "content": "Hello."}
WEATHER = {"role": "user", "content": "Do I need a coat?"}
CALLS = [ToolCall("c1", "weather", {"city": "Oslo"}), ToolCall("c2", "weather", {"city": "Bergen"})]
RESULTS = [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in CALLS]


class Chat:
    """A view that is given only what is new, and keeps the history of its conversation."""

    def __init__(self) -> None:
        app = Flask("chat")
        app.config.update(HEADRACE_EMBEDDED=False, TESTING=True)
        headrace = Headrace(app)
        self.provider = FakeProvider()
        self.provider.install(app)
        self.client = app.test_client()
        self.history: list[Mapping[str, Any]] = []

        @headrace.on_end
        def save(answer: Answer) -> None:
            self.history += [*answer.asked, *answer.messages]

        @app.post("/ask")
        def ask() -> object:
            return headrace.stream([*self.history, *request.get_json()], model="smart", system="Be short.")

    def ask(self, *messages: Mapping[str, Any], answer: list[Any]) -> None:
        self.provider.answers(*answer)
        with self.client.post("/ask", json=messages) as response:
            response.get_data()


@pytest.fixture
def chat() -> Iterator[Chat]:
    chat = Chat()
    yield chat
    chat.provider.uninstall()


def test_history_has_each_turn_once(chat: Chat) -> None:
    chat.ask(HELLO, answer=["Hello ", "you."])
    chat.ask(WEATHER, answer=CALLS)
    chat.ask(*RESULTS, answer=["Yes, two."])
    chat.ask(HELLO, answer=["Again."])
    roles = [message["role"] for message in chat.history]
    assert roles == ["user", "assistant", "user", "assistant", "tool", "tool", "assistant", "user", "assistant"]
    asked = [message.role for message in chat.provider.questions[-1].messages]
    assert asked == ["system", *roles[:-1]]


def test_a_question_that_was_not_answered_is_there_once(chat: Chat) -> None:
    chat.ask(HELLO, answer=[ConnectionResetError()])
    chat.ask(WEATHER, answer=["Yes."])
    assert [message["content"] for message in chat.history] == ["Hello.", "Do I need a coat?", "Yes."]


def test_a_generator_was_asked_nothing() -> None:
    app = Flask("words")
    app.config.update(HEADRACE_EMBEDDED=False)
    headrace = Headrace(app)
    told: list[Answer] = []
    headrace.on_end(told.append)
    app.add_url_rule("/words", view_func=lambda: headrace.stream_from(iter(["one"])))
    with app.test_client().get("/words") as response:
        response.get_data()
    assert told[0].asked == ()
