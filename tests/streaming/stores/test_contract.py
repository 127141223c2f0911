"""The contract of every store: claims, numbers, cursors, stop requests and readers."""

from __future__ import annotations

import gevent
import pytest

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.streaming.stores.base import RESERVED_TERMINAL_BYTES, Store, StreamClaim, StreamRecord
from tests.streaming.stores.stage import Storage, claim, entry, fill, found, payloads
from tests.support.event_loop import until

ODD_IDS = ["ä ö/ü", "a:b:c", "{tag}", "*?[x]", "'; DROP TABLE streams; --", "a\nb\r\nc", '"', "x" * 300, "%00", "🜂"]


class TestClaim:
    def test_of_a_new_stream_is_the_callers(self, store: Store) -> None:
        wanted = StreamClaim("s", "w", "owner", "question", b"\x00\xff about")
        assert store.claim(wanted) is None
        assert store.find("s") == StreamRecord(wanted)

    def test_of_one_that_is_there_returns_its_record(self, store: Store) -> None:
        fill(store, b"a", b"b")
        assert store.claim(claim(worker="late", question="other")) == StreamRecord(claim(), last=2)

    def test_of_a_finished_one_returns_its_record(self, store: Store) -> None:
        fill(store, b"a", ends=True)
        assert store.claim(claim(worker="late")) == StreamRecord(claim(), last=1, is_finished=True)

    def test_by_many_at_once_is_won_by_one(self, storage: Storage) -> None:
        stores = [storage.open() for _ in range(4)]
        tries = [gevent.spawn(stores[n % 4].claim, claim(worker=f"w{n}")) for n in range(40)]
        results = [one.get() for one in tries]
        winner = results.index(None)
        assert {record.claim.worker for record in results if record is not None} == {f"w{winner}"}
        assert results.count(None) == 1

    @pytest.mark.parametrize("odd", ODD_IDS)
    def test_takes_ids_with_odd_characters(self, store: Store, odd: str) -> None:
        fill(store, b"a", stream=odd, worker=odd)
        store.add_reader(odd, odd, 10)
        store.renew_lease(odd)
        assert found(store, odd).claim == claim(odd, odd)
        assert payloads(store.read(odd, 0, 100)) == [b"a"]
        assert store.has_stream_readers(odd)
        assert store.is_alive(odd)
        assert store.find(odd + "x") is None


class TestAppend:
    def test_of_many_streams_at_once(self, store: Store) -> None:
        for number in range(150):
            store.claim(claim(str(number)))
        for first in (1, 2):
            assert not store.append("w", [entry(first, payload=b"%d" % n, stream=str(n)) for n in range(150)])
        assert all(payloads(store.read(str(n), 0, 100)) == [b"%d" % n] * 2 for n in range(150))

    def test_of_several_entries_of_one_stream_keeps_their_order(self, store: Store) -> None:
        store.claim(claim())
        store.append("w", [entry(1, 2, b"a"), entry(3, 1, b"b"), entry(4, 5, b"c")])
        assert found(store).last == 8
        assert [(e.first, e.count, e.payload) for e in store.read("s", 0, 99)] == [
            (1, 2, b"a"), (3, 1, b"b"), (4, 5, b"c"),
        ]  # fmt: skip

    def test_of_nothing(self, store: Store) -> None:
        assert store.append("w", []) == set()

    @pytest.mark.parametrize("first", [1, 2, 4, 0])
    def test_refuses_a_number_that_does_not_come_next(self, store: Store, first: int) -> None:
        fill(store, b"a", b"b")
        assert store.append("w", [entry(first)]) == {"s"}
        assert found(store).last == 2
        assert len(store.read("s", 0, 99)) == 2

    def test_refuses_what_follows_a_refused_entry(self, store: Store) -> None:
        fill(store, b"a")
        assert store.append("w", [entry(2), entry(4), entry(5)]) == {"s"}
        assert found(store).last == 2

    def test_refuses_another_workers_entries_and_takes_the_rest(self, store: Store) -> None:
        fill(store, b"a")
        store.claim(claim("mine", "me"))
        assert store.append("me", [entry(2), entry(1, stream="mine")]) == {"s"}
        assert (found(store).last, found(store, "mine").last) == (1, 1)

    def test_refuses_a_stream_that_is_not_there(self, store: Store) -> None:
        assert store.append("w", [entry(1, stream="no such")]) == {"no such"}
        assert store.find("no such") is None

    def test_refuses_what_comes_after_the_end(self, store: Store) -> None:
        fill(store, b"a", ends=True)
        assert store.append("w", [entry(2)]) == {"s"}
        assert found(store) == StreamRecord(claim(), last=1, is_finished=True)

    def test_refuses_what_comes_after_the_end_in_the_same_call(self, store: Store) -> None:
        store.claim(claim())
        assert store.append("w", [entry(1, is_last=True), entry(2)]) == {"s"}
        assert found(store).last == 1

    def test_keeps_payloads_byte_for_byte(self, store: Store) -> None:
        everything = [bytes(range(256)), b"", b"\r\n", b"\x00", b"\xc4\xc5" * 70_000]
        fill(store, *everything)
        assert payloads(store.read("s", 0, 10**9)) == everything


