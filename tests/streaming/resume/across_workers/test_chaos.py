"""Each reader gets its own answer, once, whole or told that it is not, while workers, stores and models fail.

It is a short run of what `python -m benchmarks.chaos` runs for longer, with all that may go wrong. The runs wait for
most of their time, and so they wait together.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from benchmarks.chaos import final_checks, reading
from benchmarks.chaos.run import Outcome, Plan, run
from benchmarks.chaos.stage import STORES
from tests.conftest import require

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Future[Outcome]]]:
    require("redis-server", "apt-get install redis-server")
    with ThreadPoolExecutor() as pool:
        yield {store: pool.submit(run, Plan(store, 40, seed=14, is_brief=True)) for store in STORES}


@pytest.mark.parametrize("store", STORES)
def test_nothing_is_lost_doubled_or_foreign_and_every_reader_has_its_end(
    running: dict[str, Future[Outcome]], store: str
) -> None:
    outcome = running[store].result()
    counts = {what: outcome.violations.counts[what] for what in (*reading.COUNTS, *final_checks.COUNTS)}
    assert counts == dict.fromkeys(counts, 0), "\n".join([*outcome.violations.messages[:20], outcome.log[-2000:]])
    assert outcome.reached["done"] > 0
    assert outcome.faults["kill -9 of a worker"] > 0
