"""The availability of a store, for many callers, without checking the store as often."""

from __future__ import annotations

import logging

import gevent
import pytest

from flask_headrace.core.errors import ConfigurationError, StoreUnavailable
from flask_headrace.streaming.stores import availability as availability_module
from flask_headrace.streaming.stores.availability import StoreAvailability
from flask_headrace.streaming.stores.memory import MemoryStore
from flask_headrace.streaming.stores.redis.store import RedisStore
from tests.streaming.stores.redis.server import RedisServer
from tests.streaming.stores.stage import WIDE, Storage
from tests.support.event_loop import until


def looks(server: RedisServer) -> int:
    """Return how often somebody has looked at a server."""
    return int(server.client.info("commandstats").get("cmdstat_subscribe", {"calls": 0})["calls"])


def test_each_kind_of_store_is_well(storage: Storage) -> None:
    assert StoreAvailability(storage.open()).find_error(5) is None


def test_many_who_ask_at_once_are_told_of_one_look(server: RedisServer) -> None:
    store, before = RedisStore(server.url, WIDE), looks(server)
    availability = StoreAvailability(store)
    asked = [gevent.spawn(availability.find_error, 5) for _ in range(50)]
    gevent.joinall(asked, raise_error=True)
    assert {one.value for one in asked} == {None}
    assert availability.find_error(5) is None
    assert looks(server) - before == 1
    store.close()


def test_who_asks_waits_no_longer_than_they_will_and_one_look_is_under_way(server: RedisServer) -> None:
    store = RedisStore(server.url, WIDE)
    availability, before = StoreAvailability(store), looks(server)
    server.pause()
    try:
        with gevent.Timeout(1.5):
            troubles = [availability.find_error(0.05) for _ in range(5)]
    finally:
        server.go_on()
    assert {type(trouble) for trouble in troubles} == {StoreUnavailable}
    assert "has not answered within 0.05 s" in troubles[0].message
    until(lambda: availability.find_error(0.05) is None)
    assert looks(server) - before == 1
    store.close()


def test_what_was_seen_is_looked_at_again_after_a_while(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability_module, "RESULT_TTL", 0.05)
    store = RedisStore(server.url, WIDE)
    availability = StoreAvailability(store)
    assert availability.find_error(5) is None
    server.kill()
    until(lambda: isinstance(availability.find_error(5), StoreUnavailable))
    server.start()
    until(lambda: availability.find_error(5) is None)
    store.close()


def test_what_somebody_must_change_stays_said_while_it_is_looked_at_again(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(availability_module, "RESULT_TTL", 0.0)
    store = RedisStore(server.url + "?db=99", WIDE)
    availability = StoreAvailability(store)
    assert isinstance(availability.find_error(5), ConfigurationError)
    server.pause()
    try:
        assert isinstance(availability.find_error(0.01), ConfigurationError)
    finally:
        server.go_on()
    store.close()


def test_a_look_that_fails_as_nobody_expected_is_no_store_that_is_well(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore(WIDE)
    availability = StoreAvailability(store)
    assert availability.find_error(5) is None
    monkeypatch.setattr(availability_module, "RESULT_TTL", 0.0)
    monkeypatch.setattr(store, "check", lambda: {}["gone"])
    trouble = availability.find_error(5)
    assert isinstance(trouble, StoreUnavailable)
    assert "KeyError" in trouble.message
    assert "Traceback" in caplog.text


def test_the_log_has_it_once_and_nobody_waits_for_that(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    store = RedisStore(server.url + "?db=99", WIDE)
    availability = StoreAvailability(store)
    server.pause()
    try:
        with caplog.at_level(logging.WARNING, "flask_headrace"), gevent.Timeout(5):
            availability.log_once()
            availability.log_once()
            assert not caplog.messages  # who had waited for the look would have what it came to
            server.go_on()
            until(lambda: caplog.messages)
    finally:
        server.go_on()
    assert [("has no database 99" in message) for message in caplog.messages] == [True]
    store.close()
