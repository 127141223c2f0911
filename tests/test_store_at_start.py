"""What the service says of its store: when it starts, in its log, and when it is asked whether it is ready."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require, upstreams
from tests.reader import ask, send
from tests.service import Service, free_port
from tests.streaming.stores.redis_server import RedisServer
from tests.test_start import start
from tests.upstream import Upstream, openai_wire

RESUMABLE = {"messages": [{"role": "user", "content": "?"}], "model": "openai/stored", "resumable": True}


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = require("redis-server", "apt-get install redis-server")
    server = RedisServer(program, tmp_path_factory.mktemp("redis"))
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


def test_one_that_evicts_is_warned_of_once_and_one_that_goes_is_told(
    redis_server: RedisServer, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.answer("stored", openai_wire.answer("one"))
    redis_server.client.config_set("maxmemory-policy", "allkeys-lru")
    with Service(HEADRACE_STORE=redis_server.url, **upstreams(upstream)) as own:
        assert ready(own) == (200, {"status": "ok"})
        assert send(own.url + "/api/chat", RESUMABLE).status == 200
        assert own.log().count("maxmemory-policy is allkeys-lru") == 1
        redis_server.client.config_set("requirepass", "s3cret")
        own.wait_until(lambda: ready(own)[0] == 503)
        _, body = ready(own)
        assert "refuses the user or password" in body["error"]["message"]
        redis_server.kill()
        own.wait_until(lambda: ready(own)[0] == 200)
        assert ready(own)[1]["store"].startswith("unavailable: The store unix://")
        assert ask(own.url, "openai/stored").status == 200
        redis_server.start()
        own.wait_until(lambda: ready(own) == (200, {"status": "ok"}))


def test_one_that_is_down_is_warned_of_and_the_service_starts(upstream: Upstream) -> None:
    with Service(HEADRACE_STORE=f"redis://:s3cret@127.0.0.1:{free_port()}/0", **upstreams(upstream)) as own:
        assert "cannot be used: no connection to it comes about" in own.log()
        assert ready(own)[0] == 200
        assert "s3cret" not in own.log()
