"""An owner at the limit of open streams gets an error in the form of each protocol; other owners are served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.blueprints.http.test_aborts import ASKED, error_of
from tests.support.reader import QUESTION, Reading, send
from tests.support.service import Service
from tests.support.upstream import Gate, Upstream, openai_wire

ALICE, BOB = {"x-api-key": "alice"}, {"x-api-key": "bob"}
ASKING = {name: asked for name, asked in ASKED.items() if asked[0] == "POST" and name != "ai sdk"}


@pytest.fixture(scope="module")
def guarded(upstream: Upstream) -> Iterator[Service]:
    settings = {"OPENAI_BASE_URL": upstream.url + "/v1", "HEADRACE_MODEL": "openai/default"}
    with Service(**settings, HEADRACE_API_KEYS="alice,bob", HEADRACE_MAX_STREAMS="5") as own:
        yield own


@pytest.fixture(scope="module")
def taken(guarded: Service, upstream: Upstream) -> Iterator[Reading]:
    """Open the one stream that Alice may have: a quarter of five."""
    upstream.answer("held", openai_wire.answer("one", Gate("held"), "two"))
    upstream.answer("default", openai_wire.answer("ok"))
    with Reading(guarded.url + "/api/chat", {"messages": QUESTION, "model": "openai/held"}, headers=ALICE) as reading:
        reading.until(b"one")
        yield reading


@pytest.mark.parametrize("protocol", ASKING)
def test_it_is_told_in_the_words_of_each_protocol(guarded: Service, taken: Reading, protocol: str) -> None:
    method, path, body = ASKING[protocol]
    answer = send(guarded.url + path, body, method=method, headers=ALICE)
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    kind, message = error_of(protocol, answer)
    kinds: dict[str, Any] = {"native": "too_many_streams", "ai text": ""}
    assert kind == kinds.get(protocol, "rate_limit_error")
    assert "1 streams open" in message
    assert send(guarded.url + path, body, method=method, headers=BOB).status == 200


def test_another_may_be_opened_when_it_was_left(guarded: Service, taken: Reading) -> None:
    taken.leave()
    body = {"messages": QUESTION}
    guarded.wait_until(lambda: send(guarded.url + "/api/chat", body, headers=ALICE).status == 200)
