"""A worker dies in the middle of an answer, or the whole service is started again, before a real browser."""

import os
import signal

import pytest

from tests.page.road import Road
from tests.page.screen import MODEL, ask, last, prose
from tests.support.process_info import has_connection_of
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Gate, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer
LONG_TIMEOUT_MS = 30_000
"""Milliseconds: between two tries there are 8 s at most, a worker is dead after 4, and the next one imports an SDK."""


@pytest.fixture
def one_worker(upstream):
    with Service(**openai_alone(upstream)) as service:
        yield service


@pytest.fixture
def two_workers(upstream, tmp_path):
    settings = {"WEB_CONCURRENCY": "2", "HEADRACE_STORE": f"sqlite:///{tmp_path}/streams.db"}
    with Service(**openai_alone(upstream), **settings) as service:
        service.wait_until(lambda: len(service.workers()) == 2)
        yield service


def kill(service, worker):
    os.kill(worker, signal.SIGKILL)
    service.wait_until(lambda: worker not in service.workers())


def holder(service, *ports):
    """Return the worker that holds the other end of one of the connections from these ports, or None."""
    return next((pid for pid in service.workers() for port in ports if has_connection_of(pid, port)), None)


def producing_worker(service, upstream):
    """Return the worker that has a connection to the upstream."""
    return holder(service, int(upstream.url.rpartition(":")[2]))


def test_a_lone_worker_that_is_killed_takes_its_answers_with_it_and_retry_asks_anew(open_page, one_worker, upstream):
    upstream.answer(MODEL, [answer("Half", Gate("never")), answer("Whole.")])
    page = open_page(one_worker.url)
    ask(page)
    expect(prose(page)).to_have_text("Half")
    kill(one_worker, one_worker.workers()[0])
    alert = last(page, "failed").get_by_role("alert")
    expect(alert).to_contain_text("can no longer be resumed", timeout=LONG_TIMEOUT_MS)
    expect(prose(page)).to_have_text("Half")
    alert.get_by_role("button", name="Retry").click()
    expect(last(page, "done").locator(".prose")).to_have_text("Whole.", timeout=LONG_TIMEOUT_MS)


def test_another_worker_that_is_killed_with_the_reader_on_it_harms_nothing(open_page, two_workers, upstream):
    upstream.answer(MODEL, answer("One", Gate("killed"), " two."))
    before = len(upstream.requests(MODEL))
    with Road(two_workers.port) as road:
        page = open_page(road.url)
        ask(page)
        expect(prose(page)).to_have_text("One")
        filler = producing_worker(two_workers, upstream)
        reader = read_elsewhere(page, road, two_workers, filler)
        kill(two_workers, reader)
        upstream.open_gate("killed")
        expect(last(page, "done").locator(".prose")).to_have_text("One two.", timeout=LONG_TIMEOUT_MS)
    assert len(upstream.requests(MODEL)) == before + 1


def read_elsewhere(page, road, service, filler):
    """Cut the page off until it reads at another worker than `filler`, and return that one."""
    for _ in range(40):
        road.cut()
        service.wait_until(lambda: not road.ports())
        with page.expect_request("**/api/streams/*", timeout=LONG_TIMEOUT_MS):
            road.mend()
        reader = service.wait_until(lambda: holder(service, *road.ports()))
        if reader != filler:
            return reader
    raise AssertionError("the page never came to another worker")


def test_the_worker_that_gives_the_answer_is_killed_and_the_page_says_so(open_page, two_workers, upstream):
    upstream.answer(MODEL, [answer("Half", Gate("never")), answer("Whole.")])
    page = open_page(two_workers.url)
    ask(page)
    expect(prose(page)).to_have_text("Half")
    kill(two_workers, producing_worker(two_workers, upstream))
    alert = last(page, "failed").get_by_role("alert")
    expect(alert).to_contain_text("died before its end", timeout=LONG_TIMEOUT_MS)
    expect(prose(page)).to_have_text("Half")
    alert.get_by_role("button", name="Retry").click()
    expect(last(page, "done").locator(".prose")).to_have_text("Whole.", timeout=LONG_TIMEOUT_MS)


def test_the_service_is_killed_and_the_page_finds_the_next_one(open_page, two_workers, upstream):
    upstream.answer(MODEL, [answer("Half", Gate("never")), answer("Whole.")])
    page = open_page(two_workers.url)
    ask(page)
    expect(prose(page)).to_have_text("Half")
    os.killpg(two_workers.process.pid, signal.SIGKILL)
    two_workers.process.wait()
    expect(page.locator(".turn:last-child .lost")).to_have_text("Connection lost. Reconnecting…")
    two_workers.__enter__()
    alert = last(page, "failed").get_by_role("alert")
    expect(alert).to_contain_text("died before its end", timeout=LONG_TIMEOUT_MS)
    expect(prose(page)).to_have_text("Half")
    alert.get_by_role("button", name="Retry").click()
    expect(last(page, "done").locator(".prose")).to_have_text("Whole.", timeout=LONG_TIMEOUT_MS)


def test_the_service_is_restarted_by_its_operator_and_says_so(open_page, upstream):
    upstream.answer(MODEL, [answer("Half", Gate("never")), answer("Whole.")])
    with Service(**openai_alone(upstream), HEADRACE_DRAIN="0.1") as service:
        page = open_page(service.url)
        ask(page)
        expect(prose(page)).to_have_text("Half")
        service.stop()
        alert = last(page, "failed").get_by_role("alert")
        expect(alert).to_contain_text("The service is restarting")
        service.__enter__()
        alert.get_by_role("button", name="Retry").click()
        expect(last(page, "done").locator(".prose")).to_have_text("Whole.", timeout=LONG_TIMEOUT_MS)
