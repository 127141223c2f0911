"""The timeouts of one attempt: which batches count as tokens, and no timeout while the reader is slow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from flask_headrace.core.errors import FirstTokenTimeout, IdleTimeout
from flask_headrace.core.events import Completed, ModelSelected, TextDelta, Usage
from flask_headrace.providers.fallback.timeouts import AttemptTimeout, is_token

TOKEN, KNOWN = [TextDelta("x")], [Usage(9, 0, estimated=True)]


def source(*steps: Any, on_close: Callable[[], object] = lambda: None) -> Iterator[Any]:
    """Yield each list; sleep for each number of seconds."""
    try:
        for step in steps:
            if isinstance(step, float):
                gevent.sleep(step)
            else:
                yield step
    finally:
        on_close()


def receive(*steps: Any, first_token_timeout: float | None = 0.1, idle_timeout: float | None = 0.1) -> list[Any]:
    with gevent.Timeout(5):
        return list(AttemptTimeout("acme/tiny", first_token_timeout, idle_timeout).iterate(source(*steps)))


def test_what_is_a_token() -> None:
    assert is_token(TOKEN)
    assert is_token([*KNOWN, Completed("stop")])
    assert not any(is_token(batch) for batch in ([], KNOWN, ModelSelected("a/b", "a", "b", "")))


def test_all_that_comes_in_time_is_passed_on() -> None:
    steps = [[], 0.05, TOKEN, 0.05, TOKEN, 0.05, [], 0.02, KNOWN, TOKEN]
    assert receive(*steps, first_token_timeout=3.0, idle_timeout=3.0) == [
        step for step in steps if isinstance(step, list)
    ]


@pytest.mark.parametrize(("begun", "error"), [((), FirstTokenTimeout), ((TOKEN,), IdleTimeout)])
def test_one_that_says_nothing_and_never_waits_has_no_longer(begun: tuple[Any, ...], error: type[Exception]) -> None:
    def busy() -> Iterator[Any]:
        yield from begun
        until = time.monotonic() + 5
        while time.monotonic() < until:
            yield []

    with pytest.raises(error):
        list(AttemptTimeout("acme/tiny", 0.05, 0.05).iterate(busy()))


@pytest.mark.parametrize("before", [(), ([],), (KNOWN,), ([], 0.06, KNOWN, 0.06)])
def test_silence_before_the_first_token_is_one_that_no_ping_ends(before: tuple[Any, ...]) -> None:
    with pytest.raises(FirstTokenTimeout, match=r"acme/tiny sent no token within 0.1 s"):
        receive(*before, 4.0)


@pytest.mark.parametrize("behind", [(), ([],), (KNOWN,)])
def test_silence_after_it_is_a_stall(behind: tuple[Any, ...]) -> None:
    with pytest.raises(IdleTimeout, match=r"acme/tiny sent nothing for 0.1 s"):
        receive(TOKEN, *behind, 4.0, first_token_timeout=3.0)


def test_without_limits_nothing_is_timed() -> None:
    assert receive(0.05, TOKEN, 0.05, TOKEN, first_token_timeout=None, idle_timeout=None) == [TOKEN, TOKEN]
    assert receive(TOKEN, 0.2, TOKEN, first_token_timeout=0.1, idle_timeout=None) == [TOKEN, TOKEN]


def test_time_in_which_its_reader_takes_nothing_is_not_the_models() -> None:
    got = []
    for batch in AttemptTimeout("acme/tiny", 0.3, 0.3).iterate(source(TOKEN, TOKEN, 0.0, TOKEN)):
        got.append(batch)
        gevent.sleep(0.4)
    assert got == [TOKEN] * 3


def test_its_end_closes_what_it_waits_in_and_is_no_exception_to_that() -> None:
    closed: list[str] = []

    def swallowing() -> Iterator[Any]:
        try:
            gevent.sleep(4)
            yield TOKEN
        except Exception:  # noqa: BLE001  # as the SDKs do
            closed.append("swallowed")
        finally:
            closed.append("closed")

    with pytest.raises(FirstTokenTimeout):
        list(AttemptTimeout("acme/tiny", 0.05, None).iterate(swallowing()))
    assert closed == ["closed"]
