"""The parsing of Redis URLs."""

from __future__ import annotations

import pytest

from flask_headrace.core.errors import ConfigurationError
from flask_headrace.streaming.stores.redis.url import RedisURL, parse_redis_url


def read(url: str) -> RedisURL:
    return parse_redis_url(url, {"socket_timeout": 2.0})


def test_one_server() -> None:
    target = read("rediss://us%40er:pass@host:7/3?socket_timeout=9")
    assert (target.kind, target.name, target.seeds) == ("", "rediss://host:7", ())
    assert target.connection.__name__ == "SSLConnection"
    assert target.options == {
        "username": "us@er", "password": "pass", "host": "host", "port": 7, "db": 3, "socket_timeout": 9.0,
    }  # fmt: skip


def test_the_servers_of_a_cluster() -> None:
    target = read("redis+cluster://user:pa%3Ass@one:1,[::1]:2,three/")
    assert (target.kind, target.name) == ("cluster", "redis+cluster://one:1,[::1]:2,three:6379")
    assert target.seeds == (("one", 1), ("::1", 2), ("three", 6379))
    assert (target.options["username"], target.options["password"]) == ("user", "pa:ss")


def test_sentinels_and_the_service_that_they_know() -> None:
    target = read("valkey+sentinel://user:pass@one:1,two/my%20master/5?sentinel_password=theirs&client_name=x")
    assert (target.kind, target.name) == ("sentinel", "valkey+sentinel://one:1,two:26379/my master")
    assert (target.seeds, target.service) == ((("one", 1), ("two", 26379)), "my master")
    assert {name: target.options[name] for name in ("username", "password", "db", "client_name")} == {
        "username": "user", "password": "pass", "db": 5, "client_name": "x",
    }  # fmt: skip
    assert target.sentinel_options == {"password": "theirs", "socket_timeout": 2.0, "client_name": "x"}


def test_the_password_of_the_server_is_not_told_to_the_sentinels() -> None:
    assert "password" not in read("redis+sentinel://:pass@one/service").sentinel_options


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis+cluster://:s3cret@", "write redis+cluster://"),
        ("redis+cluster://:s3cret@one:port", "write redis+cluster://"),
        ("redis+cluster://:s3cret@one,,two", "write redis+cluster://"),
        ("redis+cluster://:s3cret@one/3", "the path '/3': a cluster has the database 0 only"),
        ("redis+cluster://:s3cret@one?max_flowers=3", "write redis+cluster://"),
        ("redis+sentinel://:s3cret@one", "names no service: write redis+sentinel://"),
        ("redis+sentinel://:s3cret@one/", "names no service: write redis+sentinel://"),
        ("redis+sentinel://:s3cret@/service", "write redis+sentinel://"),
        ("redis+sentinel://:s3cret@one/service/x", "write redis+sentinel://"),
        ("redis+sentinel://:s3cret@one/service?max_flowers=3", "write redis+sentinel://"),
        ("redis://:s3cret@one:port", "write redis://"),
    ],
)
def test_what_cannot_be_understood_is_told_with_how_it_is_written(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(url)
    assert says in raised.value.message
    assert "s3cret" not in raised.value.message
