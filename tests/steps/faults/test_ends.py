"""Answers with steps that are stopped, left, or take too long, in each window, with each store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.answers.stage import Told
from tests.conftest import require
from tests.steps.faults.stage import CALL_THEN_TEXT, HEADERS, HOST, WINDOWS, asked_for, begin, check_end, settings, stop
from tests.streaming.stores.redis.server import RedisServer
from tests.support.host import Host
from tests.support.reader import Reading, send
from tests.support.upstream import Ended, Upstream, openai_wire

TERMINAL_EVENTS = (b"event: cancelled", b"event: error", b"[DONE]")

windows = pytest.mark.parametrize("window", WINDOWS)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "answers")


@pytest.fixture(scope="module", params=["memory", "sqlite", "redis"])
def host(
    request: pytest.FixtureRequest, upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    store = {"memory": "memory", "sqlite": f"sqlite:///{folder / 'streams.db'}"}.get(request.param)
    workers = "1" if request.param == "memory" else "2"
    with ExitStack() as stack:
        if store is None:
            server = RedisServer(require("redis-server", "apt-get install redis-server"), folder)
            stack.callback(server.close)
            store = server.url
        started = Host(folder, HOST, **settings(upstream, told, HEADRACE_STORE=store, WEB_CONCURRENCY=workers))
        yield stack.enter_context(started)


@pytest.fixture(scope="module")
def hasty(upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    limits = {"HEADRACE_MAX_DURATION": "3", "HEADRACE_STORE": "memory"}
    with Host(tmp_path_factory.mktemp("hasty"), HOST, **settings(upstream, told, **limits)) as running:
        upstream.answer("warm", openai_wire.answer("warm"))
        with begin(running, "warm")[0] as reading:
            running.wait_until(lambda: b"".join(reading.chunks()))  # loads the SDK
        yield running


def named(window: str, request: pytest.FixtureRequest) -> str:
    return f"{request.node.name} {window}".replace("/", " ")


@windows
def test_a_stop_ends_it_once(
    host: Host, upstream: Upstream, told: Told, window: str, request: pytest.FixtureRequest
) -> None:
    opened = WINDOWS[window](host, upstream, told, named(window, request), resumable=True)
    with opened.reading:
        assert stop(host, opened.stream_id) in {200, 202, 204}
        rest = opened.rest()
    assert sum(rest.count(end) for end in TERMINAL_EVENTS) == 1
    assert b'event: cancelled\ndata: {"reason":"stopped"}' in rest
    check_end(host, upstream, told, opened, window, "cancelled", "stopped")
    # Whoever reads it again, at any worker, gets the same, and nothing runs once more.
    again = send(f"{host.url}/assistant/api/streams/{opened.stream_id}", method="GET", headers=HEADERS)
    assert sum(again.body.count(end) for end in TERMINAL_EVENTS) == 1
    check_end(host, upstream, told, opened, window, "cancelled", "stopped")


@windows
@pytest.mark.parametrize("how", ["leave", "reset"])
def test_a_reader_that_leaves_ends_it(
    hasty: Host, upstream: Upstream, told: Told, window: str, how: str, request: pytest.FixtureRequest
) -> None:
    opened = WINDOWS[window](hasty, upstream, told, named(window, request))
    getattr(opened.reading, how)()
    check_end(hasty, upstream, told, opened, window, "cancelled", "reader_left")
    if opened.open_request is not None:
        assert upstream.ended(opened.model, opened.open_request).ended is Ended.ABORTED


def test_the_limit_of_an_answers_time_ends_it(hasty: Host, upstream: Upstream, told: Told) -> None:
    opened = {name: window(hasty, upstream, told, f"too long {name}") for name, window in WINDOWS.items()}
    for name, one in opened.items():
        with one.reading:
            rest = one.rest()
        assert sum(rest.count(end) for end in TERMINAL_EVENTS) == 1
        assert b"longer than 3 s, the maximum for one answer" in rest
        check_end(hasty, upstream, told, one, name, "failed", "max_duration")


def test_an_answer_that_asks_for_an_approval_has_ended_and_a_stop_changes_nothing(
    host: Host, upstream: Upstream, told: Told, request: pytest.FixtureRequest
) -> None:
    model = named("asked", request)
    answer = openai_wire.answer("ok")
    conversation = asked_for(host, upstream, told, model, "pay")
    upstream.answer(model, answer)
    asked = begin(host, model, resumable=True)
    with asked[0] as reading:
        reading.until(b"[DONE]")
    assert stop(host, asked[1]) in {200, 202, 204, 404, 409}
    body = {"messages": conversation, "model": f"openai/{model}", "resumable": True, "id": f"approved-{id(model):016d}"}
    first = send(host.url + "/assistant/api/chat", body, headers=HEADERS)
    assert first.text == "ok"
    # The same request, by the same id, reads the same answer: the tool has run once.
    for _ in range(4):
        again = send(host.url + "/assistant/api/chat", body, headers=HEADERS)
        assert (again.status, again.text) == (200, "ok"), again.body
        assert again.named("tool") == first.named("tool") == [{"id": "c1", "result": "paid 5"}]
    stream_id = first.headers["headrace-stream-id"]
    assert [one["what"] for one in told.about(stream_id, "tool")] == ["paid"]
    # Another question with the same approval is refused at every worker.
    del body["id"]
    for _ in range(4):
        assert send(host.url + "/assistant/api/chat", body, headers=HEADERS).status == 409


def test_an_idempotency_key_runs_a_tool_once(
    host: Host, upstream: Upstream, told: Told, request: pytest.FixtureRequest
) -> None:
    model = named("repeated", request)
    calls = [openai_wire.answer(*call, finish=finish) for call, finish in CALL_THEN_TEXT]
    upstream.answer(model, calls)
    headers = {**HEADERS, "Idempotency-Key": model[:60]}
    body = {"messages": [{"role": "user", "content": "hi"}], "model": f"openai/{model}"}
    answers = [send(host.url + "/assistant/api/chat", body, headers=headers) for _ in range(4)]
    assert {answer.text for answer in answers} == {"found it"}
    [stream_id] = {answer.headers["headrace-stream-id"] for answer in answers}
    assert [one["what"] for one in told.about(stream_id, "tool")] == ["quick"]
    assert len(upstream.requests(model)) == 2


def test_a_reader_that_comes_back_in_the_call_gets_the_rest(
    host: Host, upstream: Upstream, told: Told, request: pytest.FixtureRequest
) -> None:
    opened = WINDOWS["between the steps"](host, upstream, told, named("back", request), resumable=True)
    opened.reading.leave()
    url = f"{host.url}/assistant/api/streams/{opened.stream_id}"
    with Reading(url, method="GET", headers=HEADERS) as back:
        seen = back.until(b"event: step")
        assert b'"result":{"found":"Ulm"}' in seen
        stop(host, opened.stream_id)
        assert b"event: cancelled" in b"".join(back.chunks())
    assert [one["what"] for one in told.about(opened.stream_id, "tool")] == ["quick"]
