"""Builds the response object of OpenAI's Responses API and its output items. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec

from ...core import exact_json
from ...core.answer import ReasoningBlock, ToolCallBlock
from ...core.custom_tool_input import ArgumentsToInput, input_of
from ...core.events import Completed, FinishReason, Usage
from ...core.reasoning_signature import encrypted_content_of, is_openai_signature
from .request_echo import Json, response_fields

Status: TypeAlias = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]

REDACTED_PREFIX = "redacted:"
"""Precedes the signature of redacted reasoning in `encrypted_content`."""

INCOMPLETE_REASONS: dict[FinishReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons of answers that the protocol calls incomplete, with the protocol's reason."""

_json = exact_json.encode


class ResponseHeader(msgspec.Struct, frozen=True, dict=True):
    """The fields that all versions of one response object share.

    Args:
        id: The stream's id.
        created: The time of the request, in seconds since 1970.
        request_fields: The top-level fields of the request, as JSON values.
    """

    id: str
    created: int
    request_fields: Mapping[str, Any]

    @cached_property
    def _echoed_fields(self) -> Json:
        return response_fields(self.request_fields)

    def response(self, model: str, status: Status, output: Sequence[Json], **rest: Any) -> Json:  # noqa: ANN401  # JSON
        """Return the response object in its current state.

        Args:
            model: The answering model.
            status: The status of the response.
            output: The output items so far.
            rest: `completed_at`, `error`, `incomplete_details` and `usage`, if not null; and the settings that the
                provider reports, in place of those of the request.
        """
        return {
            "id": f"resp_{self.id}",
            "object": "response",
            "created_at": self.created,
            "completed_at": None,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": model,
            "output": output,
            "store": self._echoed_fields["background"],
            "usage": None,
            **self._echoed_fields,
            **rest,
        }

    def ended_response(
        self, model: str, output: Sequence[Json], completed: Completed, usage: Usage | None, reported: Json
    ) -> Json:
        """Return the response object of an answer that the model has ended.

        Args:
            model: The answering model.
            output: The output items.
            completed: The last event of the answer.
            usage: The usage; None if unknown.
            reported: Fields of the response, as the provider reports them.
        """
        fields = {**reported, **(completed.applied_settings or {}), "usage": usage and usage_object(usage)}
        if reason := INCOMPLETE_REASONS.get(completed.finish_reason):
            return self.response(model, "incomplete", output, **fields, incomplete_details={"reason": reason})
        # The clock may have been set back meanwhile.
        return self.response(
            model, "completed", output, **fields, completed_at=max(self.created, completed.completed_at)
        )


def message_item(id: str, parts: list[Json], status: Status) -> Json:  # noqa: A002  # the field's name
    """Return a message of the model."""
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": parts}


def reasoning_item(id: str, block: ReasoningBlock, *, has_text: bool) -> Json:  # noqa: A002
    """Return the item of a run of reasoning: a summary, or the text itself."""
    summary = [summary_part(block.text)] if block.text and not has_text else []
    content = {"content": [reasoning_part(block.text)]} if has_text else {}
    return {"id": id, "type": "reasoning", "summary": summary, **content, **_encrypted_content(block)}


def call_item(id: str, item_type: str, block: ToolCallBlock, status: Status, names: Json) -> Json:  # noqa: A002
    """Return the item of a call.

    Args:
        id: The id of the item.
        item_type: `function_call` or `custom_tool_call`.
        block: The call.
        status: The status of the item.
        names: The `name` by which the client knows the tool, and its `namespace`, where they differ from the block's.
    """
    call = {"call_id": block.id, "name": names.get("name") or block.name}
    if namespace := names.get("namespace"):
        call["namespace"] = namespace
    content = {"input": call_input(block)} if item_type == "custom_tool_call" else {"arguments": arguments_json(block)}
    return {"id": id, "type": item_type, "status": status, **call, **content}


def text_part(text: str, annotations: Sequence[Any] = (), logprobs: Sequence[Any] = ()) -> Json:
    """Return a text part of a message item."""
    return {"type": "output_text", "text": text, "annotations": [*annotations], "logprobs": [*logprobs]}


def refusal_part(text: str) -> Json:
    """Return a part of a message item that is a refusal."""
    return {"type": "refusal", "refusal": text}


def summary_part(text: str) -> Json:
    """Return a part of a reasoning item."""
    return {"type": "summary_text", "text": text}


def reasoning_part(text: str) -> Json:
    """Return a part of a reasoning item that has the text itself."""
    return {"type": "reasoning_text", "text": text}


def call_input(call: ToolCallBlock) -> str:
    """Return the free text with which a custom tool is called, as far as it is known."""
    if call.arguments is not None:
        return input_of(call.arguments)
    return ArgumentsToInput().feed(call.text)


def arguments_json(call: ToolCallBlock) -> str:
    """Return the JSON text of a call's arguments; encoded from their value if the model sent no text."""
    if call.text.strip() or call.arguments is None:
        return call.text
    return _json(call.arguments).decode()


def usage_object(usage: Usage) -> Json:
    """Return the usage object. `cost` and `estimated` are not OpenAI's; its SDKs keep unknown fields."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "cost": usage.cost,
        "estimated": usage.estimated,
    }


def _encrypted_content(block: ReasoningBlock) -> Json:
    # Typed clients accept text or nothing here, but no null.
    if block.signature is None:
        return {}
    if is_openai_signature(block.signature):
        return {"encrypted_content": encrypted_content_of(block.signature)}
    return {"encrypted_content": f"{REDACTED_PREFIX}{block.signature}" if block.is_redacted else block.signature}
