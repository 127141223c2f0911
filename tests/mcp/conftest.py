"""An application in this process, whose model calls what the question lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
from flask import Flask

from flask_headrace import Headrace
from flask_headrace.mcp import MCPServer
from tests.mcp.calling import Calling, question
from tests.mcp.scripted_server import ScriptedServer, described
from tests.support.reader import Answer


class Application:
    """The application.

    Args:
        tools: The tools that it offers to each question.
        settings: Its settings.
    """

    def __init__(self, *tools: Any, **settings: Any) -> None:
        self.provider = Calling()
        self.app = Flask(__name__)
        self.app.testing = True
        self.app.secret_key = "key"
        self.app.config.update(HEADRACE_MODEL="calling/model", HEADRACE_EMBEDDED=False, **settings)
        self.headrace = Headrace(self.app, providers=[self.provider], tools=tools)
        self.client = self.app.test_client()

    def call(self, *calls: tuple[str, dict[str, Any]]) -> Answer:
        """Ask the model to call tools, and return the answer."""
        return self.ask(messages=question(*calls))

    def ask(self, **body: Any) -> Answer:
        response = self.client.post("/api/chat", json=body)
        answer = Answer(response.status_code, dict(response.headers), response.data)
        response.close()
        return answer

    def offered(self) -> list[str]:
        """Return the names of the tools that a question is offered."""
        self.call()
        return [tool.name for tool in self.provider.requests[-1].tools]  # type: ignore[union-attr]


def results(answer: Answer) -> dict[int, Any]:
    """Return the results of the calls by their numbers; errors as the text behind `error: `."""
    assert answer.is_done, answer.body
    found = {}
    for frame in answer.named("tool"):
        if "result" in frame:
            found[frame["call"]] = frame["result"]
        elif "error" in frame:
            found[frame["call"]] = f"error: {frame['error']}"
    return found


def progress(answer: Answer) -> list[Any]:
    return [frame["progress"] for frame in answer.named("tool") if "progress" in frame]


def wait_until(condition: Callable[[], object], limit: float = 10) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"not within {limit} s"
        gevent.sleep(0.02)


@pytest.fixture
def application() -> Callable[..., Application]:
    """Return a function that makes an application with the tools of one server."""

    def make(url: str, allow: Sequence[str] | str = "*", *, settings: Any = None, **options: Any) -> Application:
        return Application(MCPServer(url, allow=allow, **options), **(settings or {}))  # type: ignore[arg-type]

    return make


@contextmanager
def called(application, call: Any, **options: Any) -> Iterator[tuple[ScriptedServer, dict[int, Any]]]:
    """Call the tool `a` of a server that responds by `call`."""
    with ScriptedServer(described("a"), call=call, responds=True) as server:
        yield server, results(application(server.url, **options).call(("a", {})))
