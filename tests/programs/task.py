"""The task that every program does: two tools, one after the other, and a last word; told as an upstream's answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.programs.kinds import Kind
from tests.support.upstream import Gate, Reasoning, Script, ToolCall

QUESTION = "Read note.txt, write the word in it to answer.txt, and tell me when it is done."
WORD = "overshot"
LAST_WORDS = ("The mill", " turns", " now.")
ASIDE = "A mill"  # what a question without tools is answered, such as one for a title


@dataclass(frozen=True)
class ByResults(Script):
    """An answer that depends on how many results of tools the request has; without tools it is the aside."""

    turns: tuple[Script, ...] = ()
    aside: Script | None = None

    def for_body(self, body: Any) -> Script:
        """Choose the answer for a request."""
        if self.aside is not None and not body.get("tools"):
            return self.aside.for_body(body)
        return self.turns[min(results(body), len(self.turns) - 1)].for_body(body)


def task(kind: Kind, calls: Sequence[tuple[str, dict[str, Any]]]) -> Script:
    """Return answers that call tools, one in each turn, and then say the last words."""
    turns = [turn(kind, number, *call) for number, call in enumerate(calls)]
    return ByResults((), None, (*turns, kind.wire.answer(*LAST_WORDS)), kind.wire.answer(ASIDE))


def turn(kind: Kind, number: int, name: str, arguments: dict[str, Any]) -> Script:
    """Return an answer with a thought, a sentence and a call."""
    said = json.dumps(arguments)
    call = ToolCall(f"call_{number}", name, (said[:5], said[5:]))
    return kind.wire.answer(Reasoning("Hm. "), "Let me see. ", call, finish=kind.wire.FINISHES[2])


def unfinished(kind: Kind, gate: str, *, has_tools: bool = True) -> Script:
    """Return an answer that waits in its middle; a question without tools has it too if the program has none."""
    waiting = kind.wire.answer(LAST_WORDS[0], Gate(gate), "never")
    return ByResults((), None, (waiting,), kind.wire.answer(ASIDE)) if has_tools else waiting


def results(body: Any) -> int:
    """Count the results of tools in a request of any of the three APIs."""
    items = body.get("messages", body.get("input"))
    return sum(map(_results_of, items)) if isinstance(items, list) else 0


def _results_of(item: dict[str, Any]) -> int:
    if item.get("role") == "tool" or str(item.get("type")).endswith("_call_output"):
        return 1
    blocks = item.get("content")
    return sum(block.get("type") == "tool_result" for block in blocks) if isinstance(blocks, list) else 0
