"""The real EventSource of npm under Node: it reconnects by itself, misses nothing, and stops after the end."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED, require
from tests.streaming.resume.across_workers.line import Line
from tests.streaming.resume.across_workers.stage import Pair, Steady, gated, numbers, wait_until
from tests.support.service import ROOT
from tests.support.upstream import Upstream, openai_wire

SCRIPT = Path(__file__).with_name("eventsource.mjs")

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("pair", ["sqlite"], indirect=True)]


@pytest.fixture(scope="module")
def node() -> str:
    program = require("node", "apt-get install nodejs")
    if not (ROOT / "tests/node_modules/eventsource").exists():
        sentence = "the npm package eventsource is not installed: npm ci --prefix tests"
        if os.environ.get(NOTHING_MAY_BE_SKIPPED):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return program


@pytest.fixture
def line(pair: Pair) -> Iterator[Line]:
    opened = Line(pair.services[0].port)
    yield opened
    opened.close()


class Source:
    """An EventSource in a process of its own; `told` is what it has said."""

    def __init__(self, node: str, url: str, *mode: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.process = subprocess.Popen([node, SCRIPT, url, *mode], stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._hear)
        self._thread.start()

    def _hear(self) -> None:
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    @property
    def numbers(self) -> list[int]:
        return [event["id"] for event in self.events if "id" in event]

    @property
    def losses(self) -> int:
        return sum("lost" in event for event in self.events)

    def read(self) -> list[dict[str, Any]]:
        """Wait until it is closed and its process has ended."""
        self._thread.join(20)
        assert not self._thread.is_alive(), self.events[-3:]
        assert self.process.wait(5) == 0
        self.process.stdout.close()
        return self.events


def test_comes_back_by_itself_with_its_number_and_closes_at_the_end(
    pair: Pair, upstream: Upstream, node: str, line: Line
) -> None:
    upstream.answer("sourced", gated("sourced 1", "sourced 2"))
    own = Steady(pair.ask(0, "sourced"))
    own.has(b"word 19 ")
    source = Source(node, f"{line.url}/api/streams/{own.id}")
    wait_until(lambda: 21 in source.numbers)
    line.cut()
    upstream.open_gate("sourced 1")
    wait_until(lambda: 41 in source.numbers)
    upstream.open_gate("sourced 2")
    whole = own.read()
    events = source.read()
    assert source.numbers == numbers(whole) == list(range(1, 64))
    assert source.losses == 1
    assert events[-1] == {"closed": True}
    text = "".join(
        json.loads(event["data"])["delta"]
        for event in events[1:]
        if event.get("type") == "message" and event["data"] != "[DONE]"
    )
    assert text.startswith("word 0 – ünïcode word 1 – ünïcode ")
    assert len(upstream.requests("sourced")) == 1


def test_that_is_not_closed_at_the_end_comes_back_once_and_is_stopped_by_a_204(
    pair: Pair, upstream: Upstream, node: str, line: Line
) -> None:
    upstream.answer("sourced whole", openai_wire.answer("a", "b"))
    own = Steady(pair.ask(0, "sourced whole"))
    whole = own.read()
    source = Source(node, f"{line.url}/api/streams/{own.id}?last_event_id=2", "stay")
    events = source.read()
    assert source.numbers == numbers(whole)[2:]
    assert events[-2:] == [{"lost": True, "status": 204}, {"closed": True}]


def test_hears_of_a_stop(pair: Pair, upstream: Upstream, node: str, line: Line) -> None:
    upstream.answer("sourced stop", gated("sourced stop"))
    own = Steady(pair.ask(0, "sourced stop"))
    own.has(b"word 19 ")
    source = Source(node, f"{line.url}/api/streams/{own.id}")
    wait_until(lambda: 21 in source.numbers)
    pair.stop(1, own.id)
    assert source.read()[-2] == {"id": 23, "type": "cancelled", "data": '{"reason":"stopped"}'}
    own.read()


def test_of_no_stream_stops_for_good(pair: Pair, node: str, line: Line) -> None:
    source = Source(node, f"{line.url}/api/streams/there-is-no-such-stream")
    assert source.read() == [{"lost": True, "status": 404}, {"closed": True}]
