"""`on_end` functions that do what no function should: nobody else notices it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.answers.stage import HOST, Told, ask, settings_for
from tests.support.host import Host
from tests.support.upstream import Upstream, openai_wire

MISBEHAVING = HOST.replace(
    "@headrace.on_end\ndef save",
    """
import gevent, sys, time


def fork():
    if os.fork() == 0:
        sys.exit(0)


DEEDS = {
    "exits": lambda: sys.exit(3),
    "interrupted": lambda: exec("raise KeyboardInterrupt"),
    "killed": lambda: exec("raise gevent.GreenletExit"),
    "too late": lambda: exec("raise gevent.Timeout(1)"),
    "forks": fork,
    "fails": lambda: 1 / 0,
}


@headrace.on_end
def misbehave(answer):
    DEEDS.get(answer.context, lambda: None)()


@headrace.on_end
def save""",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "answers")


@pytest.fixture(scope="module")
def host(upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), MISBEHAVING, **settings_for(upstream, told)) as running:
        yield running


@pytest.mark.parametrize("deed", ["exits", "interrupted", "killed", "too late", "forks", "fails"])
def test_the_worker_and_the_other_functions_go_on(host: Host, told: Told, upstream: Upstream, deed: str) -> None:
    upstream.answer("said", openai_wire.answer("said"))
    workers = host.workers()
    stream_id = ask(host, "/own", model="openai/said", context=deed).headers["headrace-stream-id"]
    host.wait_until(lambda: told.about(stream_id, "signal"))
    assert [answer["text"] for answer in told.about(stream_id)] == ["said"]
    host.wait_until(lambda: host.workers() == workers)  # a child that was forked has ended
    assert ask(host, model="openai/said").text == "said"
    assert (f"failed for stream {stream_id}" in host.log()) == (deed != "forks")
