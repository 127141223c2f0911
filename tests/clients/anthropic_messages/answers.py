"""Requests and answers of these clients' tests."""

from __future__ import annotations

from types import ModuleType

from tests.support.upstream import Reasoning, Script, Tokens, ToolCall, anthropic_wire, cuts, openai_wire

PROVIDERS: list[tuple[str, ModuleType]] = [("openai", openai_wire), ("anthropic", anthropic_wire)]
"""Each client uses both providers: common events make one provider's answer readable to the other's clients."""

PIECES = ("Héllo", " wörld", " 🌊👩‍🚀", " e\u0301")
TEXT = "".join(PIECES)

HI = [{"role": "user", "content": "hi"}]
TOOLS = [
    {"name": "find", "description": "Finds.", "input_schema": {"type": "object", "properties": {"q": {}}}},
    {"name": "now", "input_schema": {"type": "object"}},
]
CALLS = (ToolCall("c1", "find", ('{"q":', ' "ö🌊"}')), ToolCall("c2", "now", ("{}",)))
CALLED = [("c1", "find", {"q": "ö🌊"}), ("c2", "now", {})]


def whole(wire: ModuleType) -> Script:
    """Return an answer that is sent byte by byte."""
    return cuts.cut(cuts.raw(wire.answer(*PIECES, usage=Tokens(9, 4, 3))), 1)


def calling(wire: ModuleType) -> Script:
    """Return an answer with reasoning, text and two tool calls."""
    return wire.answer(Reasoning("hm"), "Well. ", *CALLS, finish=wire.FINISHES[2])
