"""Each reader gets its own answer, once, whole or told that it is not, while workers, stores and models fail.

It is a short run of what `python -m benchmarks.chaos` runs for longer, with all that may go wrong.
"""

from __future__ import annotations

import pytest

from benchmarks.chaos import accounts, reading
from benchmarks.chaos.run import Plan, run
from tests.conftest import require


@pytest.mark.parametrize("store", ["memory", "sqlite", "redis"])
def test_nothing_is_lost_doubled_or_foreign_and_every_reader_has_its_end(store: str) -> None:
    if store == "redis":
        require("redis-server", "apt-get install redis-server")
    outcome = run(Plan(store, 40, seed=14, is_brief=True))
    counts = {what: outcome.wrongs.counts[what] for what in (*reading.COUNTS, *accounts.COUNTS)}
    assert counts == dict.fromkeys(counts, 0), "\n".join([*outcome.wrongs.told[:20], outcome.log[-2000:]])
    assert outcome.reached["done"] > 0
    assert outcome.faults["kill -9 of a worker"] > 0
