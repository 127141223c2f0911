"""Every wait has a limit with its own error code, whatever the upstream does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.conftest import upstreams
from tests.support.reader import Answer, ask, asking
from tests.support.service import Service
from tests.support.started_service import warm_up
from tests.support.upstream import (
    Chunk,
    Ended,
    Paced,
    Reasoning,
    Script,
    Upstream,
    addresses,
    anthropic_wire,
    faults,
    openai_wire,
)

WIRES = {"openai": openai_wire, "anthropic": anthropic_wire}
FIRST_TOKEN, STALL, DURATION, CLIENT = 3.0, 2.0, 9.0, 2.0
SLACK = 5.0
"""Seconds beyond a limit that a busy machine may need."""

TALKING = {
    "silent after a delta": "Hello",
    "silent in a frame": "Hello",
    "silent after all deltas": "Hello world",
    "pings after a delta": "Hello",
}
"""Silences after the first token, and the text before them."""


class Outcome(NamedTuple):
    """An answer, and the seconds until it was complete."""

    answer: Answer
    seconds: float


def thinking(wire) -> Script:
    """Return an answer that reasons for longer than the idle timeout, and then sends text."""
    whole = wire.answer(Reasoning("hm "), "so")
    place = next(n for n, step in enumerate(whole.steps) if isinstance(step, Chunk) and step.deltas)
    pace = Paced(whole.steps[place], per_second=20, count=int(20 * STALL * 2))
    return Script((*whole.steps[:place], pace, *whole.steps[place + 1 :]))


def scripts(wire) -> dict[str, Script]:
    """Return answers that reach a limit, by name, and one that does not."""
    endless = faults.after(wire.answer("Hello"), 1, Paced(wire.text("."), per_second=20))
    return {**faults.silent(wire), "endless": endless, "thinking": thinking(wire)}


CASES = [
    pytest.param(provider, name, is_streamed, id=f"{provider}: {name}, {'streamed' if is_streamed else 'whole'}")
    for provider, wire in WIRES.items()
    for name in scripts(wire)
    for is_streamed in (True, False)
]


@pytest.fixture(scope="module")
def impatient(upstream: Upstream) -> Iterator[Service]:
    """Run a service with short limits and no heartbeats."""
    limits = {"FIRST_TOKEN": FIRST_TOKEN, "STALL": STALL, "CLIENT": CLIENT}
    settings = {f"HEADRACE_{name}_TIMEOUT": str(seconds) for name, seconds in limits.items()}
    upstream.answer("fine", openai_wire.answer("fine"))
    with Service(
        **upstreams(upstream), **settings, HEADRACE_MAX_DURATION=str(DURATION), HEADRACE_HEARTBEAT=""
    ) as running:
        warm_up(running, upstream)
        yield running


@pytest.fixture(scope="module")
def outcomes(impatient: Service, upstream: Upstream) -> dict[tuple[str, str, bool], Outcome]:
    """Request all answers in parallel: each takes as long as its limit."""

    def outcome(case) -> Outcome:
        provider, name, is_streamed = case.values
        began = time.monotonic()
        answer = ask(impatient.url, f"{provider}/{provider} {name} {is_streamed}", stream=is_streamed)
        return Outcome(answer, time.monotonic() - began)

    for provider, wire in WIRES.items():
        for name, one in scripts(wire).items():
            for is_streamed in (True, False):
                upstream.answer(f"{provider} {name} {is_streamed}", Script(one.steps))
    with ThreadPoolExecutor(len(CASES)) as pool:
        return {tuple(case.values): found for case, found in zip(CASES, pool.map(outcome, CASES), strict=True)}


@pytest.mark.parametrize(("provider", "name", "is_streamed"), CASES)
def test_a_limit_ends_the_answer_with_its_own_code(outcomes, upstream, provider, name, is_streamed) -> None:
    answer, seconds = outcomes[provider, name, is_streamed]
    if name == "thinking":
        assert answer.is_done if is_streamed else answer.json["text"] == "so"
        assert seconds > STALL * 1.5
        return
    code, limit, text = "first_token_timeout", FIRST_TOKEN, ""
    if name in TALKING:
        code, limit, text = "stall_timeout", STALL, TALKING[name]
    elif name == "endless":
        code, limit, text = "max_duration", DURATION, "Hello"
    if is_streamed and text:
        assert answer.status == 200
        assert answer.text.rstrip(".") == text
        assert [frame for frame, _ in answer.frames][-2:] == ["usage", "error"]
        assert answer.named("error")[0]["code"] == code
    else:
        assert (answer.status, answer.error["code"]) == (504, code)
    assert limit <= seconds < limit + SLACK
    assert upstream.closed(f"{provider} {name} {is_streamed}").ended is Ended.ABORTED


def test_connecting_has_a_limit_of_its_own_beside_a_provider_that_can_be_reached(upstream: Upstream) -> None:
    upstream.answer("fine", openai_wire.answer("fine"))
    with addresses.unanswering() as url:
        settings = upstreams(upstream) | {"ANTHROPIC_BASE_URL": url, "HEADRACE_HEARTBEAT": "0.1"}
        with Service(**settings, HEADRACE_CONNECT_TIMEOUT="0.5") as own:
            whole = ask(own.url, "anthropic/x", stream=False)
            streamed = ask(own.url, "anthropic/x")
            assert ask(own.url, "openai/fine").text == "fine"
    assert (whole.status, whole.error["code"]) == (504, "connect_timeout")
    # The heartbeats have begun the response: the code comes in it.
    assert streamed.status == 200
    assert streamed.body.startswith(b": keep-alive\n\n")
    assert [name for name, _ in streamed.frames] == ["usage", "error"]
    assert streamed.named("error")[0]["code"] == "connect_timeout"


@pytest.mark.parametrize(("provider", "wire"), WIRES.items())
def test_a_reader_that_accepts_nothing_makes_the_upstream_wait_and_is_left(impatient, upstream, provider, wire) -> None:
    name = f"{provider} unread"
    upstream.answer(name, faults.endless(wire, 500_000_000))
    began = time.monotonic()
    with asking(impatient.url, f"{provider}/{name}"):
        upstream.wait_for(lambda: upstream.requests(name)[0].stalled_for(CLIENT / 4), timeout=15)
        request = upstream.ended(name, timeout=CLIENT + 15)
    assert request.ended is Ended.ABORTED
    assert request.bytes_sent < 100_000_000
    assert request.closed_at - began >= CLIENT
    line = impatient.wait_until(lambda: [li for li in impatient.log().splitlines() if f'"{provider}/{name}"' in li])
    assert '"end":"cancelled","reason":"reader_stalled"' in line[0]
