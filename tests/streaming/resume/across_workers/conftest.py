"""A pair of workers on each store that several workers can share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import require
from tests.streaming.resume.across_workers.stage import Pair
from tests.streaming.stores.redis.server import RedisServer
from tests.support.upstream import Upstream


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(require("redis-server", "apt-get install redis-server"), tmp_path_factory.mktemp("redis"))
    yield server
    server.close()


def store_url(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return where streams are kept: a new file, or a server that was emptied."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('store')}/streams.db"
    server = request.getfixturevalue("redis_server")
    server.forget_everything()
    return server.url


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def pair(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    settings = getattr(request.module, "SETTINGS", {})
    with Pair(upstream, store_url(request.param, request, tmp_path_factory), **settings) as running:
        yield running
