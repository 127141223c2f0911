"""A stored response whose model broke off, and which another model answered from the beginning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import upstreams
from tests.streaming.resume.across_workers.conftest import store_url
from tests.streaming.resume.across_workers.stage import Pair, wait_until
from tests.streaming.resume.across_workers.test_stored_responses import ended, follow, frames, get, numbers, text_of
from tests.streaming.resume.across_workers.test_stored_responses import read as read_answer
from tests.support.upstream import Close, Gate, Upstream, anthropic_wire, faults, openai_wire

WORDS = [f"{number} " for number in range(50)]
CHAIN = """
[models.rescued]
chain = ["openai/first", "anthropic/second"]
on_divergence = "restart"
"""


@pytest.fixture(scope="module")
def pair(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    config = tmp_path_factory.mktemp("restarts") / "headrace.toml"
    config.write_text(CHAIN)
    settings = {**upstreams(upstream), "HEADRACE_CONFIG": str(config)}
    with Pair(upstream, store_url("redis", request, tmp_path_factory), **settings) as running:
        yield running


def test_is_whole_where_it_is_asked_for_and_its_stream_ends_with_the_same_frames(
    pair: Pair, upstream: Upstream
) -> None:
    upstream.answer("first", faults.after(openai_wire.answer(*WORDS), 40, Close()))
    upstream.answer("second", anthropic_wire.answer("Other ", Gate("second"), "end."))
    body = {"model": "rescued", "input": "hi", "background": True}
    id_ = read_answer(pair.reading(0, "/v1/responses", body)).json["id"]
    streams = [follow(pair, worker, id_) for worker in (0, 1)]
    wait_until(lambda: text_of(get(pair, 1, id_)) == "Other ")
    assert get(pair, 1, id_).json["status"] == "in_progress"
    upstream.open_gate("second")
    whole = [ended(pair, worker, id_).json for worker in (0, 1)]
    assert whole[0] == whole[1]
    assert (whole[0]["status"], whole[0]["model"]) == ("completed", "anthropic/second")
    assert text_of(get(pair, 0, id_)) == "Other end."
    first, second = (frames(stream.read()) for stream in streams)
    assert first == second
    assert numbers(b"".join(first)) == list(range(len(first)))
    assert b'"code":"restarted"' in first[-1]
    for number in (0, 20, len(first) - 3, len(first) - 2):
        for worker in (0, 1):
            assert frames(follow(pair, worker, id_, number).read()) == first[number + 1 :]
    for worker in (0, 1):
        assert get(pair, worker, id_, f"?stream=true&starting_after={len(first)}").status == 400
