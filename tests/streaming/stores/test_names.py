"""The names by which streams are found, in every store: which stream has one, and until when."""

from __future__ import annotations

import pytest

from flask_headrace.streaming.stores.base import Store, StreamRecord
from tests.streaming.stores.stage import Storage, claim, fill
from tests.streaming.stores.test_contract import ODD_IDS
from tests.support.event_loop import until


class TestName:
    def test_finds_the_stream_that_was_last_begun_by_it(self, storage: Storage) -> None:
        store, other = storage.open(), storage.open()
        store.claim(claim("a"), "chat")
        assert other.find_by_name("chat") == StreamRecord(claim("a"))
        fill(other, b"x", stream="b", name="chat")
        assert store.find_by_name("chat") == StreamRecord(claim("b"), last=1)
        fill(store, b"x", stream="c", ends=True)
        assert other.find_by_name("chat") == StreamRecord(claim("b"), last=1)

    def test_of_none_finds_nothing(self, store: Store) -> None:
        store.claim(claim("s"))
        assert store.find_by_name("s") is None
        assert store.find_by_name("") is None

    def test_stays_where_it_is_when_a_claim_finds_its_stream_there(self, store: Store) -> None:
        store.claim(claim("a"))
        store.claim(claim("b"), "chat")
        assert store.claim(claim("a"), "chat") == StreamRecord(claim("a"))
        assert store.find_by_name("chat") == StreamRecord(claim("b"))

    def test_of_what_has_ended_finds_it(self, store: Store) -> None:
        fill(store, b"x", ends=True, name="chat")
        assert store.find_by_name("chat") == StreamRecord(claim(), last=1, is_finished=True)

    def test_is_taken_from_its_stream_and_from_no_other(self, store: Store) -> None:
        store.claim(claim("a"), "chat")
        store.claim(claim("b"), "chat")
        store.clear_name("chat", "a")
        assert store.find_by_name("chat") == StreamRecord(claim("b"))
        store.clear_name("chat", "b")
        store.clear_name("chat", "b")
        assert store.find_by_name("chat") is None
        assert store.find("b") is not None

    @pytest.mark.parametrize("odd", ODD_IDS)
    def test_may_have_odd_characters(self, store: Store, odd: str) -> None:
        store.claim(claim(), odd)
        assert store.find_by_name(odd) == StreamRecord(claim())
        assert store.find_by_name(odd + "x") is None

    def test_makes_room_with_its_stream(self, storage: Storage) -> None:
        store = storage.open(total_bytes=100)
        fill(store, b"x" * 60, stream="first", ends=True, name="chat")
        fill(store, b"x" * 60, stream="second")
        assert store.find_by_name("chat") is None
        store.claim(claim("first"))
        assert store.find_by_name("chat") is None

    def test_is_gone_with_its_stream(self, storage: Storage) -> None:
        store = storage.open(retention=0.3)
        fill(store, b"a", ends=True, name="chat")
        assert store.find_by_name("chat") is not None
        until(lambda: store.find_by_name("chat") is None)
        fill(store, b"a", stream="t")
        store.delete_expired()
        store.claim(claim("s"))
        assert store.find_by_name("chat") is None
