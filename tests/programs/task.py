"""The task that every program does: two tools, one after the other, and a last word; told as an upstream's answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.programs.kinds import RESPONSES, Kind
from tests.support.upstream import Gate, Reasoning, Script, ToolCall, responses_wire, script

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
        if self.aside is not None and not has_tools(body):
            return self.aside.for_body(body)
        return self.turns[min(results(body), len(self.turns) - 1)].for_body(body)


def task(kind: Kind, calls: Sequence[tuple[str, dict[str, Any] | str]]) -> Script:
    """Return answers that call tools, one in each turn, and then say the last words."""
    turns = [turn(kind, number, *call) for number, call in enumerate(calls)]
    return ByResults((), None, (*turns, kind.wire.answer(*LAST_WORDS)), kind.wire.answer(ASIDE))


def turn(kind: Kind, number: int, name: str, arguments: dict[str, Any] | str) -> Script:
    """Return an answer with a thought, a sentence and a call; a text is the input of a free-form tool."""
    if isinstance(arguments, str) and kind is RESPONSES:
        *namespace, plain = name.split("__")
        return custom_call(f"call_{number}", plain, arguments, *namespace)
    said = json.dumps({"input": arguments} if isinstance(arguments, str) else arguments)
    call = ToolCall(f"call_{number}", name, (said[:5], said[5:]))
    return kind.wire.answer(Reasoning("Hm. "), "Let me see. ", call, finish=kind.wire.FINISHES[2])


def custom_call(call: str, name: str, text: str, namespace: str | None = None) -> Script:
    """Return an answer of the Responses API that calls a free-form tool with a text, in two pieces."""
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": call, "name": name}
    item |= {"namespace": namespace} if namespace else {}
    place = {"item_id": "ctc_1", "output_index": 0}
    delta, done = (f"response.custom_tool_call_input.{what}" for what in ("delta", "done"))
    finished = {**item, "input": text, "status": "completed"}
    return script(
        responses_wire.HEAD,
        responses_wire.opening(),
        responses_wire.frame("response.output_item.added", output_index=0, item={**item, "input": ""}),
        responses_wire.frame(delta, **place, delta=text[:9], deltas=1),
        responses_wire.frame(delta, **place, delta=text[9:], deltas=1),
        responses_wire.frame(done, **place, input=text),
        responses_wire.frame("response.output_item.done", output_index=0, item=finished),
        replace(responses_wire.ending("completed", output=(finished,)), last=True),
    )


def unfinished(kind: Kind, gate: str, *, has_tools: bool = True) -> Script:
    """Return an answer that waits in its middle; a question without tools has it too if the program has none."""
    waiting = kind.wire.answer(LAST_WORDS[0], Gate(gate), "never")
    return ByResults((), None, (waiting,), kind.wire.answer(ASIDE)) if has_tools else waiting


def has_tools(body: Any) -> bool:
    """Whether a request has tools: in its field, or in an item of its conversation, as Codex sends them."""
    items = body.get("input")
    return bool(body.get("tools")) or (
        isinstance(items, list) and any(item.get("type") == "additional_tools" for item in items)
    )


def results(body: Any) -> int:
    """Count the results of tools in a request of any of the three APIs."""
    items = body.get("messages", body.get("input"))
    return sum(map(_results_of, items)) if isinstance(items, list) else 0


def _results_of(item: dict[str, Any]) -> int:
    if item.get("role") == "tool" or str(item.get("type")).endswith("_call_output"):
        return 1
    blocks = item.get("content")
    return sum(block.get("type") == "tool_result" for block in blocks) if isinstance(blocks, list) else 0