class TestBounds:
    def test_a_stream_has_no_more_bytes_than_it_may(self, storage: Storage) -> None:
        store = storage.open(stream_bytes=10)
        fill(store, b"12345", b"1234")
        assert store.append("w", [entry(3, payload=b"12")]) == {"s"}
        assert store.append("w", [entry(3, payload=b"1")]) == set()
        assert found(store).last == 3

    def test_all_have_no_more_than_they_may_and_the_oldest_finished_one_makes_room(self, storage: Storage) -> None:
        store = storage.open(total_bytes=100)
        fill(store, b"x" * 40, stream="first", ends=True)
        fill(store, b"x" * 40, stream="second", ends=True)
        fill(store, b"x" * 40, stream="third")
        assert store.find("first") is None
        assert store.read("first", 0, 99) == []
        assert len(store.read("second", 0, 99)) == len(store.read("third", 0, 99)) == 1

    def test_a_claim_fails_where_nothing_finished_is_left_to_make_room(self, storage: Storage) -> None:
        store = storage.open(total_bytes=100)
        fill(store, b"x" * 100)
        with pytest.raises(StoreUnavailable, match="100 bytes that they may have") as raised:
            store.claim(claim("more"))
        assert raised.value.retry_after
        assert store.find("more") is None

    def test_an_append_is_refused_where_nothing_finished_is_left_to_make_room(self, storage: Storage) -> None:
        store = storage.open(total_bytes=100)
        fill(store, b"x" * 90)
        assert store.append("w", [entry(2, payload=b"x" * 11)]) == {"s"}
        assert store.append("w", [entry(2, payload=b"x" * 10)]) == set()

    @pytest.mark.parametrize("bounds", [{"stream_bytes": 90}, {"total_bytes": 90}], ids=["of the stream", "of all"])
    def test_there_is_always_room_for_the_last_words(self, storage: Storage, bounds: dict[str, int]) -> None:
        store = storage.open(**bounds)
        fill(store, b"x" * 90)
        assert store.append("w", [entry(2, payload=b"x" * (RESERVED_TERMINAL_BYTES + 1), is_last=True)]) == {"s"}
        assert store.append("w", [entry(2, payload=b"x" * RESERVED_TERMINAL_BYTES, is_last=True)]) == set()
        assert found(store).is_finished

    def test_room_comes_back_when_a_stream_is_removed(self, storage: Storage) -> None:
        store = storage.open(total_bytes=100, retention=0.05)
        for number in range(5):
            fill(store, b"x" * 100, stream=f"s{number}", ends=True)
            until(lambda n=number: store.find(f"s{n}") is None)
            store.delete_expired()


class TestRead:
    @pytest.fixture
    def filled(self, store: Store) -> Store:
        store.claim(claim())
        store.append("w", [entry(1, 3, b"abc"), entry(4, 1, b"d"), entry(5, 2, b"ef")])
        return store

    @pytest.mark.parametrize(
        ("after", "expected"),
        [(0, "abc d ef"), (1, "abc d ef"), (2, "abc d ef"), (3, "d ef"), (4, "ef"), (5, "ef"), (6, ""), (99, "")],
    )
    def test_returns_what_holds_events_beyond_the_cursor(self, filled: Store, after: int, expected: str) -> None:
        assert b" ".join(payloads(filled.read("s", after, 99))).decode() == expected

    @pytest.mark.parametrize(("most", "expected"), [(0, 1), (1, 1), (3, 1), (4, 2), (5, 2), (6, 3)])
    def test_returns_no_more_bytes_than_asked_for_but_one_entry(self, filled: Store, most: int, expected: int) -> None:
        assert len(filled.read("s", 0, most)) == expected

    def test_in_pieces_gives_everything_once(self, store: Store) -> None:
        everything = [b"%d" % number * (number % 7) for number in range(700)]
        fill(store, *everything)
        got: list[bytes] = []
        while entries := store.read("s", len(got), 100):
            got += payloads(entries)
        assert got == everything

    def test_of_no_stream_is_empty(self, store: Store) -> None:
        assert store.read("no such", 0, 99) == []


