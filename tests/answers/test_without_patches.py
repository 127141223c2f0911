"""`on_end` where nothing is patched: it has run when the response is closed, so that a test can look at what it did."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, current_app

from flask_headrace import Answer, Headrace


def words() -> Iterator[str]:
    yield "one "
    yield "two"


def test_it_has_run_when_the_response_is_closed() -> None:
    app = Flask(__name__)
    app.config.update(HEADRACE_EMBEDDED=False)
    headrace = Headrace(app)
    told: list[tuple[str, Answer]] = []

    @headrace.on_end
    def save(answer: Answer) -> None:
        told.append((current_app.name, answer))

    @app.get("/words")
    def view() -> object:
        return headrace.stream_from(words(), context="mine")

    assert app.test_client().get("/words").text.endswith("data: [DONE]\n\n")
    ((name, answer),) = told
    assert (name, answer.text, answer.context, answer.is_whole) == (app.name, "one two", "mine", True)
    assert answer.messages == ({"role": "assistant", "content": "one two"},)
