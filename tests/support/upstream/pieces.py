"""What an answer consists of, whichever provider gives it; a plain string is a text delta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Reasoning:
    """A delta of the model's reasoning."""

    text: str


@dataclass(frozen=True)
class Refusal:
    """A delta of the model's refusal."""

    text: str


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool; its arguments' JSON comes in the given pieces, each a delta."""

    id: str
    name: str
    arguments: tuple[str, ...]


class Tokens(NamedTuple):
    """The usage that an answer tells: cached input tokens are part of `input`, reasoning tokens of `output`."""

    input: int
    output: int
    cached: int = 0
    reasoning: int = 0


USAGE = Tokens(9, 2)

Piece = str | Reasoning | Refusal | ToolCall
