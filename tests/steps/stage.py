"""An application with tools that run here and a scripted model, in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from flask import Flask, request
from werkzeug.test import TestResponse

from flask_headrace import Answer, Headrace, Message, ToolCall, ToolContext, ToolError, tool
from flask_headrace.testing import FakeProvider
from tests.support.event_loop import until
from tests.support.reader import Answer as Response

QUESTION = [{"role": "user", "content": "hi"}]


class Desk:
    """The application.

    Attributes:
        model: The scripted model.
        told: The answers that `on_end` got.
        ran: The calls that ran, as name and arguments.
    """

    def __init__(self, *, key: str | None = "key", tools: Sequence[Any] = (), **settings: Any) -> None:
        self.app = Flask("desk")
        self.app.secret_key = key
        config = {"HEADRACE_EMBEDDED": False, "HEADRACE_MODEL": "fake/m"}
        self.app.config.update(config | settings.pop("config", {}))
        self.model = FakeProvider()
        self.ran: list[tuple[str, Any]] = []
        self.told: list[Answer] = []
        self.tools = [*self._tools(), *tools]
        self.headrace = Headrace(
            self.app,
            providers=[self.model, *settings.pop("providers", ())],
            tools=self.tools,
            authorize=lambda: request.headers.get("X-User", "ann"),
            **settings,
        )
        self.headrace.on_end(self.told.append)

        @self.app.post("/own")
        def own() -> Any:
            fields = request.get_json()
            named = {each.name: each for each in self.tools}
            fields["tools"] = [named.get(item, item) if isinstance(item, str) else item for item in fields["tools"]]
            return self.headrace.stream(fields.pop("messages"), **fields)

    def _tools(self) -> Iterator[Any]:
        @tool
        def find(place: str) -> dict[str, str]:
            """Find it."""
            self.ran.append(("find", place))
            if place == "nowhere":
                raise ToolError("there is no such place")
            return {"found": place}

        @tool
        def steps_of(number: int) -> Iterator[str]:
            self.ran.append(("steps_of", number))
            yield from ["one", "two", "three"][:number]

        @tool(needs_approval=True)
        def refund(order: int, amount: float = 1.0, note: Any = None) -> str:
            """Refund it."""
            self.ran.append(("refund", order))
            return f"refunded {order}"

        @tool(needs_approval=lambda amount: amount > 10)
        def pay(amount: int, *, context: ToolContext) -> str:
            self.ran.append(("pay", amount))
            return f"paid by {context.owner}"

        yield from (find, steps_of, refund, pay)

    def ask(self, path: str = "/api/chat", *, user: str = "ann", **fields: Any) -> Response:
        """Ask a question, and return the complete response."""
        response = self._post(path, user, fields)
        body = response.data
        response.close()
        return Response(response.status_code, {k.lower(): v for k, v in response.headers}, body)

    def _post(self, path: str, user: str, fields: dict[str, Any]) -> TestResponse:
        body = {"messages": QUESTION, **fields}
        return self.app.test_client().post(path, json=body, headers={"X-User": user}, buffered=False)

    def answer(self, number: int = -1) -> Answer:
        """Return what the application was told of the last answer, or of another one."""
        return until(lambda: self.told[number])

    def ask_for_answer(self, *args: Any, **fields: Any) -> Answer:
        """Ask a question, and return what the application is told of its answer."""
        count = len(self.told)
        self.ask(*args, **fields)
        return until(lambda: self.told[count])

    def asked(self, number: int = -1) -> list[Message]:
        """Return the messages of a question that the model got; the last one if no number is given."""
        return list(self.model.questions[number].messages)


def call(name: str = "find", id: str = "c1", **arguments: Any) -> ToolCall:  # noqa: A002  # as in the call
    return ToolCall(id, name, arguments)


def results(response: Response) -> list[Any]:
    """Return what the frames of the tools have beside call and id: results, errors and progress."""
    return [
        {name: value for name, value in data.items() if name not in {"call", "id"}}
        for data in response.named("tool")
        if {"result", "error", "progress"} & set(data)
    ]


def ask_for_refund(desk: Desk, **arguments: Any) -> list[dict[str, Any]]:
    """Let the model call `refund`, and return the conversation, whose approval is not answered."""
    desk.model.answers("I will. ", call("refund", **{"order": 5, **arguments}))
    answer = desk.ask_for_answer()
    return [*QUESTION, *json.loads(json.dumps(answer.messages))]


def answered(conversation: list[dict[str, Any]], approved: Any = True, place: int = 0, **more: Any) -> list[Any]:
    changed = deepcopy(conversation)
    changed[-1]["tool_calls"][place]["approval"] |= {"approved": approved, **more}
    return changed


def refused(desk: Desk, conversation: list[Any], status: int, said: str, **options: Any) -> None:
    asked, ran = len(desk.model.questions), list(desk.ran)
    response = desk.ask(messages=conversation, **options)
    assert (response.status, response.body if response.status == 200 else b"") == (status, b"")
    assert said in response.error["message"]
    assert (len(desk.model.questions), desk.ran) == (asked, ran)
