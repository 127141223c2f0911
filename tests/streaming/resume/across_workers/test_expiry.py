"""A stream whose retention ends between the lookup of its record and the first read of its events."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.host import Host
from tests.support.reader import ask, send
from tests.support.started_service import openai_alone
from tests.support.upstream import Upstream, openai_wire

HOST = """
import gevent
from flask_headrace import create_app
from flask_headrace.streaming.stores import memory
from flask_headrace.streaming.stores.base import StoreLimits
from flask_headrace.streaming.stores.sqlite.store import SqliteStore

app = create_app()


def expiring_when_found(store):
    def find_last(self, id):
        while (found := find(self, id)) is not None and not found.is_finished:
            gevent.sleep(0.01)  # its end is on its way into the store
        self._limits = StoreLimits(retention=1e-9)
        return found

    find, store.find = store.find, find_last


expiring_when_found(memory.MemoryStore)
expiring_when_found(SqliteStore)
"""


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("protocol", ["native", "openai"])
def test_is_a_404_as_it_is_from_then_on(tmp_path: Path, upstream: Upstream, store: str, protocol: str) -> None:
    place = "memory" if store == "memory" else f"sqlite:///{tmp_path}/streams.db"
    upstream.answer("expiring", openai_wire.answer("one"))
    with Host(tmp_path, HOST, **openai_alone(upstream), HEADRACE_STORE=place) as own:
        id_ = ask(own.url, "openai/expiring", resumable=True).headers["headrace-stream-id"]
        own.wait_until(lambda: send(own.url + "/healthz", method="GET").json["streams"] == 0)
        url = f"{own.url}/api/streams/{id_}?protocol={protocol}"
        answers = [send(url, method="GET") for _ in range(2)]
        assert [answer.status for answer in answers] == [404, 404]
        assert answers[0].error["message"] == answers[1].error["message"]  # each in its protocol's form
