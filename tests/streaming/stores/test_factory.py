"""The store that HEADRACE_STORE names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flask_headrace.core.errors import ConfigurationError
from flask_headrace.streaming.stores.base import Store
from flask_headrace.streaming.stores.factory import open_store
from flask_headrace.streaming.stores.memory import MemoryStore
from flask_headrace.streaming.stores.redis.store import RedisStore
from flask_headrace.streaming.stores.sqlite.store import SqliteStore
from tests.streaming.stores.stage import WIDE


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory", MemoryStore),
        ("sqlite:///streams.db", SqliteStore),
        ("redis://127.0.0.1:6379/0", RedisStore),
        ("rediss://user:password@host", RedisStore),
        ("valkey://host:1/2", RedisStore),
        ("valkeys://host", RedisStore),
        ("unix:///run/redis.sock?db=1", RedisStore),
        ("redis+cluster://user:password@host:1,host2:2", RedisStore),
        ("rediss+cluster://host/0?ssl_ca_certs=ca.pem", RedisStore),
        ("valkey+cluster://[::1]:7000,host", RedisStore),
        ("redis+sentinel://user:password@host:1,host2/service/3", RedisStore),
        ("rediss+sentinel://host/service?sentinel_password=x", RedisStore),
        ("valkeys+sentinel://host/service", RedisStore),
    ],
)
def test_each_form_names_a_store(url: str, kind: type) -> None:
    store = open_store(url, WIDE)
    assert isinstance(store, kind)
    assert isinstance(store, Store)
    store.close()


def test_a_path_is_relative_with_three_slashes_and_absolute_with_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url, path in (("sqlite:///here.db", "here.db"), (f"sqlite:///{tmp_path}/there%20x.db", "there x.db")):
        store = open_store(url, WIDE)
        store.renew_lease("w")
        assert (tmp_path / path).exists()
        store.close()


@pytest.mark.parametrize(
    "url", ["", "Memory", "memory://", "sqlite://", "sqlite:///", "sqlite://x.db", "streams.db", "mysql://h/d"]
)
def test_anything_else_is_refused_with_the_forms(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"sqlite:///relative\.db") as raised:
        open_store(url, WIDE)
    assert repr(url) in raised.value.message


@pytest.mark.parametrize("url", ["mysql://user:s3cret@host/d", "x://:s3cret@h", "x://h?password=s3cret&y=1"])
def test_a_password_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        open_store(url, WIDE)
    assert "s3cret" not in raised.value.message
    assert "***" in raised.value.message


def test_a_missing_package_is_told_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("flask_headrace.streaming.stores.redis.store", "flask_headrace.streaming.stores.redis.connection"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "redis.connection")
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'flask-headrace\[redis\]'") as raised:
        open_store("redis://:s3cret@host", WIDE)
    assert "s3cret" not in raised.value.message
