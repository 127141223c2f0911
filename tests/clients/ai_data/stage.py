"""Requests and answers of these clients' tests."""

from __future__ import annotations

from tests.support.upstream import anthropic_wire, openai_wire

PROVIDERS = [("openai", openai_wire), ("anthropic", anthropic_wire)]
QUESTION = [{"role": "user", "content": "hi"}]
SCRIPTS = 'Hello – wörld 🌊 👩‍👩‍👧‍👦 e\u0301 \u2028 नमस्ते 𝒳\n"quoted" \\ and\ttabs'
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "steps": {"type": "array", "items": {"type": "string"}}},
    "required": ["name", "steps"],
    "additionalProperties": False,
}
RECIPE = {"name": "Tee 🍵", "steps": ["boil", "pour"]}
