"""The reasoning efforts that a model takes, as its provider lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Efforts: TypeAlias = tuple[str, ...]
"""Values of `reasoning_effort` that a model takes, the smallest first; empty for a model that does not reason."""

USUAL_EFFORTS: Efforts = ("low", "medium", "high")
"""The efforts of a model that reasons and whose own ones are unknown."""

_ORDER = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def listed_efforts(entry: Mapping[str, Any], is_reasoning: bool | None) -> Efforts | None:
    """Return what an entry of a provider's list of models says about its efforts; None if unknown.

    Args:
        entry: The entry, in Anthropic's form or in that of a compatible server.
        is_reasoning: Whether the model reasons, which the entry says elsewhere; None if unknown.
    """
    match entry.get("capabilities"):
        # A model of Anthropic's without efforts thinks with a budget of tokens, which is derived from an effort.
        case {"effort": {"supported": True, **levels}}:
            named = [name for name, level in levels.items() if isinstance(level, dict) and level.get("supported")]
        case {"supports": {"reasoning_effort": [*named]}}:
            pass
        case _:
            named = []
    return ordered_efforts(named) or usual_efforts(is_reasoning)


def usual_efforts(is_reasoning: bool | None) -> Efforts | None:  # what is known of one thing
    """Return the efforts of a model of which nothing is known but whether it reasons; None if that is unknown, too."""
    return None if is_reasoning is None else USUAL_EFFORTS if is_reasoning else ()


def ordered_efforts(names: Iterable[Any]) -> Efforts:
    """Return those of some names that are efforts, the smallest first."""
    known = [name for name in names if isinstance(name, str)]
    return tuple(name for name in _ORDER if name in known)


def joint_efforts(chain: Iterable[Efforts | None]) -> Efforts | None:
    """Return the efforts of a chain of models: those of any of them; None if those of one are unknown."""
    each = list(chain)
    known = [effort for efforts in each if efforts is not None for effort in efforts]
    return None if None in each else ordered_efforts(known)
