"""Every reader gets its own answer once, and an error if a part of it is lost, whatever faults a seed chooses."""

from __future__ import annotations

import os

import pytest

from tests.streaming.simulation import mutations_of_ends, mutations_of_texts
from tests.streaming.simulation.mutations import MUTATIONS, Mutation
from tests.streaming.simulation.world import run

assert mutations_of_texts, mutations_of_ends  # importing them registers the mutations

FIRST = int(os.environ.get("SIMULATION_SEED", "0"))
"""The first seed; set it to the seed of a failure to reproduce it."""


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 60))
def test_no_promise_is_broken_by(seed: int) -> None:
    run(seed)


def test_a_seed_gives_the_same_run_each_time() -> None:
    assert [run(seed) for seed in range(5)] == [run(seed) for seed in range(5)]


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=lambda mutation: mutation.name)
def test_the_simulation_detects_the_lack_of(mutation: Mutation) -> None:
    with pytest.MonkeyPatch.context() as patch:
        mutation.apply(patch)
        found = next((seed for seed in mutation.seeds if breaks(seed, mutation)), None)
    assert found is not None, f"none of the seeds {mutation.seeds} detects it: see mutations.py"
    # With the safeguard, the same run breaks no promise.
    run(found, mutation.kinds, **mutation.shape)


def breaks(seed: int, mutation: Mutation) -> bool:
    """Whether a run breaks a promise, or the engine itself."""
    try:
        run(seed, mutation.kinds, **mutation.shape)
    except Exception:  # noqa: BLE001  # any exception counts
        return True
    return False
