"""Stores that several processes use at once: each worker is a process of its own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import TypeAlias

import pytest

from flask_headrace.streaming.stores.redis import store as redis_store
from flask_headrace.streaming.stores.sqlite import leases as sqlite_leases
from tests.streaming.stores.stage import Storage, Watcher, Worker, claim, entry, fill, found, payloads
from tests.support.event_loop import until

Start: TypeAlias = Callable[[str], Worker]

RACE = (
    "print(sum(store.claim(claim(f's{n}', worker)) is None for n in range(200)), "
    "len({found(store, f's{n}').claim.worker for n in range(200)}))"
)


def test_a_claim_by_many_processes_at_once_is_won_by_one(start_worker: Start) -> None:
    workers = [start_worker(f"w{number}") for number in range(3)]
    for worker in workers:
        worker.say(RACE)
    won = [int(worker.answer().split()[0]) for worker in workers]
    assert sum(won) == 200
    assert min(won) >= 0


def test_a_ticket_is_taken_by_one_of_many_processes(shared: Storage, start_worker: Start) -> None:
    store = shared.open()
    for number in range(200):
        store.add_ticket(f"t{number}", 60)
    workers = [start_worker(f"w{number}") for number in range(3)]
    for worker in workers:
        worker.say("print(sum(store.take_ticket(f't{n}') for n in range(200)))")
    assert sum(int(worker.answer()) for worker in workers) == 200


def test_what_one_process_appends_another_reads(shared: Storage, start_worker: Start) -> None:
    worker = start_worker("w")
    worker.do(r"fill(store, b'\x00\xff', b'', ends=True)")
    store = shared.open()
    assert found(store).is_finished
    assert payloads(store.read("s", 0, 99)) == [b"\x00\xff", b""]


def test_appends_of_many_processes_at_once_are_all_kept(shared: Storage, start_worker: Start) -> None:
    workers = [start_worker(f"w{number}") for number in range(3)]
    for worker in workers:
        worker.say(
            "store.claim(claim(worker, worker)); "
            "print(*[store.append(worker, [entry(n, stream=worker)]) for n in range(1, 201)])"
        )
    assert all(set(worker.answer().split()) == {"set()"} for worker in workers)
    store = shared.open()
    assert [found(store, f"w{number}").last for number in range(3)] == [200] * 3


def test_a_watch_sees_another_process_soon(shared: Storage, start_worker: Start) -> None:
    worker = start_worker("w")
    store = shared.open()
    worker.do("store.claim(claim())")
    watcher = Watcher(store)
    for number in range(1, 20):
        watcher.sees(lambda n=number: worker.say(f"store.append('w', [entry({n})])"))
        until(lambda n=number: found(store).last == n)


def test_a_process_sees_a_wish_to_stop(shared: Storage, start_worker: Start) -> None:
    worker = start_worker("w")
    worker.do("store.claim(claim()); watcher = Watcher(store)")
    worker.say("print('watching', flush=True); watcher.waits_for(lambda: found(store).is_stopping); print('stopping')")
    assert worker.answer() == "watching"
    shared.open().request_stop("s")
    assert worker.answer() == "stopping"


def test_processes_that_are_gone_count_as_dead_and_lose_their_streams(
    shared: Storage, start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = 1.0
    for module in (redis_store, sqlite_leases):
        monkeypatch.setattr(module, "LEASE_DURATION", lease)
    store = shared.open()
    ends = {"killed": signal.SIGKILL, "stopped": signal.SIGSTOP}
    workers = {name: start_worker(name) for name in ends}
    for name, worker in workers.items():
        worker.do(f"redis_store.LEASE_DURATION = sqlite_leases.LEASE_DURATION = {lease}")
        worker.do("fill(store, b'a', stream=worker, worker=worker); store.renew_lease(worker)")
        assert not store.acquire(name, name, "heir")
    began = time.monotonic()
    for name, worker in workers.items():
        os.kill(worker.process.pid, ends[name])
    for name in workers:
        until(lambda name=name: not store.is_alive(name), lease + 5)
        assert store.acquire(name, name, "heir")
        assert not store.append("heir", [entry(2, stream=name, is_last=True)])
    assert time.monotonic() - began > lease / 2
    os.kill(workers["stopped"].process.pid, signal.SIGCONT)
    late = "print(store.append(worker, [entry(2, stream=worker), entry(3, stream=worker)]))"
    assert workers["stopped"].do(late) == "{'stopped'}"
    assert found(store, "stopped").last == 2


def test_workers_that_start_at_once_make_one_store(shared: Storage, start_worker: Start) -> None:
    workers = [start_worker(f"w{number}") for number in range(4)]
    for worker in workers:
        worker.say("fill(store, b'a', stream=worker, worker=worker); print('made')")
    assert [worker.answer() for worker in workers] == ["made"] * 4
    store = shared.open()
    assert all(found(store, f"w{number}").last == 1 for number in range(4))


def test_a_killed_process_leaves_a_store_that_works(shared: Storage, start_worker: Start) -> None:
    worker = start_worker("w")
    worker.say("store.claim(claim()); n = 0")
    worker.answer()
    worker.say("while True: n += 1; store.append(worker, [entry(n)])")
    store = shared.open()
    until(lambda: found(store).last > 20)
    worker.process.kill()
    worker.process.wait()
    last = found(store).last
    assert len(store.read("s", 0, 10**6)) == last
    fill(store, b"a", stream="next")
    assert store.claim(claim("next")) is not None
