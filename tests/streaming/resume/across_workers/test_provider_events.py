"""What only Anthropic's models send, at another worker: the same bytes at every cursor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.blueprints.anthropic_messages.answers import ANSWER, CONTENT, frames
from tests.streaming.resume.across_workers.conftest import store_url
from tests.streaming.resume.across_workers.stage import Pair, beyond, numbers, read, stream_id
from tests.support.reader import QUESTION
from tests.support.upstream import Upstream


@pytest.fixture(params=["sqlite", "redis"])
def anthropic_pair(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    settings = {"ANTHROPIC_BASE_URL": upstream.url, "ANTHROPIC_API_KEY": "sk-ant-test"}
    with Pair(upstream, store_url(request.param, request, tmp_path_factory), **settings) as running:
        yield running


def test_what_follows_is_byte_for_byte_the_same_at_every_cursor(
    request: pytest.FixtureRequest, anthropic_pair: Pair, upstream: Upstream
) -> None:
    pair, name = anthropic_pair, request.node.name
    upstream.answer(name, frames(*ANSWER))
    asked = {"model": f"anthropic/{name}", "max_tokens": 9, "messages": QUESTION, "resumable": True}
    first = pair.reading(0, "/v1/messages", {**asked, "stream": True})
    id_ = stream_id(first)
    whole = read(first).body
    assert len(numbers(whole)) > 10
    for after in [0, *numbers(whole)[:-1]]:
        followed = read(pair.follow(1, id_, after, query="?protocol=anthropic")).body
        assert followed == (beyond(whole, after) if after else whole)
    again = read(pair.reading(1, "/v1/messages", {**asked, "id": id_, "stream": False}))
    assert again.json["content"] == CONTENT
    assert len(upstream.requests(name)) == 1
