"""`async def` views and functions of the application: in greenlets they stream, in threads they are told what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from flask_headrace import ConfigurationError, Headrace
from tests.reliability.servers import SERVERS, ServedApplication
from tests.support.reader import Answer, Reading, send
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Gate, Hang, Head, Upstream, openai_wire, script

VIEWS = """
import asyncio
import time
from contextvars import ContextVar

from flask import g

QUESTION = [{"role": "user", "content": "hi"}]
STEPS = ContextVar("STEPS", default="")


@app.before_request
async def begin():
    await asyncio.sleep(0)
    STEPS.set("begun")
    g.numbers = [number async for number in numbers()]


async def numbers():
    for number in range(3):
        await asyncio.sleep(0)
        yield number


@app.after_request
async def end(response):
    await asyncio.to_thread(str)
    response.headers["Steps"] = f"{STEPS.get()} {g.numbers}"
    return response


@app.get("/stream/<model>")
async def stream(model):
    return headrace.stream(QUESTION, model=f"openai/{model}")


@app.get("/late/<model>")
async def late(model):
    await asyncio.sleep(0.05)
    return headrace.stream(QUESTION, model=f"openai/{model}")


@app.get("/blocking/<model>")
async def blocking(model):
    time.sleep(0.01)
    await asyncio.sleep(0.001)
    nested()
    time.sleep(0.01)
    await asyncio.sleep(0.001)
    return headrace.stream(QUESTION, model=f"openai/{model}")


def nested():
    async def inside():
        await asyncio.sleep(0.001)

    app.ensure_sync(inside)()


@app.get("/whole/<model>")
async def whole(model):
    return headrace.stream(QUESTION, model=f"openai/{model}", stream=False)


@app.get("/kept/<model>")
async def kept(model):
    return headrace.stream(QUESTION, model=f"openai/{model}", resumable=True)


@app.get("/words")
async def words():
    return headrace.stream_from(["one ", "two"])
"""
IN_GREENLETS = ["gunicorn -k gevent", "gunicorn -c gunicorn.conf.py", "gevent.pywsgi", "uWSGI's gevent"]
IN_THREADS = sorted(SERVERS.keys() - set(IN_GREENLETS))
LIMIT = 10.0
"""Seconds that a busy machine may need; no heartbeat is sent within this time."""


@pytest.fixture(scope="module")
def served(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, ServedApplication]]:
    """Start all servers in parallel: each needs a second or two."""
    settings = openai_alone(upstream) | {"HEADRACE_HEARTBEAT": "60", "HEADRACE_MAX_STREAMS": "40"}
    with contextlib.ExitStack() as running:
        started = {}
        for name in SERVERS:
            server = ServedApplication(tmp_path_factory.mktemp("async"), name, views=VIEWS, **settings)
            started[name] = running.enter_context(server)
        yield started
        for server in started.values():
            server.leave()


@pytest.fixture
def server(request: pytest.FixtureRequest, served: Mapping[str, ServedApplication]) -> Iterator[ServedApplication]:
    one = served[request.param]
    one.wait_until_up()
    yield one
    one.wait_until(lambda: get(one, "/healthz").json["streams"] == 0)
    for sign in ("Traceback", "LoopExit", "never awaited"):
        assert sign not in one.log()


def get(server: ServedApplication, path: str) -> Answer:
    return send(server.url + path, method="GET")


in_greenlets = pytest.mark.parametrize("server", IN_GREENLETS, indirect=True)
in_threads = pytest.mark.parametrize("server", IN_THREADS, indirect=True)


@in_greenlets
@pytest.mark.parametrize("view", ["stream", "late", "blocking", "kept"])
def test_any_number_of_views_stream_at_once(server: ServedApplication, upstream: Upstream, view: str) -> None:
    upstream.answer("fine", openai_wire.answer("one ", "two"))
    with ThreadPoolExecutor(20) as readers:
        answers = list(readers.map(lambda _: get(server, f"/{view}/fine"), range(20)))
    assert {(answer.status, answer.text, answer.is_done) for answer in answers} == {(200, "one two", True)}
    assert {answer.headers["steps"] for answer in answers} == {"begun [0, 1, 2]"}


@in_greenlets
def test_a_view_returns_a_whole_answer_a_refusal_or_a_generator(server: ServedApplication, upstream: Upstream) -> None:
    upstream.answer("fine", openai_wire.answer("one ", "two"))
    upstream.answer("refused", openai_wire.error(429, retry_after=20))
    assert get(server, "/whole/fine").json["text"] == "one two"
    assert get(server, "/words").text == "one two"
    for view in ("stream", "whole"):
        answer = get(server, f"/{view}/refused")
        assert (answer.status, answer.headers["retry-after"]) == (429, "20")


@in_greenlets
def test_other_views_run_while_one_streams(server: ServedApplication, upstream: Upstream) -> None:
    name = f"slow-{server.port}"
    upstream.answer("fine", openai_wire.answer("one ", "two"))
    upstream.answer(name, openai_wire.answer("one", Gate(name), "two"))
    with Reading(f"{server.url}/stream/{name}", method="GET") as reading:
        reading.until(b"one")
        assert get(server, "/late/fine").text == get(server, "/ask/fine").text == "one two"
        upstream.open_gate(name)
        reading.until(b"[DONE]")


@in_greenlets
def test_a_reader_that_leaves_closes_the_upstream(server: ServedApplication, upstream: Upstream) -> None:
    name = f"left-{server.port}"
    upstream.answer(name, script(Head(), openai_wire.opening(), Hang()))
    with Reading(f"{server.url}/stream/{name}", method="GET"):
        upstream.wait_for(lambda: upstream.requests(name))
    assert upstream.ended(name, timeout=LIMIT).ended is Ended.ABORTED


@in_threads
def test_a_view_in_a_thread_is_refused_at_once_and_leaves_nothing_open(server: ServedApplication) -> None:
    for view in ("stream/fine", "late/fine", "whole/fine", "kept/fine", "words"):
        answer = get(server, f"/{view}")
        assert (answer.status, answer.error["code"]) == (501, "not_supported")
        assert "write the view as `def`" in answer.error["message"]
    with ThreadPoolExecutor(20) as readers:
        # More than may be open at once: no place is lost.
        assert {answer.status for answer in readers.map(lambda _: get(server, "/stream/fine"), range(100))} == {501}


@in_threads
def test_a_plain_view_between_async_functions_streams(server: ServedApplication, upstream: Upstream) -> None:
    upstream.answer("fine", openai_wire.answer("one ", "two"))
    answer = get(server, "/ask/fine")
    assert (answer.text, answer.headers["steps"]) == ("one two", "begun [0, 1, 2]")


async def who() -> str:
    return "me"


class Who:
    async def __call__(self) -> str:
        return "me"


@pytest.mark.parametrize("authorize", [who, Who()], ids=["function", "object"])
def test_an_authorize_that_must_be_awaited_stops_the_start(authorize: object) -> None:
    with pytest.raises(ConfigurationError, match="write it as `def`"):
        Headrace(Flask(__name__), authorize=authorize)  # type: ignore[arg-type]


def test_an_application_may_run_its_async_functions_itself() -> None:
    class Own(Flask):
        def async_to_sync(self, func):
            return func

    app = Own(__name__)
    app.config.update(HEADRACE_EMBEDDED=False)
    Headrace(app)
    assert "async_to_sync" not in vars(app)
