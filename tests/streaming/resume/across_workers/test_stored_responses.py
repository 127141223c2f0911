"""Background responses and OpenAI's own resuming, at whichever of two workers a request arrives."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.streaming.resume.across_workers.stage import Pair, Steady, gated, paused, read, wait_until
from tests.support.reader import Answer
from tests.support.reader import send as request
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Gate, Upstream, openai_wire

SETTINGS = {"HEADRACE_RESUME_GRACE": "0.2"}


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


def ask(pair: Pair, worker: int, model: str, **fields: Any) -> Answer:
    body = {"model": f"openai/{model}", "input": "hi", "background": True, **fields}
    return read(pair.reading(worker, "/v1/responses", body))


def begin(pair: Pair, worker: int, model: str, **fields: Any) -> str:
    answer = ask(pair, worker, model, **fields)
    assert answer.status == 200, answer.body
    id_: str = answer.json["id"]
    return id_


def get(pair: Pair, worker: int, id_: str, query: str = "") -> Answer:
    return read(pair.reading(worker, f"/v1/responses/{id_}{query}", method="GET"))


def follow(pair: Pair, worker: int, id_: str, after: int | None = None) -> Steady:
    query = "?stream=true" if after is None else f"?stream=true&starting_after={after}"
    return Steady(pair.reading(worker, f"/v1/responses/{id_}{query}", method="GET"))


def send(pair: Pair, worker: int, method: str, id_: str, path: str = "") -> Answer:
    return read(pair.reading(worker, f"/v1/responses/{id_}{path}", method=method))


def frames(body: bytes) -> list[bytes]:
    return [frame + b"\n\n" for frame in body.replace(b": keep-alive\n", b"").split(b"\n\n") if frame]


def numbers(body: bytes) -> list[int]:
    """Return the sequence numbers of the frames that have come whole."""
    whole = body[: body.rfind(b"\n\n") + 2]
    return [json.loads(frame.partition(b"\ndata: ")[2])["sequence_number"] for frame in frames(whole)]


def text_of(answer: Answer) -> str:
    return "".join(part["text"] for item in answer.json["output"] for part in item.get("content", []))


def ended(pair: Pair, worker: int, id_: str, limit: float = 10.0) -> Answer:
    def answer() -> Answer | None:
        found = get(pair, worker, id_)
        assert found.status == 200, found.body
        return None if found.json["status"] in {"queued", "in_progress"} else found

    return wait_until(answer, limit)


def test_goes_on_without_readers_and_is_the_same_everywhere(pair: Pair, upstream: Upstream, name: str) -> None:
    upstream.answer(name, gated(name))
    id_ = begin(pair, 0, name, metadata={"chat": "7"})
    other = follow(pair, 1, id_)
    other.has(b"word 19 ")
    other.leave()
    growing = [get(pair, worker, id_) for worker in (0, 1)]
    assert [answer.json["status"] for answer in growing] == ["in_progress"] * 2
    assert all(text_of(answer).endswith("word 19 – ünïcode ") for answer in growing)
    upstream.open_gate(name)
    whole = [ended(pair, worker, id_).json for worker in (0, 1)]
    assert whole[0] == whole[1]
    assert (whole[0]["status"], whole[0]["metadata"], whole[0]["background"]) == ("completed", {"chat": "7"}, True)
    streams = [get(pair, worker, id_, "?stream=true").body for worker in (0, 1)]
    assert streams[0] == streams[1]
    assert len(upstream.requests(name)) == 1


def test_a_reader_that_is_cut_goes_on_at_any_worker_while_the_model_sends(
    pair: Pair, upstream: Upstream, name: str
) -> None:
    upstream.answer(name, gated(f"{name} 1", f"{name} 2"))
    id_ = begin(pair, 0, name)
    steady = follow(pair, 0, id_)
    pieces: list[bytes] = []
    seen: int | None = None
    for worker, gate in ((1, f"{name} 1"), (0, f"{name} 2"), (1, "")):
        cut = follow(pair, worker, id_, seen)
        cut.has(b"word 7 ")
        cut.leave()
        whole = cut.body[: cut.body.rfind(b"\n\n") + 2]
        assert numbers(whole)[0] == (0 if seen is None else seen + 1)
        seen = numbers(whole)[-1]
        pieces += frames(whole)
        if gate:
            upstream.open_gate(gate)
    last = follow(pair, 0, id_, seen)
    assert b"".join([*pieces, *frames(last.read())]) == b"".join(frames(steady.read()))
    assert numbers(steady.body) == list(range(len(numbers(steady.body))))
    assert b"event: response.completed" in steady.body


def test_every_number_gives_the_same_rest_at_both(pair: Pair, upstream: Upstream, name: str) -> None:
    upstream.answer(name, gated(burst=5))
    id_ = begin(pair, 1, name)
    ended(pair, 0, id_)
    whole = frames(get(pair, 0, id_, "?stream=true").body)
    for number in range(len(whole)):
        for worker in (0, 1):
            answer = get(pair, worker, id_, f"?stream=true&starting_after={number}")
            assert (answer.status, answer.body) == (200, b"".join(whole[number + 1 :]))
    for worker in (0, 1):
        assert get(pair, worker, id_, f"?stream=true&starting_after={len(whole)}").status == 400


def test_a_number_that_is_beyond_a_stream_is_refused_where_that_is_known(
    pair: Pair, upstream: Upstream, name: str
) -> None:
    upstream.answer(name, gated(name))
    id_ = begin(pair, 0, name)
    follow(pair, 1, id_).has(b"word 19 ")
    beyond = "?stream=true&starting_after=999"
    assert get(pair, 0, id_, beyond).status == 400
    # The events may still come from the other worker.
    answer = get(pair, 1, id_, beyond)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    upstream.open_gate(name)
    ended(pair, 1, id_)
    assert get(pair, 1, id_, beyond).status == 400


@pytest.mark.parametrize("worker", [0, 1])
def test_cancel_stops_it_wherever_it_runs_and_returns_it(
    pair: Pair, upstream: Upstream, name: str, worker: int
) -> None:
    upstream.answer(name, gated(name))
    id_ = begin(pair, 0, name)
    follow(pair, 1, id_).has(b"word 19 ")
    answer = send(pair, worker, "POST", id_, "/cancel")
    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert text_of(answer).endswith("word 19 – ünïcode ")
    assert upstream.ended(name).ended is Ended.ABORTED
    for other in (0, 1):
        assert get(pair, other, id_).json == answer.json


@pytest.mark.parametrize("worker", [0, 1])
def test_delete_stops_it_and_frees_its_id_at_every_worker(
    pair: Pair, upstream: Upstream, name: str, worker: int
) -> None:
    chosen = f"chosen-{worker}-{id(pair)}-of-the-client"
    upstream.answer(name, [gated(name), openai_wire.answer("anew")])
    id_ = begin(pair, 0, name, id=chosen)
    follow(pair, 1, id_).has(b"word 19 ")
    assert send(pair, worker, "DELETE", id_).json == {"id": id_, "object": "response", "deleted": True}
    assert upstream.ended(name).ended is Ended.ABORTED
    for other in (0, 1):
        assert get(pair, other, id_).status == 404
        assert get(pair, other, id_, "?stream=true").status == 404
        assert send(pair, other, "DELETE", id_).status == 404
    assert begin(pair, 1 - worker, name, id=chosen) == id_
    for other in (0, 1):
        assert text_of(ended(pair, other, id_)) == "anew"


def test_of_a_killed_worker_is_failed_and_no_number_comes_twice(pair: Pair, upstream: Upstream, name: str) -> None:
    upstream.answer(name, gated(name))
    id_ = begin(pair, 0, name)
    own, other = follow(pair, 0, id_), follow(pair, 1, id_)
    own.has(b"word 19 ")
    other.has(b"word 19 ")
    os.kill(pair.pids()[0], signal.SIGKILL)
    before = own.read()
    seen = numbers(before)[-1]
    # As readers of the dead worker may have had more than the store got.
    ahead = follow(pair, 1, id_, seen + 7)
    failed = ended(pair, 1, id_, 15)
    assert (failed.json["status"], failed.json["error"]["code"]) == ("failed", "worker_lost")
    assert text_of(failed).endswith("word 19 – ünïcode ")
    whole = other.read()
    assert numbers(whole) == list(range(seen + 2))
    assert numbers(ahead.read()) == [seen + 8]
    assert b'"code":"worker_lost"' in ahead.body
    wait_until(lambda: len(pair.pids()) == 2)
    for worker in (0, 1):
        assert numbers(get(pair, worker, id_, f"?stream=true&starting_after={seen}").body) == [seen + 1]
        assert numbers(get(pair, worker, id_, f"?stream=true&starting_after={seen + 30}").body) == [seen + 31]
        assert get(pair, worker, id_).json == failed.json
    assert len(upstream.requests(name)) == 1


def test_of_a_worker_that_stands_still_can_be_looked_at_elsewhere(pair: Pair, upstream: Upstream, name: str) -> None:
    upstream.answer(name, openai_wire.answer("one", Gate(name), "two"))
    id_ = begin(pair, 0, name)
    wait_until(lambda: text_of(get(pair, 1, id_)) == "one")
    with paused(pair.pids()[0]):
        # Two looks: the request itself lets the other worker stand still.
        found = get(pair, 1, id_) if len(pair.services) == 2 else None
    assert found is None or (found.json["status"], text_of(found)) == ("in_progress", "one")
    upstream.open_gate(name)
    assert text_of(ended(pair, 1, id_)) == "onetwo"


def test_a_service_that_leaves_sees_background_responses_to_their_end(upstream: Upstream, tmp_path: Path) -> None:
    settings = {**openai_alone(upstream), "HEADRACE_STORE": f"sqlite:///{tmp_path}/streams.db", "HEADRACE_DRAIN": "3"}
    upstream.answer("ends in time", openai_wire.answer("one ", Gate("ends in time"), "two"))
    upstream.answer("never ends", openai_wire.answer("one ", Gate("never ends"), "two"))
    with Service(**settings, HEADRACE_RESUME_GRACE="0.1") as leaving, Service(**settings) as staying:

        def resource(id_: str) -> Answer:
            return request(f"{staying.url}/v1/responses/{id_}", method="GET")

        ids = []
        for model in ("ends in time", "never ends"):
            body = {"model": f"openai/{model}", "input": "hi", "background": True}
            ids.append(request(f"{leaving.url}/v1/responses", body).json["id"])
            wait_until(lambda: text_of(resource(ids[-1])) == "one ")
        leaving.process.send_signal(signal.SIGTERM)
        upstream.open_gate("ends in time")
        assert leaving.process.wait(20) == 0
        whole, cut = (resource(id_) for id_ in ids)
        assert (whole.json["status"], text_of(whole)) == ("completed", "one two")
        assert (cut.json["status"], cut.json["error"]["code"], text_of(cut)) == ("failed", "shutting_down", "one ")
