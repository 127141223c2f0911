"""What a question adds to a conversation: a history grows by it and by the answer, and each turn is there once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from flask import Flask, request

from flask_headrace import Answer, Headrace, ToolCall, tool
from flask_headrace.testing import FakeProvider

HELLO = {"role": "user", "content": "Hello."}
WEATHER = {"role": "user", "content": "Do I need a coat?"}
CALLS = [ToolCall("c1", "weather", {"city": "Oslo"}), ToolCall("c2", "weather", {"city": "Bergen"})]
RESULTS = [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in CALLS]


class Chat:
    """A view that is given only what is new, and keeps the history of its conversation."""

    tools: Sequence[Any] = ()

    def __init__(self) -> None:
        app = Flask("chat")
        app.config.update(HEADRACE_EMBEDDED=False, TESTING=True, SECRET_KEY="a key")
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
            asked = request.get_json()
            messages = asked["all"] if isinstance(asked, dict) else [*self.history, *asked]
            return headrace.stream(messages, model="smart", system="Be short.", tools=self.tools)

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


@tool
def forecast(city: str) -> str:
    """Tell the weather of tomorrow."""
    return f"sun in {city}"


@tool(needs_approval=True)
def book(city: str) -> str:
    """Book a journey."""
    return f"booked {city}"


class ToolChat(Chat):
    """The chat with tools that run here, and one, `weather`, that its client runs."""

    tools = (forecast, book, {"name": "weather", "parameters": {"type": "object"}})

    def decide(self, *messages: Mapping[str, Any], approved: bool, answer: list[Any]) -> None:
        """Answer all approvals of the last turn that are open, with further messages behind it."""
        kept = [dict(message) for message in self.history]
        turn = next(message for message in reversed(kept) if message["role"] == "assistant")
        turn["tool_calls"] = [
            {**call, "approval": {**call["approval"], "approved": approved}} if "approval" in call else call
            for call in turn["tool_calls"]
        ]
        self.provider.answers(*answer)
        with self.client.post("/ask", json={"all": [*kept, *messages]}) as response:
            response.get_data()
            assert response.status_code == 200


@pytest.fixture
def tool_chat() -> Iterator[ToolChat]:
    chat = ToolChat()
    yield chat
    chat.provider.uninstall()


def called(name: str, call_id: str) -> ToolCall:
    return ToolCall(call_id, name, {"city": "Oslo"})


def turns(chat: Chat) -> list[str]:
    """Return who spoke, each with the ids of the calls or of the result."""
    found = []
    for message in chat.history:
        ids = [call["id"] for call in message.get("tool_calls", ())]
        found.append(" ".join([message["role"], *ids, *filter(None, [message.get("tool_call_id")])]))
    return found


@pytest.mark.parametrize("approved", [True, False])
def test_a_decision_about_a_call_adds_the_calls_result_alone(tool_chat: ToolChat, approved: bool) -> None:
    tool_chat.ask(HELLO, answer=[called("book", "c1")])
    tool_chat.decide(approved=approved, answer=["Done."])
    assert turns(tool_chat) == ["user", "assistant c1", "tool c1", "assistant"]
    tool_chat.ask(WEATHER, answer=["No."])
    assert turns(tool_chat)[4:] == ["user", "assistant"]


def test_results_of_tools_that_run_here_are_there_once_beside_a_decision(tool_chat: ToolChat) -> None:
    tool_chat.ask(HELLO, answer=[called("forecast", "c1"), called("book", "c2")])
    tool_chat.decide(approved=True, answer=["Done."])
    assert turns(tool_chat) == ["user", "assistant c1 c2", "tool c1", "tool c2", "assistant"]


def test_results_of_tools_that_run_here_are_there_once_beside_those_of_the_client(tool_chat: ToolChat) -> None:
    tool_chat.ask(HELLO, answer=[called("weather", "c1"), called("forecast", "c2")])
    tool_chat.ask(RESULTS[0], answer=["Done."])
    assert turns(tool_chat) == ["user", "assistant c1 c2", "tool c2", "tool c1", "assistant"]


def test_a_decision_comes_with_results_of_the_client(tool_chat: ToolChat) -> None:
    tool_chat.ask(HELLO, answer=[called("weather", "c1"), called("forecast", "c2"), called("book", "c3")])
    tool_chat.decide(RESULTS[0], approved=True, answer=["Done."])
    assert turns(tool_chat) == ["user", "assistant c1 c2 c3", "tool c2", "tool c1", "tool c3", "assistant"]


def test_a_decision_that_was_not_answered_adds_nothing_but_the_result(tool_chat: ToolChat) -> None:
    tool_chat.ask(HELLO, answer=[called("book", "c1")])
    tool_chat.decide(approved=True, answer=[ConnectionResetError()])
    assert turns(tool_chat) == ["user", "assistant c1", "tool c1"]
    tool_chat.ask(WEATHER, answer=["No."])
    assert turns(tool_chat) == ["user", "assistant c1", "tool c1", "user", "assistant"]
