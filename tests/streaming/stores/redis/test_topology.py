"""The address of a server: which servers are asked, how often, and what is used if none answers."""

from __future__ import annotations

import gevent
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from flask_headrace.streaming.stores.redis import topology
from flask_headrace.streaming.stores.redis.topology import ServerAddress
from flask_headrace.streaming.stores.redis.url import Address

HERE, THERE = ("here", 1), ("there", 2)


class Guide:
    """Says where something is, or that nobody knows."""

    def __init__(self, says: Address | None) -> None:
        self.says = says
        self.asked = 0

    def find(self) -> Address:
        self.asked += 1
        gevent.sleep(0.01)
        if self.says is None:
            raise RedisConnectionError("nobody knows")
        return self.says


def test_one_that_never_moves_is_not_asked_for() -> None:
    address = ServerAddress(None)
    address.invalidate(None)
    address.redirect(THERE)
    assert address.resolve() is None


def test_it_is_asked_for_once_and_again_after_a_doubt() -> None:
    guide = Guide(HERE)
    address = ServerAddress(guide.find)
    asked = [gevent.spawn(address.resolve) for _ in range(20)]
    gevent.joinall(asked, raise_error=True)
    assert {one.value for one in asked} == {HERE}
    assert guide.asked == 1
    guide.says = THERE
    address.invalidate(THERE)  # as somebody who is late would say
    assert address.resolve() == HERE
    address.invalidate(HERE)
    assert (address.resolve(), guide.asked) == (THERE, 2)


def test_the_word_of_a_server_is_taken() -> None:
    guide = Guide(HERE)
    address = ServerAddress(guide.find)
    address.redirect(THERE)
    assert (address.resolve(), guide.asked) == (THERE, 0)


def test_nobody_is_asked_again_at_once_after_nobody_knew(monkeypatch: pytest.MonkeyPatch) -> None:
    guide = Guide(None)
    address = ServerAddress(guide.find)
    for _ in range(3):
        with pytest.raises(RedisConnectionError, match="nobody knows"):
            address.resolve()
    assert guide.asked == 1
    monkeypatch.setattr(topology, "RETRY_DELAY", 0)
    guide.says = HERE
    assert address.resolve() == HERE


def test_while_nobody_can_be_asked_it_is_tried_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "RETRY_DELAY", 0)
    guide = Guide(HERE)
    address = ServerAddress(guide.find)
    address.resolve()
    guide.says = None
    address.invalidate(HERE)
    assert (address.resolve(), address.resolve()) == (HERE, HERE)
    guide.says = THERE
    assert (address.resolve(), guide.asked) == (THERE, 4)
