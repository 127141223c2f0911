"""The example applications, started as their first lines say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.reader import Reading, send
from tests.support.service import ROOT, Service, environment
from tests.support.upstream import Ended, Gate, Upstream, openai_wire

pytestmark = pytest.mark.slow


class Example(Service):
    """`examples/flask_app.py`, served by a command of `sys.executable -m`, which is told the port."""

    def __init__(self, *command: str, **settings: str) -> None:
        super().__init__(**settings)
        self._command = command

    def __enter__(self) -> Example:
        settings = {name: value for name, value in self.settings.items() if not name.startswith("HEADRACE_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", *(word.format(port=self.port) for word in self._command)],
            cwd=ROOT / "examples",
            env=environment(**settings),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.wait_until(self._is_up, 30)
        return self

    def _is_up(self) -> bool:
        try:
            return send(self.url + "/", method="GET").status == 200
        except OSError:
            return False


MODEL = "example"
GUNICORN = ("gunicorn", "-k", "gevent", "-b", "127.0.0.1:{port}", "--no-control-socket", "flask_app:app")
FLASK = ("flask", "--app", "flask_app", "run", "--port", "{port}")


@pytest.fixture(scope="module", params=[GUNICORN, FLASK], ids=["gunicorn", "flask run"])
def example(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Example]:
    upstream.models = [MODEL]  # the first that a provider lists is the default
    with Example(*request.param, OPENAI_BASE_URL=upstream.url + "/v1", OPENAI_API_KEY="sk-test") as running:
        # The first question waits for the SDK, and on a busy machine its list of models comes too late for that one.
        upstream.answer(MODEL, openai_wire.answer("warm"))
        running.wait_until(lambda: send(running.url + "/summaries/0", {}).status == 200, 60)
        yield running
    upstream.models = None


def test_a_view_of_its_own_streams_and_a_reader_that_leaves_stops_the_model(
    example: Example, upstream: Upstream
) -> None:
    upstream.answer(MODEL, openai_wire.answer("A gate."))
    assert send(example.url + "/summaries/0", {}).text == "A gate."
    assert upstream.requests(MODEL)[-1].body["messages"][-1]["content"].startswith("Summarise: A headrace")
    # Without gevent a reader that left is noticed when something is written to it.
    more = [" more"] * 400 if "flask run" in str(example._command) else []
    upstream.answer(MODEL, openai_wire.answer("one", Gate("left"), *more, Gate("never")))
    number = len(upstream.requests(MODEL))
    reading = Reading(example.url + "/summaries/1")
    reading.until(b"one")
    reading.leave()
    upstream.open_gate("left")
    assert upstream.ended(MODEL, number).ended is Ended.ABORTED


def test_a_generator_streams(example: Example) -> None:
    assert send(example.url + "/countdown", {}).text == "3 … 2 … 1 … go"


def test_the_chat_page_is_under_the_prefix(example: Example) -> None:
    assert send(example.url + "/assistant/", method="GET").status == 200
