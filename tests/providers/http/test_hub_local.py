"""Objects of an event loop are not shared with other loops, and are closed when its thread ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from flask_headrace.providers.http.hub_local import HubLocal, destroy_hub_with_thread
from flask_headrace.providers.http.transport import Transport
from flask_headrace.providers.model_lists import MODEL_LIST_TIMEOUT
from flask_headrace.providers.registry import ModelRegistry
from tests.providers.http.requests import ask, body_of
from tests.support.event_loop import until
from tests.support.process_info import descriptors
from tests.support.upstream import Upstream, openai_wire


def in_a_thread(job: Callable[[], Any], limit: float = 10) -> Any:
    """Run `job` in a new thread, wait for the thread's end, and return the result."""
    (got,) = in_threads([job], limit)
    return got


def in_threads(jobs: list[Callable[[], Any]], limit: float = 10) -> list[Any]:
    got: list[Any] = [None] * len(jobs)

    def run(number: int, job: Callable[[], Any]) -> None:
        got[number] = job()

    threads = [threading.Thread(target=run, args=one, daemon=True) for one in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(limit)
        assert not thread.is_alive(), f"a thread has not ended within {limit} s"
    return got


class TestAClient:
    def test_is_made_once_for_an_address(self) -> None:
        clients = HubLocal(lambda address: SimpleNamespace(address=address))
        assert clients.get("a") is clients.get("a")
        assert clients.get("a").address == "a"

    def test_of_another_address_takes_its_place(self) -> None:
        clients = HubLocal(lambda address: SimpleNamespace(address=address))
        first = clients.get("a")
        assert clients.get("b").address == "b"
        assert clients.get("a") is not first

    def test_is_another_one_in_another_loop(self) -> None:
        clients = HubLocal(lambda address: SimpleNamespace(address=address))
        here = clients.get("a")
        there = gevent.get_hub().threadpool.apply(lambda: clients.get("a"))
        assert there is not here
        assert clients.get("a") is here

    def test_is_closed_when_its_thread_ends(self) -> None:
        closed: list[object] = []
        clients = HubLocal(lambda _: object(), closed.append)
        here = clients.get("a")
        there = in_a_thread(lambda: clients.get("a"))
        assert closed == [there]
        assert clients.get("a") is here


class TestAThreadThatEnds:
    def test_closes_the_connections_that_it_has_kept(self, own_upstream: Upstream) -> None:
        own_upstream.answer("m", openai_wire.answer("a"))
        transports = HubLocal(lambda _: Transport(), lambda transport: transport.close())
        in_a_thread(lambda: body_of(ask(transports.get(None), own_upstream.url, "m")))
        own_upstream.wait_for(lambda: own_upstream.connections.open == 0)

    def test_leaves_no_file_and_no_thread_behind(self) -> None:
        def wait() -> None:
            destroy_hub_with_thread()
            gevent.sleep(0.001)
            gevent.get_hub().threadpool.apply(int)

        in_a_thread(wait)
        files, tasks = len(descriptors(os.getpid())), len(os.listdir("/proc/self/task"))
        for _ in range(20):
            in_a_thread(wait)
        assert len(descriptors(os.getpid())) <= files
        assert len(os.listdir("/proc/self/task")) <= tasks + 2  # the last ones may still be on their way out

    def test_lets_its_greenlets_come_to_their_end_first(self) -> None:
        ended = threading.Event()

        def leave_one() -> None:
            destroy_hub_with_thread()
            gevent.spawn_later(0.05, ended.set)
            gevent.sleep(0)

        in_a_thread(leave_one)
        assert ended.is_set()

    def test_takes_nothing_of_another_loop_with_it(self) -> None:
        clients = HubLocal(lambda _: object())
        here = clients.get(None)
        in_a_thread(lambda: clients.get(None))
        gevent.sleep(0.001)
        assert clients.get(None) is here


class Slow:
    """A provider whose list of models takes a moment."""

    name = pricing_provider = "slow"
    is_embedded = False
    unsupported_features: frozenset[str] = frozenset()

    def models(self) -> list[str]:
        gevent.sleep(0.05)
        return ["m"]


def test_threads_that_wait_for_the_same_list_all_get_it_also_after_the_thread_that_waited_first_has_ended() -> None:
    registry = ModelRegistry([Slow()], None, "nothing")  # type: ignore[list-item]
    in_a_thread(registry.models)
    for _ in range(3):
        registry._lists.clear()
        lists = in_threads([registry.models] * 4)
        assert [[model.name for model in models] for models in lists] == [["m"]] * 4


def test_a_list_that_is_out_of_date_is_renewed_also_where_the_thread_that_has_seen_it_does_nothing_more() -> None:
    registry = ModelRegistry([Slow()], None, "nothing")  # type: ignore[list-item]
    in_a_thread(registry.models)
    registry._lists["slow"] = registry._lists["slow"]._replace(expires_at=0.0)
    is_over = threading.Event()

    def ask_and_wait() -> None:
        registry.resolve("m")
        is_over.wait(10)

    asking = threading.Thread(target=ask_and_wait)
    asking.start()
    try:
        until(lambda: registry._lists["slow"].expires_at > time.monotonic() + MODEL_LIST_TIMEOUT)
    finally:
        is_over.set()
        asking.join()


@pytest.mark.parametrize("sdk", ["openai"])
def test_threads_that_need_the_same_sdk_all_get_it(sdk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from flask_headrace.providers.http import sdk_import as loading  # noqa: PLC0415  # what is imported is what is tested

    imported: list[str] = []

    def take_a_moment(name: str) -> None:
        imported.append(name)
        gevent.sleep(0.02)

    monkeypatch.setattr(loading, "_imported_sdks", set())
    monkeypatch.setattr(loading, "import_sdk_in_this_thread", take_a_moment)
    in_a_thread(lambda: loading.import_sdk(sdk))
    loading._imported_sdks.clear()
    in_threads([lambda: loading.import_sdk(sdk)] * 4)
    assert set(imported) == {sdk}
