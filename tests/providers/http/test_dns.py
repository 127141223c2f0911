"""Lookups of names are independent: a slow name server for one name does not delay another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import gevent
import httpx2
import pytest

from flask_headrace.providers.http import dns, sdk_import
from flask_headrace.providers.http.native_thread import ThreadTask
from flask_headrace.providers.http.transport import Transport
from tests.providers.http.requests import ask, body_of
from tests.providers.http.resolver import FakeResolver
from tests.support.event_loop import until
from tests.support.upstream import Upstream, openai_wire

MANY = 30
"""More lookups than gevent's pool has threads."""


@pytest.fixture
def names() -> Iterator[FakeResolver]:
    with FakeResolver() as running:
        yield running


@pytest.fixture
def good(own_upstream: Upstream) -> Upstream:
    own_upstream.answer("m", openai_wire.answer("Hel", "lo"))
    return own_upstream


def ask_briefly(url: str) -> str:
    try:
        ask(Transport(connect_timeout=0.05), url, "m")
    except httpx2.ConnectTimeout as error:
        return str(error)
    return "connected"


class TestANameThatHangs:
    def test_keeps_no_other_name_waiting(self, names: FakeResolver, good: Upstream) -> None:
        slow = [names.add(f"slow{n}.example", hangs=True) for n in range(MANY)]
        jobs = [gevent.spawn(ask_briefly, url) for url in slow]
        gevent.joinall(jobs, timeout=60)
        assert {job.value for job in jobs} == {"no connection within 0.05 s"}
        # Shorter than the others hang, and longer than a busy machine needs.
        assert b"Hel" in body_of(ask(Transport(connect_timeout=15), names.add("fast.example", good.url), "m"))

    def test_is_asked_once_for_all_who_want_it_also_where_they_gave_it_up(self, names: FakeResolver) -> None:
        url = names.add("slow.example", hangs=True)
        for _ in range(3):
            gevent.joinall([gevent.spawn(ask_briefly, url) for _ in range(MANY)], timeout=60)
        assert names.asked == ["slow.example"]

    def test_that_answers_at_last_is_an_answer_for_all_who_still_wait(self, names, good, transport) -> None:
        url = names.add("slow.example", good.url, hangs=True)
        assert ask_briefly(url) == "no connection within 0.05 s"
        jobs = [gevent.spawn(lambda: body_of(ask(transport, url, "m"))) for _ in range(3)]
        gevent.sleep(0)
        names.release("slow.example")
        gevent.joinall(jobs, timeout=10, raise_error=True)
        assert all(b"Hel" in job.value for job in jobs)
        assert names.asked == ["slow.example"]

    def test_is_asked_anew_once_it_has_answered(self, names: FakeResolver, good: Upstream) -> None:
        url = names.add("fast.example", good.url)
        for _ in range(2):
            body_of(ask(Transport(connect_timeout=5), url, "m"))
        assert names.asked == ["fast.example"] * 2

    def test_and_is_unknown_in_the_end_is_so_for_all_who_wait(self, names: FakeResolver, transport: Transport) -> None:
        url = names.add("slow.example", hangs=True)
        jobs = [gevent.spawn(ask, transport, url, "m") for _ in range(3)]
        until(lambda: names.asked)
        names.release("slow.example")
        gevent.joinall(jobs, timeout=60)
        assert {(type(job.exception), "not known" in str(job.exception)) for job in jobs} == {
            (httpx2.ConnectError, True)
        }

    def test_is_asked_once_by_threads_that_have_loops_of_their_own(self, names: FakeResolver, good: Upstream) -> None:
        url = names.add("slow.example", good.url, hangs=True)
        got: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: got.append(body_of(ask(Transport(10), url, "m"))), daemon=True)
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        task = until(lambda: next(iter(dns._lookups.values()), None))
        until(lambda: len(task._waiters) == len(threads))
        names.release("slow.example")
        for thread in threads:
            thread.join(10)
        assert [b"Hel" in body for body in got] == [True] * len(threads)
        assert names.asked == ["slow.example"]

    def test_is_asked_anew_by_a_process_that_was_forked_meanwhile(self, names: FakeResolver) -> None:
        job = gevent.spawn(ask_briefly, names.add("slow.example", hangs=True))
        until(lambda: dns._lookups)
        child = os.fork()
        if child == 0:
            os._exit(len(dns._lookups) + dns._lock.locked())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        job.join(10)


class TestThreadTask:
    def test_is_none_for_gevents_pool_in_which_names_are_looked_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        begun, is_over = threading.Event(), threading.Event()

        def take_long(_: str) -> None:
            begun.set()
            is_over.wait(10)

        monkeypatch.setattr(sdk_import, "_imported_sdks", set())
        monkeypatch.setattr(sdk_import, "import_sdk_in_this_thread", take_long)
        job = gevent.spawn(sdk_import.import_sdk, "acme")
        try:
            until(begun.is_set)
            assert len(gevent.get_hub().threadpool) == 0
        finally:
            is_over.set()
        job.get(timeout=15)

    def test_gives_its_result_and_its_error_to_each_who_waits(self) -> None:
        def fail() -> None:
            raise ZeroDivisionError

        for work, outcome in ((lambda: 7, 7), (fail, "ZeroDivisionError")):
            task: ThreadTask[object] = ThreadTask(work)
            assert [outcome_of(task.result) for _ in range(3)] == [outcome] * 3

    def test_may_wait_in_ways_of_gevents_and_leaves_no_loop_behind(self) -> None:
        hubs: list[object] = []

        def wait() -> None:
            gevent.sleep(0.001)
            hubs.append(gevent.get_hub())

        ThreadTask(wait).result()
        assert hubs[0] is not gevent.get_hub()
        until(lambda: hubs[0].loop is None)


def outcome_of(call: Callable[[], object]) -> object:
    try:
        return call()
    except ZeroDivisionError as error:
        return type(error).__name__
