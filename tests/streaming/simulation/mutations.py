"""Mutations: the engine without one of its safeguards. The simulation must detect each of them.

If the engine changes and the seeds of a mutation do not detect it any more, look for other seeds, from `first` on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

Patch = pytest.MonkeyPatch

MUTATIONS: dict[str, Mutation] = {}


@dataclass(frozen=True)
class Mutation:
    """A safeguard, how to remove it, and the kinds of faults, shape and seeds with which that is detected."""

    name: str
    apply: Callable[[Patch], None]
    kinds: set[str]
    shape: dict[str, Any]
    seeds: range


def without(
    name: str, *kinds: str, first: int = 0, **shape: Any
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register a mutation.

    Args:
        name: The safeguard that it removes.
        kinds: The kinds of faults with which that is detected.
        first: The first of eight seeds, of which one must detect it.
        shape: Fields of `Shape`.
    """

    def register(apply: Callable[[Patch], None]) -> Callable[[Patch], None]:
        MUTATIONS[name] = Mutation(name, apply, set(kinds), shape, range(first, first + 8))
        return apply

    return register