class TestStop:
    def test_is_seen_in_the_record(self, store: Store) -> None:
        store.claim(claim())
        store.request_stop("s")
        store.request_stop("s")
        assert found(store).is_stopping
        assert store.append("w", [entry(1, is_last=True)]) == set()

    def test_of_what_has_ended_does_nothing(self, store: Store) -> None:
        fill(store, b"a", ends=True)
        store.request_stop("s")
        assert not found(store).is_stopping

    def test_of_no_stream_does_nothing(self, store: Store) -> None:
        store.request_stop("no such")
        assert store.find("no such") is None


class TestPresence:
    def test_lasts_until_the_last_reader_leaves(self, store: Store) -> None:
        store.add_reader("s", "one", 60)
        store.add_reader("s", "two", 60)
        store.remove_reader("s", "one")
        assert store.has_stream_readers("s")
        store.remove_reader("s", "two")
        store.remove_reader("s", "two")
        assert not store.has_stream_readers("s")

    def test_lasts_until_its_time_is_over(self, store: Store) -> None:
        store.add_reader("s", "one", 0.3)
        assert store.has_stream_readers("s")
        until(lambda: not store.has_stream_readers("s"))

    def test_can_be_prolonged(self, store: Store) -> None:
        store.add_reader("s", "one", 0.1)
        store.add_reader("s", "one", 60)
        gevent.sleep(0.15)
        assert store.has_stream_readers("s")

    def test_is_known_of_a_worker_s_streams_all_together(self, store: Store) -> None:
        store.claim(claim("s", "w"))
        store.claim(claim("t", "v"))
        store.add_reader("gone", "one", 60)
        assert not store.has_readers("w")
        store.add_reader("s", "one", 0.3)
        assert store.has_readers("w")
        assert not store.has_readers("v")
        until(lambda: not store.has_readers("w"))

    def test_is_each_streams_own(self, store: Store) -> None:
        store.add_reader("s", "one", 60)
        assert not store.has_stream_readers("t")
        store.remove_reader("s", "never came")
        assert store.has_stream_readers("s")


class TestTickets:
    def test_are_taken_once(self, store: Store) -> None:
        store.add_ticket("t", 60)
        store.add_ticket("other", 60)
        assert store.take_ticket("t")
        assert not store.take_ticket("t")
        assert store.take_ticket("other")
        assert not store.take_ticket("never added")

    def test_can_be_taken_until_their_time_is_over(self, store: Store) -> None:
        store.add_ticket("soon over", 0.05)
        store.add_ticket("prolonged", 0.05)
        store.add_ticket("prolonged", 60)
        gevent.sleep(0.15)
        assert not store.take_ticket("soon over")
        assert store.take_ticket("prolonged")

    def test_outlast_a_sweep(self, store: Store) -> None:
        store.add_ticket("t", 60)
        store.delete_expired()
        assert store.take_ticket("t")

    def test_are_taken_by_one_of_many_at_once(self, storage: Storage) -> None:
        stores = [storage.open() for _ in range(4)]
        for number in range(10):
            stores[0].add_ticket(f"t{number}", 60)
        tries = [gevent.spawn(stores[n % 4].take_ticket, f"t{n % 10}") for n in range(80)]
        assert sum(one.get() for one in tries) == 10

    @pytest.mark.parametrize("odd", ODD_IDS)
    def test_may_have_odd_names_and_those_of_streams(self, store: Store, odd: str) -> None:
        fill(store, b"a", stream=odd)
        store.add_reader(odd, odd, 60)
        store.add_ticket(odd, 60)
        assert store.take_ticket(odd)
        assert store.has_stream_readers(odd)
        assert found(store, odd).last == 1

    def test_last_longer_than_the_worker_that_added_them(self, storage: Storage) -> None:
        storage.open().add_ticket("t", 60)
        if storage.is_shared:
            storage.stores[0].close()
        assert storage.open().take_ticket("t")


def test_close_twice(storage: Storage) -> None:
    store = storage.open()
    fill(store, b"a")
    store.close()
    store.close()


def test_says_what_it_is(store: Store) -> None:
    assert type(store).__name__ in repr(store)
