"""Answers with steps whose worker shuts down, or dies, in each window."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.answers.stage import Told
from tests.conftest import require
from tests.steps.faults.stage import HEADERS, HOST, ROLES, WINDOWS, asked_for, check_end, settings
from tests.streaming.stores.redis.server import RedisServer
from tests.support.host import Host
from tests.support.process_info import has_connection_of
from tests.support.reader import Reading, send
from tests.support.upstream import Upstream, openai_wire

windows = pytest.mark.parametrize("window", WINDOWS)


@windows
def test_a_shutdown_ends_it_once(upstream: Upstream, tmp_path: Path, window: str) -> None:
    told = Told(tmp_path / "answers")
    limits = {"HEADRACE_DRAIN": "0.5", "HEADRACE_STORE": "memory"}
    with Host(tmp_path, HOST, **settings(upstream, told, **limits)) as host:
        opened = WINDOWS[window](host, upstream, told, f"shut down {window}")
        with opened.reading:
            host.process.send_signal(signal.SIGTERM)
            rest = opened.rest()
        assert host.process.wait(20) == 0
        assert b"event: cancelled" in rest or b"event: error" in rest
        [answer] = told.about(opened.stream_id)
        check_end(host, upstream, told, opened, window, answer["end"], answer["reason"])
        assert answer["reason"] == "shutdown"


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'streams.db'}"
        return
    server = RedisServer(require("redis-server", "apt-get install redis-server"), tmp_path)
    yield server.url
    server.close()


@pytest.mark.slow
@windows
def test_the_end_of_a_worker_that_dies_is_told_once_and_no_tool_runs_again(
    upstream: Upstream, tmp_path: Path, window: str, store: str
) -> None:
    told = Told(tmp_path / "answers")
    with Host(tmp_path, HOST, **settings(upstream, told, HEADRACE_STORE=store, WEB_CONCURRENCY="2")) as host:
        opened = WINDOWS[window](host, upstream, told, f"killed {window} {store}", resumable=True)
        began = told.about(opened.stream_id, "tool")
        pids = {one["pid"] for one in began}
        with opened.reading:
            [worker] = pids or {worker_of(host, opened.reading)}
            os.kill(worker, signal.SIGKILL)
        host.wait_until(lambda: told.about(opened.stream_id), 60)
        [answer] = told.about(opened.stream_id)
        assert (answer["end"], answer["reason"]) == ("failed", "worker_lost")
        assert answer["pid"] != worker
        assert [message["role"] for message in answer["messages"]] == ROLES[window]
        assert (answer["usage"]["output_tokens"] > 0) == (window != "in the approved call")
        assert told.about(opened.stream_id, "tool") == began
        # Whoever reads on learns of the end, and the tools do not run again.
        url = f"{host.url}/assistant/api/streams/{opened.stream_id}"
        body = send(url, method="GET", headers=HEADERS).body
        assert body.count(b"event: error") == 1
        assert b"worker_lost" in body
        assert told.about(opened.stream_id, "tool") == began


def worker_of(host: Host, reading: Reading) -> int:
    """Return the worker that has the other end of a connection."""
    port = reading.sock.getsockname()[1]
    [worker] = [pid for pid in host.workers() if has_connection_of(pid, port)]
    return worker


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
