"""Turns the body of the AI SDK's `useChat` into a `ChatRequest`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from ...core import exact_json
from ...core.errors import InvalidRequest
from ...providers.chat_request import ChatRequest, Message, Part, ReasoningPart, ResponseFormat, TextPart, ToolCall
from .chat_body import UIChatBody, UIMessage, UIMessagePart
from .files import to_file_part
from .ui_message_encoder import RESTART_PART_TYPE, RESUMED

UNANSWERED_RESULT = "The call was not answered."
DENIED_RESULT = "The user did not allow the call."
"""The results of tool calls without an output, as the model sees them."""


def to_chat_request(body: UIChatBody) -> ChatRequest:
    """Return the `ChatRequest` of a body, without the model, which `open_stream` resolves.

    Raises:
        InvalidRequest: a part of a message is not supported; the message names its path.
    """
    response_format_ = None if body.schema is None else ResponseFormat(body.schema)
    return body.to_chat_request(tuple(_to_messages(body.messages_to_answer())), response_format=response_format_)


PartsWithPaths: TypeAlias = list[tuple[str, UIMessagePart]]
"""Parts of a message, each with its path for error messages."""


def _to_messages(messages: Sequence[UIMessage]) -> Iterator[Message]:
    for index, message in enumerate(messages):
        parts = [(f"messages[{index}].parts[{place}]", part) for place, part in enumerate(message.parts)]
        match message.role:
            case "system":
                yield Message("system", "".join([part.text for part in message.parts if part.type == "text"]))
            case "user":
                yield Message("user", _simplify_content(tuple(_to_parts(parts))))
            case "assistant":
                is_last = index == len(messages) - 1
                for step in _split_steps(parts):
                    yield from _step_messages(step, is_last=is_last)


def _split_steps(parts: PartsWithPaths) -> Iterator[PartsWithPaths]:
    """Yield the steps of an assistant message: one model request each, with the results of its tool calls."""
    step: PartsWithPaths = []
    for path, part in _valid_parts(parts):
        if part.type == "step-start":
            yield step
            step = []
        else:
            step.append((path, part))
    yield step


def _valid_parts(parts: PartsWithPaths) -> PartsWithPaths:
    """Return the parts that no restart has voided."""
    valid: PartsWithPaths = []
    for path, part in parts:
        if part.type != RESTART_PART_TYPE:
            valid.append((path, part))
        elif isinstance(part.data, dict) and part.data.get("reason") == RESUMED:
            valid.clear()
        else:
            while valid and valid[-1][1].type != "step-start":
                valid.pop()
    return valid


def _step_messages(parts: PartsWithPaths, *, is_last: bool) -> Iterator[Message]:
    # A call whose arguments were cut off was never made.
    calls = [(path, part) for path, part in parts if part.called_tool is not None and part.state != "input-streaming"]
    content = tuple(_to_parts([(path, part) for path, part in parts if part.called_tool is None], of_user=False))
    if content or calls:
        yield Message("assistant", content, tool_calls=tuple([_to_tool_call(path, part) for path, part in calls]))
    for path, part in calls:
        if is_last and not part.state.startswith("output-"):
            raise InvalidRequest(
                f"{path} calls {part.called_tool!r:.100} and has no output: send the request with the output."
            )
        yield _to_tool_message(part)


def _to_parts(parts: PartsWithPaths, *, of_user: bool = True) -> Iterator[Part]:
    for path, part in parts:
        match part.type:
            case "text" if part.text:
                yield TextPart(part.text)
            case "reasoning":
                yield _to_reasoning_part(part)
            case "file" if of_user:
                yield to_file_part(part.url, part.media_type, path)
            case "text" | "step-start" | "file":  # what an assistant shows is for the page
                pass
            case type_ if not type_.startswith(("source-", "data-")):  # those are for the page
                raise InvalidRequest(f"{path} is of the type {type_!r:.100}, not supported: omit it.")


def _simplify_content(content: tuple[Part, ...]) -> str | tuple[Part, ...]:
    # Many OpenAI-compatible servers accept a list only if it has images, and none accepts an empty list.
    match content:
        case ():
            return ""
        case (TextPart(text=text),):
            return text
        case _:
            return content


def _to_reasoning_part(part: UIMessagePart) -> ReasoningPart:
    anthropic = (part.provider_metadata or {}).get("anthropic", {})
    if isinstance(redacted := anthropic.get("redactedData"), str):
        return ReasoningPart("", redacted, is_redacted=True)
    signature = anthropic.get("signature")
    return ReasoningPart(part.text, signature if isinstance(signature, str) else None)


def _to_tool_call(path: str, part: UIMessagePart) -> ToolCall:
    if not part.called_tool or not part.tool_call_id:
        raise InvalidRequest(f"{path} is a tool call without a name or without `toolCallId`.")
    # A call that failed before its arguments were complete has no input.
    return ToolCall(part.tool_call_id, part.called_tool, part.input if isinstance(part.input, dict) else {})


def _to_tool_message(part: UIMessagePart) -> Message:
    match part.state:
        case "output-available":
            output = part.output if isinstance(part.output, str) else exact_json.encode(part.output).decode()
            return Message("tool", output, tool_call_id=part.tool_call_id)
        case "output-error":
            return Message("tool", part.error_text, tool_call_id=part.tool_call_id, is_error=True)
        case "output-denied":
            return Message("tool", DENIED_RESULT, tool_call_id=part.tool_call_id, is_error=True)
        case _:
            return Message("tool", UNANSWERED_RESULT, tool_call_id=part.tool_call_id, is_error=True)
