"""What the service says of its store: when it starts, in its log, and when it is asked whether it is ready."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_headrace import Settings
from flask_headrace.core.errors import ConfigurationError
from flask_headrace.setup import stores
from flask_headrace.streaming.stores.availability import StoreAvailability
from flask_headrace.streaming.stores.sqlite.store import SqliteStore
from tests.conftest import require
from tests.server.test_start_checks import start
from tests.streaming.stores.redis.server import RedisServer
from tests.support.host import Host
from tests.support.reader import ask, send
from tests.support.service import Service, free_port
from tests.support.started_service import openai_alone
from tests.support.upstream import Upstream, openai_wire

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


def condition_of(store: str) -> StoreAvailability:
    return StoreAvailability(stores.open_configured_store(Settings(store=store), "shop"))


def ready(service: Service) -> tuple[int, dict[str, object]]:
    answer = send(service.url + "/readyz", method="GET")
    return answer.status, answer.json


def test_a_wrong_password_stops_the_start(redis_server: RedisServer) -> None:
    redis_server.client.execute_command("ACL", "SETUSER", "known", "on", ">right", "~*", "&*", "+@all")
    url = redis_server.url.replace("://", "://known:s3cret@")
    code, output = start(HEADRACE_BIND=f"127.0.0.1:{free_port()}", HEADRACE_STORE=url)
    assert code != 0
    assert "Headrace cannot start. HEADRACE_STORE is unix://" in output
    assert "refuses the user or password" in output
    assert not {"s3cret", "Traceback"} & set(output.split())


def test_a_folder_as_a_store_stops_the_start(tmp_path: Path) -> None:
    code, output = start(HEADRACE_BIND=f"127.0.0.1:{free_port()}", HEADRACE_STORE=f"sqlite:///{tmp_path}")
    assert code != 0
    assert f"Headrace cannot start. HEADRACE_STORE names {tmp_path}, which is a folder: name a file in it" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("place", "says"),
    [("", "which is a folder"), ("nowhere/streams.db", "nowhere is no folder"), ("file/streams.db", "is no folder")],
)
def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path, place: str, says: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=says):
        condition_of(f"sqlite:///{tmp_path / place}").check_configuration(is_first=True)


def test_one_that_evicts_is_warned_of(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    redis_server.client.config_set("maxmemory-policy", "allkeys-lru")
    condition_of(redis_server.url).check_configuration(is_first=True)
    assert "maxmemory-policy is allkeys-lru" in caplog.text
    caplog.clear()
    condition_of(redis_server.url).check_configuration(is_first=False)
    redis_server.client.config_set("maxmemory-policy", "noeviction")
    condition_of(redis_server.url).check_configuration(is_first=True)
    assert caplog.text == ""


def test_a_look_that_fails_as_nobody_expected_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: SqliteStore) -> None:
        raise KeyError

    monkeypatch.setattr(SqliteStore, "check", fail)
    condition_of(f"sqlite:///{tmp_path / 'streams.db'}").check_configuration(is_first=True)
    assert "could not be checked (KeyError)" in caplog.text


def test_one_that_is_down_is_told_and_stops_nothing_and_what_must_be_changed_is_no_readiness(
    redis_server: RedisServer, upstream: Upstream
) -> None:
    upstream.answer("stored", openai_wire.answer("one"))
    redis_server.kill()
    with Service(HEADRACE_STORE=redis_server.url, **openai_alone(upstream)) as own:
        assert own.log().count("cannot be used: no connection to it comes about") == 1
        assert "MonkeyPatchWarning" not in own.log()
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


def start_host(folder: Path, own: dict[str, object], **settings: str) -> tuple[int, str]:
    (folder / "hosting.py").write_text(HOST.format(settings={"HEADRACE_EMBEDDED": False, **own}))
    arguments = ("--pythonpath", str(folder), "hosting:app")
    return start(*arguments, HEADRACE_BIND=f"127.0.0.1:{free_port()}", **settings)


class TestAnApplicationOfOnesOwn:
    def test_whose_store_is_a_folder_is_not_started(self, tmp_path: Path) -> None:
        code, output = start_host(tmp_path, {"HEADRACE_STORE": f"sqlite:///{tmp_path}"})
        assert code != 0
        assert f"Headrace cannot start. HEADRACE_STORE names {tmp_path}, which is a folder: name a file in it" in output

    def test_whose_store_wants_another_password_is_not_started(self, redis_server: RedisServer, tmp_path: Path) -> None:
        url = redis_server.url.replace("://", "://:s3cret@")
        code, output = start_host(tmp_path, {"HEADRACE_STORE": url}, WEB_CONCURRENCY="2")
        assert code != 0
        assert "Headrace cannot start. HEADRACE_STORE is unix://" in output
        assert "it needs no password" in output
        assert "s3cret" not in output

    def test_whose_store_is_right_is_started_whatever_the_environment_names(
        self, upstream: Upstream, tmp_path: Path
    ) -> None:
        code = HOST.format(settings={"HEADRACE_STORE": "memory", "HEADRACE_EMBEDDED": False})
        with Host(tmp_path, code, HEADRACE_STORE=f"sqlite:///{tmp_path}") as own:
            assert "HEADRACE_STORE" not in own.log()

    def test_is_told_once_of_a_store_that_is_away(self, redis_server: RedisServer, tmp_path: Path) -> None:
        redis_server.kill()
        code = HOST.format(settings={"HEADRACE_STORE": redis_server.url, "HEADRACE_EMBEDDED": False})
        with Host(tmp_path, code, WEB_CONCURRENCY="2") as own:
            own.wait_until(lambda: own.log().count("Booting worker") == 2)
            own.wait_until(lambda: "cannot be used: no connection to it comes about" in own.log())
            assert own.log().count("cannot be used") == 1


def test_gunicorns_own_worker_logs_it_when_the_first_resumable_stream_is_asked_for(
    redis_server: RedisServer, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.answer("stored", openai_wire.answer("one"))
    store = redis_server.url.replace("://", "://:s3cret@")
    code = "import logging\nlogging.basicConfig()\n"
    code += HOST.format(settings={"HEADRACE_STORE": store, "HEADRACE_EMBEDDED": False})
    own = Host(tmp_path, code, OPENAI_BASE_URL=upstream.url + "/v1", OPENAI_API_KEY="sk-test-openai")
    own.command[3:] = ["-k", "gevent", "-b", f"127.0.0.1:{own.port}", "--pythonpath", str(tmp_path), "hosting:app"]
    own.folder = tmp_path  # gunicorn reads a gunicorn.conf.py that stands where it is started
    with own:
        assert ask(own.url, "openai/stored").status == 200
        assert "HEADRACE_STORE" not in own.log()
        for _ in range(2):
            assert send(own.url + "/api/chat", RESUMABLE).error["code"] == "store_unavailable"
        own.wait_until(lambda: "it needs no password" in own.log())
        assert own.log().count("HEADRACE_STORE is unix://") == 1
        assert "s3cret" not in own.log()


def test_each_application_of_several_workers_has_a_file_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    opened = [
        stores.open_configured_store(Settings(bind=bind), application)
        for application, bind in (("shop", "127.0.0.1:8000"), ("desk", "127.0.0.1:8000"), ("shop", "127.0.0.1:8001"))
    ]
    again = stores.open_configured_store(Settings(), "shop")
    assert len({repr(store) for store in opened}) == 3
    assert repr(again) == repr(opened[0])
    for store in [*opened, again]:
        store.close()
