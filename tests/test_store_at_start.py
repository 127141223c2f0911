"""What the service says of its store: when it starts, in its log, and when it is asked whether it is ready."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_headrace.streaming.errors import ConfigurationError
from flask_headrace.streaming.stores.sqlite import SqliteStore

from flask_headrace import Settings, stores
from tests.conftest import require
from tests.host import Host
from tests.reader import ask, send
from tests.reliability.start import openai_alone
from tests.service import Service, free_port
from tests.streaming.stores.redis_server import RedisServer
from tests.test_start import start
from tests.upstream import Upstream, openai_wire

pytestmark = pytest.mark.slow

HOST = """
from flask import Flask
from flask_headrace import Headrace

app = Flask(__name__)
app.config.update({settings!r})
Headrace(app)
"""

RESUMABLE = {"messages": [{"role": "user", "content": "?"}], "model": "openai/stored", "resumable": True}


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(require("redis-server", "apt-get install redis-server"), tmp_path)
    yield server
    server.close()


def ready(service: Service) -> tuple[int, dict[str, object]]:
    answer = send(service.url + "/readyz", method="GET")
    return answer.status, answer.json


def test_a_wrong_password_stops_the_start(redis_server: RedisServer) -> None:
    redis_server.client.execute_command("ACL", "SETUSER", "known", "on", ">right", "~*", "&*", "+@all")
    url = redis_server.url.replace("://", "://known:s3cret@")
    code, said = start(HEADRACE_BIND=f"127.0.0.1:{free_port()}", HEADRACE_STORE=url)
    assert code != 0
    assert "Headrace cannot start. HEADRACE_STORE is unix://" in said
    assert "refuses the user or password" in said
    assert not {"s3cret", "Traceback"} & set(said.split())


def test_a_folder_as_a_store_stops_the_start(tmp_path: Path) -> None:
    code, said = start(HEADRACE_BIND=f"127.0.0.1:{free_port()}", HEADRACE_STORE=f"sqlite:///{tmp_path}")
    assert code != 0
    assert f"Headrace cannot start. HEADRACE_STORE names {tmp_path}, which is a folder: name a file in it" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("place", "says"),
    [("", "which is a folder"), ("nowhere/streams.db", "nowhere is no folder"), ("file/streams.db", "is no folder")],
)
def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path, place: str, says: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=says):
        stores.warning(Settings(store=f"sqlite:///{tmp_path / place}"))


def test_one_that_evicts_is_warned_of(redis_server: RedisServer) -> None:
    redis_server.client.config_set("maxmemory-policy", "allkeys-lru")
    told = stores.warning(Settings(store=redis_server.url))
    redis_server.client.config_set("maxmemory-policy", "noeviction")
    assert told is not None
    assert "maxmemory-policy is allkeys-lru" in told
    assert stores.warning(Settings(store=redis_server.url)) is None


def test_a_look_that_fails_as_nobody_expected_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: SqliteStore) -> None:
        raise KeyError

    monkeypatch.setattr(SqliteStore, "check", fail)
    told = stores.warning(Settings(store=f"sqlite:///{tmp_path / 'streams.db'}"))
    assert told is not None
    assert "KeyError" in told


def test_one_that_is_down_is_told_and_stops_nothing_and_what_must_be_changed_is_no_readiness(
    redis_server: RedisServer, upstream: Upstream
) -> None:
    upstream.answer("stored", openai_wire.answer("one"))
    redis_server.kill()
    with Service(HEADRACE_STORE=redis_server.url, **openai_alone(upstream)) as own:
        assert own.log().count("cannot be used: no connection to it comes about") == 1
        # The model may need a moment on a machine that is busy; the store is not waited for.
        own.wait_until(lambda: ready(own)[0] == 200, 30)
        status, body = ready(own)
        assert (status, body["status"]) == (200, "ok")
        assert body["store"].startswith("unavailable: The store unix://")
        assert ask(own.url, "openai/stored").status == 200
        redis_server.start()
        own.wait_until(lambda: ready(own) == (200, {"status": "ok"}), 20)
        assert send(own.url + "/api/chat", RESUMABLE).status == 200
        redis_server.client.config_set("requirepass", "s3cret")
        own.wait_until(lambda: ready(own)[0] == 503, 20)
        assert "refuses the user or password" in ready(own)[1]["error"]["message"]


def test_an_application_of_ones_own_logs_it_when_the_first_resumable_stream_is_asked_for(
    redis_server: RedisServer, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.answer("stored", openai_wire.answer("one"))
    store = redis_server.url.replace("://", "://:s3cret@")
    code = HOST.format(settings={"HEADRACE_STORE": store, "HEADRACE_LOCAL": False})
    with Host(tmp_path, code, OPENAI_BASE_URL=upstream.url + "/v1", OPENAI_API_KEY="sk-test-openai") as own:
        assert ask(own.url, "openai/stored").status == 200
        assert "HEADRACE_STORE" not in own.log()
        for _ in range(2):
            assert send(own.url + "/api/chat", RESUMABLE).error["code"] == "store_unavailable"
        own.wait_until(lambda: "it needs no password" in own.log())
        assert own.log().count("HEADRACE_STORE is unix://") == 1
        assert "s3cret" not in own.log()
