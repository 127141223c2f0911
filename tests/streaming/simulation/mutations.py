"""The engine with one of its mends taken out: what the simulation must find, or it finds nothing else either.

Where the engine changes and a mutation is not found any more by its seeds, others are looked for: `first` is the first.
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
    """A mend, how it is taken out, and where that shows: in which trouble and shape, and by one of which seeds."""

    name: str
    apply: Callable[[Patch], None]
    kinds: set[str]
    shape: dict[str, Any]
    seeds: range


def without(
    name: str, *kinds: str, first: int = 0, **shape: Any
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Name what is taken out, and the trouble in which it is missed."""

    def keep(apply: Callable[[Patch], None]) -> Callable[[Patch], None]:
        MUTATIONS[name] = Mutation(name, apply, set(kinds), shape, range(first, first + 8))
        return apply

    return keep
