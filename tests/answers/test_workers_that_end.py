"""`on_end` when workers die or shut down."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.answers.stage import HOST, Told, ask, settings_for
from tests.support.host import Host
from tests.support.reader import QUESTION, Reading, send
from tests.support.upstream import Gate, Upstream, openai_wire


def stored_events(path: Path) -> int:
    """Return the number of the last event of the only stream in a SQLite store."""
    with contextlib.closing(sqlite3.connect(path)) as store:
        return int(store.execute("SELECT coalesce(max(last), 0) FROM streams").fetchone()[0])


@pytest.mark.slow
def test_the_end_of_a_dead_workers_stream_is_told_once_by_another_worker_though_nobody_asks_for_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    told = Told(tmp_path / "answers")
    upstream.answer("orphaned", openai_wire.answer("so far", Gate("orphaned"), "never"))
    settings = settings_for(upstream, told) | {
        "WEB_CONCURRENCY": "2",
        "HEADRACE_STORE": f"sqlite:///{tmp_path / 'streams.db'}",
    }
    with Host(tmp_path, HOST, **settings) as host:
        body = {
            "messages": QUESTION,
            "resumable": True,
            "model": "openai/orphaned",
            "context": {"row": 7},
            "chat": "c1",
        }
        with Reading(host.url + "/own", body, headers={"Content-Type": "application/json"}) as reading:
            stream_id = reading.response().getheader("Headrace-Stream-Id")
            reading.until(b"so far")
            host.wait_until(lambda: stored_events(tmp_path / "streams.db") >= 2)
            (started,) = told.about(stream_id, "started")
            os.kill(started["pid"], signal.SIGKILL)
        host.wait_until(lambda: told.about(stream_id, "signal"), 60)
        (answer,) = told.about(stream_id)
        assert answer["pid"] != started["pid"]
        assert (answer["end"], answer["reason"], answer["text"]) == ("failed", "worker_lost", "so far")
        assert (answer["context"], answer["chat"], answer["owner"]) == ({"row": 7}, "c1", "somebody")
        assert answer["question"] == QUESTION
        assert answer["messages"] == [{"role": "assistant", "content": "so far"}]
        assert not answer["is_whole"]
        # Whoever asks for it later ends nothing again.
        assert b"worker_lost" in send(f"{host.url}/assistant/api/streams/{stream_id}", method="GET").body
    assert len(told.about(stream_id)) == 1


def test_a_worker_that_shuts_down_waits_for_what_is_told(upstream: Upstream, tmp_path: Path) -> None:
    told = Told(tmp_path / "answers")
    upstream.answer("drained", openai_wire.answer("whole"))
    slow = HOST.replace("    g.session = answer.id\n", "    g.session = answer.id\n    import time; time.sleep(1.5)\n")
    with Host(tmp_path, slow, **settings_for(upstream, told)) as host:
        stream_id = ask(host, model="openai/drained").headers["headrace-stream-id"]
        host.process.send_signal(signal.SIGTERM)
        host.process.wait(20)
    assert [answer["text"] for answer in told.about(stream_id)] == ["whole"]
