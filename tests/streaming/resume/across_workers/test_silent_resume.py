"""A reader that comes back while the model is silent learns soon that its connection works."""

from __future__ import annotations

import uuid

import pytest

from tests.streaming.resume.across_workers.stage import Pair, head, read, wait_until
from tests.support.upstream import Gate, Upstream, openai_wire, script

SETTINGS = {"HEADRACE_HEARTBEAT": "600", "HEADRACE_RESUME_GRACE": "60"}
"""No response would begin by itself within the time that these tests wait for one."""


@pytest.mark.parametrize("worker", [0, 1], ids=["the same worker", "another worker"])
def test_a_resumption_begins_before_the_first_heartbeat_while_the_model_is_silent(
    pair: Pair, upstream: Upstream, worker: int
) -> None:
    name = f"silent {worker} {pair.services[0].port}"
    upstream.answer(name, openai_wire.answer("One", Gate(name), " two."))
    with pair.ask(0, name) as asked:
        cursor = asked.until(b'"One"').rpartition(b"id: ")[2].partition(b"\n")[0].decode()
        id_ = head(asked).getheader("Headrace-Stream-Id")
        back = pair.follow(worker, id_, cursor)  # type: ignore[arg-type]
        assert head(back).status == 200
        assert back.until(b": keep-alive\n\n").startswith(b": keep-alive")
        upstream.open_gate(name)
        rest = read(back)
    assert rest.text == " two."
    assert rest.is_done


@pytest.mark.parametrize("worker", [0, 1], ids=["the same worker", "another worker"])
def test_so_does_one_before_the_first_token(pair: Pair, upstream: Upstream, worker: int) -> None:
    name = f"before {worker} {pair.services[0].port}"
    upstream.answer(name, script(Gate(name), *openai_wire.answer("One").steps))
    before, id_ = len(upstream.requests(name)), uuid.uuid4().hex
    with pair.ask(0, name, id=id_):
        upstream.wait_for(lambda: len(upstream.requests(name)) > before)
        back = wait_until(lambda: (found := pair.follow(worker, id_)) and head(found).status == 200 and found)
        back.until(b": keep-alive\n\n")
        upstream.open_gate(name)
        assert read(back).text == "One"


def test_a_failure_that_is_known_by_then_still_has_its_own_status(pair: Pair, upstream: Upstream) -> None:
    assert read(pair.follow(0, uuid.uuid4().hex)).status == 404
    name = f"whole {pair.services[0].port}"
    upstream.answer(name, openai_wire.answer("One"))
    whole = read(pair.ask(0, name))
    id_ = whole.headers["headrace-stream-id"]
    last = whole.body.rpartition(b"id: ")[2].partition(b"\n")[0].decode()
    assert read(pair.follow(0, id_, last)).status == 204  # type: ignore[arg-type]
