"""The pieces of an answer, in no provider's format; a plain string is a text delta."""

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
    """A tool call; each piece of its arguments' JSON text is a delta."""

    id: str
    name: str
    arguments: tuple[str, ...]


class Tokens(NamedTuple):
    """The usage that an answer reports. `input` includes `cached` tokens, `output` includes `reasoning` tokens."""

    input: int
    output: int
    cached: int = 0
    reasoning: int = 0


USAGE = Tokens(9, 2)

Piece = str | Reasoning | Refusal | ToolCall
