"""Each client gets its own answer and no other's, whether the server uses greenlets or threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
from flask import Flask

from flask_headrace import Headrace
from tests.reliability.servers import SERVERS, THREADS, ServedApplication
from tests.support.process_info import descriptors
from tests.support.reader import Answer, send
from tests.support.started_service import openai_alone
from tests.support.upstream import ECHO, Upstream

pytestmark = pytest.mark.slow

READERS = THREADS
QUESTIONS = 4
"""Requests of each client to each server: more than 1,000 in all."""

Ask = Callable[[str], Answer]
"""Sends a word as the prompt, and returns the whole answer."""


class Heard(NamedTuple):
    """The answer that a client received to the prompt `word`."""

    word: str
    answer: Answer

    @property
    def is_own(self) -> bool:
        return self.answer.text == ECHO.of(self.word) and self.answer.is_done

    @property
    def is_foreign(self) -> bool:
        """Whether it contains anything but a beginning of its own answer."""
        return not ECHO.of(self.word).startswith(self.answer.text)


@pytest.fixture(scope="module")
def served(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, ServedApplication]]:
    """Start all servers in parallel: each needs a second or two."""
    upstream.answer("echo", ECHO)
    settings = {name: value for name, value in openai_alone(upstream).items() if not name.startswith("HEADRACE")}
    with contextlib.ExitStack() as running:
        started = {}
        for name in SERVERS:
            server = ServedApplication(tmp_path_factory.mktemp("served"), name, **settings)
            started[name] = running.enter_context(server)
        yield started
        for server in started.values():
            server.leave()


@pytest.fixture
def app(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Flask:
    for name, value in openai_alone(upstream).items():
        monkeypatch.setenv(name, value)
    upstream.answer("echo", ECHO)
    hosted = Flask(__name__)
    hosted.config.update(HEADRACE_EMBEDDED=False)
    Headrace(hosted)
    return hosted


def question(word: str) -> dict[str, object]:
    return {"model": "openai/echo", "messages": [{"role": "user", "content": word}]}


def asking_at(url: str) -> Ask:
    return lambda word: send(url + "/api/chat", question(word))


def asking_client_of(app: Flask) -> Ask:
    def ask(word: str) -> Answer:
        response = app.test_client().post("/api/chat", json=question(word))
        return Answer(response.status_code, dict(response.headers), response.data)

    return ask


def heard(ask: Ask) -> list[Heard]:
    """Run many clients, each in its own thread with repeated requests; return all answers."""
    together = threading.Barrier(READERS)

    def read(reader: int) -> list[Heard]:
        together.wait(30)
        words = [f"word-{reader:02}-{number}" for number in range(QUESTIONS)]
        return [Heard(word, ask(word)) for word in words]

    with ThreadPoolExecutor(READERS) as readers:
        return [one for heard_by_one in readers.map(read, range(READERS)) for one in heard_by_one]


def assert_each_has_its_own(ask: Ask) -> None:
    answers = heard(ask)
    foreign = [one for one in answers if one.is_foreign]
    wrong = [one for one in answers if not one.is_own and not one.is_foreign]
    assert (len(answers), len(foreign), len(wrong)) == (READERS * QUESTIONS, 0, 0), (foreign + wrong)[:3]


@pytest.mark.parametrize("server", SERVERS)
def test_each_reader_has_its_own_word_under(server: str, served: Mapping[str, ServedApplication]) -> None:
    served[server].wait_until_up()
    assert_each_has_its_own(asking_at(served[server].url))


def test_each_reader_has_its_own_word_from_a_test_client_in_threads(app: Flask) -> None:
    assert_each_has_its_own(asking_client_of(app))


def test_a_thread_of_its_own_for_each_question_leaves_no_file_and_no_connection_behind(
    served: Mapping[str, ServedApplication],
) -> None:
    server = served["flask run"]
    server.wait_until_up()
    ask = asking_at(server.url)
    ask("first")
    before = len(descriptors(server.process.pid))
    for number in range(12):
        assert Heard(f"one-{number}", ask(f"one-{number}")).is_own
    # Each took six and more: its loop's, the client's, the upstream's.
    server.wait_until(lambda: len(descriptors(server.process.pid)) < before + 6)
