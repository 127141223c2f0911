"""A small application as a team has one: a login by header, views of its own, and what it was told of its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Flask, abort, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_headrace import Answer, Headrace

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@dataclass
class Application:
    """The application, and the answers that its `on_end` got."""

    app: Flask
    told: list[Answer] = field(default_factory=list)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def ask(self, client: FlaskClient | None = None, /, **fields: Any) -> TestResponse:
        """Send a question to the view, with further arguments of `Headrace.stream`."""
        return (client or self.client).post("/ask", json=fields, headers={"X-User": "ann"})


def make_application(**settings: Any) -> Application:
    """Return a new application with these settings."""
    app = Flask("shop")
    app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_MODEL="openai/gpt-5", **settings)
    headrace = Headrace(app, authorize=lambda: request.headers.get("X-User") or abort(403))
    made = Application(app)
    headrace.on_end(made.told.append)

    @app.post("/ask")
    def ask() -> object:
        asked = request.get_json()
        question = [{"role": "user", "content": asked.pop("content", "hi")}]
        return headrace.stream(question, owner=request.headers["X-User"], **asked)

    @app.post("/words")
    def words() -> object:
        return headrace.stream_from(iter(["one ", "two"]), **request.get_json())

    return made
