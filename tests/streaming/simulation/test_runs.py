"""Every reader gets its own answer, once, whole or told that it is not, whatever a seed lets go wrong."""

from __future__ import annotations

import os

import pytest

from tests.streaming.simulation import mutations_of_ends, mutations_of_texts
from tests.streaming.simulation.mutations import MUTATIONS, Mutation
from tests.streaming.simulation.world import run

assert mutations_of_texts, mutations_of_ends  # they are known by being imported

FIRST = int(os.environ.get("SIMULATION_SEED", "0"))
"""The first seed: what a failure names, to see it again."""


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 60))
def test_no_promise_is_broken_by(seed: int) -> None:
    run(seed)


def test_a_seed_gives_the_same_run_each_time() -> None:
    assert [run(seed) for seed in range(5)] == [run(seed) for seed in range(5)]


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=lambda mutation: mutation.name)
def test_the_engine_is_found_wanting_without(mutation: Mutation) -> None:
    with pytest.MonkeyPatch.context() as patch:
        mutation.apply(patch)
        found = next((seed for seed in mutation.seeds if breaks(seed, mutation)), None)
    assert found is not None, f"none of the seeds {mutation.seeds} misses it: see mutations.py"
    # With the mend, the same run is a good one.
    run(found, mutation.kinds, **mutation.shape)


def breaks(seed: int, mutation: Mutation) -> bool:
    """Whether a run breaks a promise, or the engine itself."""
    try:
        run(seed, mutation.kinds, **mutation.shape)
    except Exception:  # noqa: BLE001  # whichever way it shows
        return True
    return False
