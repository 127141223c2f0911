"""Answers with steps whose worker shuts down, or dies: one in each window, all at the same time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.answers.stage import Told
from tests.conftest import require
from tests.steps.faults.stage import HEADERS, HOST, ROLES, WINDOWS, asked_for, check_end, settings
from tests.streaming.stores.redis.server import RedisServer
from tests.support.host import Host
from tests.support.reader import send
from tests.support.upstream import Upstream, openai_wire


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'streams.db'}"
        return
    server = RedisServer(require("redis-server", "apt-get install redis-server"), tmp_path)
    yield server.url
    server.close()


def test_a_shutdown_ends_each_once(upstream: Upstream, tmp_path: Path) -> None:
    told = Told(tmp_path / "answers")
    limits = {"HEADRACE_DRAIN": "0.5", "HEADRACE_STORE": "memory"}
    with Host(tmp_path, HOST, **settings(upstream, told, **limits)) as host, ExitStack() as stack:
        opened = {name: window(host, upstream, told, f"shut down {name}") for name, window in WINDOWS.items()}
        for one in opened.values():
            stack.enter_context(one.reading)
        host.process.send_signal(signal.SIGTERM)
        rests = [one.rest() for one in opened.values()]
        assert host.process.wait(20) == 0
        for rest in rests:
            assert rest.count(b"event: error") == 1
            assert b'"code":"shutting_down"' in rest
        for name, one in opened.items():
            check_end(host, upstream, told, one, name, "failed", "shutting_down")


@pytest.mark.slow
def test_a_worker_that_dies_is_told_once_of_each_and_no_tool_runs_again(
    upstream: Upstream, tmp_path: Path, store: str
) -> None:
    told = Told(tmp_path / "answers")
    with Host(tmp_path, HOST, **settings(upstream, told, HEADRACE_STORE=store)) as host:
        [worker] = host.workers()
        windows = {
            name: window(host, upstream, told, f"killed {name} {store}", resumable=True)
            for name, window in WINDOWS.items()
        }
        began = {name: told.about(one.stream_id, "tool") for name, one in windows.items()}
        os.kill(worker, signal.SIGKILL)
        for name, one in windows.items():
            one.reading.leave()
            host.wait_until(lambda stream_id=one.stream_id: told.about(stream_id), 60)
            [answer] = told.about(one.stream_id)
            assert (answer["end"], answer["reason"]) == ("failed", "worker_lost")
            assert answer["pid"] != worker
            assert [message["role"] for message in answer["messages"]] == ROLES[name]
            assert (answer["usage"]["output_tokens"] > 0) == (name != "in the approved call"), name
            # Whoever reads on learns of the end, and no tool runs again.
            body = send(f"{host.url}/assistant/api/streams/{one.stream_id}", method="GET", headers=HEADERS).body
            assert body.count(b"event: error") == 1
            assert b"worker_lost" in body
        assert {name: told.about(one.stream_id, "tool") for name, one in windows.items()} == began


@pytest.mark.slow
def test_an_approval_outlasts_the_worker_that_asked_for_it(upstream: Upstream, tmp_path: Path, store: str) -> None:
    told = Told(tmp_path / "answers")
    with Host(tmp_path, HOST, **settings(upstream, told, HEADRACE_STORE=store, WEB_CONCURRENCY="2")) as host:
        model = f"asked by the dead {store}"
        conversation = asked_for(host, upstream, told, model, "pay")
        upstream.answer(model, openai_wire.answer("ok"))
        os.kill(told.all()[0]["pid"], signal.SIGKILL)
        body = {"messages": conversation, "model": f"openai/{model}"}
        answers = [send(host.url + "/assistant/api/chat", body, headers=HEADERS) for _ in range(4)]
        assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
        assert [one["what"] for one in told.all("tool")] == ["paid"]
