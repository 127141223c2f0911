"""A response of OpenAI's Responses API, and the items of its output, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from ...core.answer import Block, ReasoningBlock, ToolCallBlock
from ...core.events import FinishReason, Usage

Json: TypeAlias = dict[str, Any]
Status: TypeAlias = Literal["in_progress", "completed", "incomplete", "failed"]

REDACTED = "redacted:"
"""What stands before the signature of thoughts that their provider keeps to itself, where it is `encrypted_content`."""

INCOMPLETE: dict[FinishReason | None, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons of answers that the protocol calls incomplete, and what it calls them."""

UNTOLD: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "user": None,
}
"""What a response repeats of its request, where that did not say it."""

_json = msgspec.json.Encoder().encode


class About(msgspec.Struct, frozen=True):
    """What is the same in all that is told of one response.

    Args:
        id: The stream's.
        created: When it was asked, in seconds since 1970.
        asked: What the request said of `UNTOLD`'s fields.
    """

    id: str
    created: int
    asked: Mapping[str, Any]

    def response(self, model: str, status: Status, output: Sequence[Json], **rest: Any) -> Json:  # noqa: ANN401  # JSON
        """Return the response as it is now.

        Args:
            model: Who answers.
            status: How far it is.
            output: Its items so far.
            rest: Its `error`, `incomplete_details` and `usage`, where there are some.
        """
        return {
            "id": f"resp_{self.id}",
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "model": model,
            "output": output,
            "previous_response_id": None,
            "store": False,
            "usage": None,
            **UNTOLD,
            **self.asked,
            **rest,
        }

    def ended(self, model: str, output: Sequence[Json], reason: FinishReason | None, usage: Usage | None) -> Json:
        """Return the response as its model has ended it."""
        why = INCOMPLETE.get(reason)
        details = {"incomplete_details": {"reason": why}} if why else {}
        return self.response(
            model, "incomplete" if why else "completed", output, **details, usage=usage and tokens(usage)
        )

    def name(self, number: int, block: Block) -> str:
        """Return the id of an item, by its place in the output."""
        kind = {ToolCallBlock: "fc", ReasoningBlock: "rs"}.get(type(block), "msg")
        return f"{kind}_{self.id}_{number}"

    def item(self, number: int, block: Block, status: Status = "completed") -> Json:
        """Return an item of the output.

        Args:
            number: Its place.
            block: What it holds so far.
            status: How far it is.
        """
        id = self.name(number, block)  # noqa: A001  # the field's name
        match block:
            case ToolCallBlock():
                called = {"call_id": block.id, "name": block.name, "arguments": arguments_of(block)}
                return {"id": id, "type": "function_call", "status": status, **called}
            case ReasoningBlock():
                said = [thought_part(block.text)] if block.text else []
                return {"id": id, "type": "reasoning", "summary": said, "encrypted_content": _known_by(block)}
            case _:
                said = [text_part(block.text)] if block.text else []
                return {"id": id, "type": "message", "status": status, "role": "assistant", "content": said}


def text_part(text: str) -> Json:
    """Return a piece of a turn's text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def thought_part(text: str) -> Json:
    """Return a piece of what the model thought."""
    return {"type": "summary_text", "text": text}


def arguments_of(call: ToolCallBlock) -> str:
    """Return the JSON text of a call's arguments; that of their value where the model has written none."""
    if call.text.strip() or call.arguments is None:
        return call.text
    return _json(call.arguments).decode()


def tokens(usage: Usage) -> Json:
    """Return what an answer took. The last two are not OpenAI's: its SDKs keep fields that they do not know."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "cost": usage.cost,
        "estimated": usage.estimated,
    }


def _known_by(block: ReasoningBlock) -> str | None:
    if block.signature is None:
        return None
    return f"{REDACTED}{block.signature}" if block.is_redacted else block.signature
