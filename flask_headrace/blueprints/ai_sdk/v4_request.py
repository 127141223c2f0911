"""Turns the messages of the AI SDK 3.4 to 4.3 into messages of a `ChatRequest`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...core import exact_json
from ...core.data_url import data_url_media_type
from ...core.errors import InvalidRequest
from ...providers.chat_request import Message, Part, ReasoningPart, TextPart, ToolCall
from .files import to_file_part
from .tool_parts import UNANSWERED_RESULT
from .v4_body import (
    Attachment,
    CompletedToolInvocation,
    FileUIPart,
    FullToolInvocation,
    PartialToolInvocation,
    PendingToolInvocation,
    ReasoningRedactedDetail,
    ReasoningTextDetail,
    ReasoningUIPart,
    TextUIPart,
    ToolInvocationUIPart,
    V4Message,
)


class _Step:
    """One answer of the model in an assistant message: its parts, then its tool calls."""

    __slots__ = ("calls", "parts")

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.calls: list[FullToolInvocation] = []

    def ends_before(self, item: Part | FullToolInvocation) -> bool:
        return bool(self.calls) and not (isinstance(item, FullToolInvocation) and item.step == self.calls[-1].step)

    def add(self, item: Part | FullToolInvocation) -> None:
        if isinstance(item, FullToolInvocation):
            self.calls.append(item)
        else:
            self.parts.append(item)

    def messages(self) -> Iterator[Message]:
        if self.parts or self.calls:
            calls = tuple([ToolCall(call.tool_call_id, call.tool_name, call.args) for call in self.calls])
            yield Message("assistant", tuple(self.parts), calls)
        for call in self.calls:
            if isinstance(call, CompletedToolInvocation):
                yield Message("tool", _result_text(call.result), tool_call_id=call.tool_call_id)
            else:
                yield Message("tool", UNANSWERED_RESULT, tool_call_id=call.tool_call_id, is_error=True)


def to_messages(messages: Sequence[V4Message]) -> tuple[Message, ...]:
    """Return the messages of a conversation.

    Raises:
        InvalidRequest: a message has a file or a call that is not supported; 400, with its path.
    """
    if messages:
        _reject_pending_calls(messages[-1], f"messages[{len(messages) - 1}]")
    return tuple(
        [message for index, posted in enumerate(messages) for message in _split_message(posted, f"messages[{index}]")]
    )


def _reject_pending_calls(message: V4Message, path: str) -> None:
    # In earlier messages the user continued without a result; for the last message the page must first run the tool.
    for item in _parts_and_calls(message, path):
        if isinstance(item, PendingToolInvocation):
            raise InvalidRequest(
                f"{path} has a call of {item.tool_name!r:.100} without a result: send the request when the tool has "
                "returned."
            )


def _split_message(message: V4Message, path: str) -> Iterator[Message]:
    if message.role == "assistant":
        step = _Step()
        for item in _parts_and_calls(message, path):
            if step.ends_before(item):
                yield from step.messages()
                step = _Step()
            step.add(item)
        yield from step.messages()
    elif message.role != "data":  # data messages are for the application alone
        yield Message(message.role, _to_content(message, path))


def _to_content(message: V4Message, path: str) -> str | tuple[Part, ...]:
    parts = [item for item in _parts_and_calls(message, path) if not isinstance(item, FullToolInvocation)]
    for number, attachment in enumerate(message.experimental_attachments):
        parts.append(_attachment_part(attachment, f"{path}.experimental_attachments[{number}]"))
    if all(isinstance(part, TextPart) for part in parts):
        return "".join([part.text for part in parts if isinstance(part, TextPart)])
    return tuple(parts)


def _parts_and_calls(message: V4Message, path: str) -> Iterator[Part | FullToolInvocation]:
    """Yield the parts and tool calls of a message, in order. Calls with incomplete arguments are skipped."""
    if not message.parts:
        if message.content:
            yield TextPart(message.content)
        yield from [call for call in message.toolInvocations if not isinstance(call, PartialToolInvocation)]
        return
    for number, part in enumerate(message.parts):
        match part:
            case TextUIPart(text) if text:
                yield TextPart(text)
            case ReasoningUIPart():
                yield from _to_reasoning_parts(part)
            case ToolInvocationUIPart(call) if not isinstance(call, PartialToolInvocation):
                yield call
            case FileUIPart(mime_type, data):
                yield to_file_part(f"data:{mime_type};base64,{data}", mime_type, f"{path}.parts[{number}]")


def _to_reasoning_parts(thinking: ReasoningUIPart) -> Iterator[Part]:
    if not thinking.details:
        yield ReasoningPart(thinking.reasoning)
    for detail in thinking.details:
        match detail:
            case ReasoningTextDetail(text, signature):
                yield ReasoningPart(text, signature)
            case ReasoningRedactedDetail(data):
                yield ReasoningPart("", data, is_redacted=True)


def _attachment_part(attachment: Attachment, path: str) -> Part:
    return to_file_part(attachment.url, attachment.content_type or data_url_media_type(attachment.url), path)


def _result_text(result: Any) -> str:  # noqa: ANN401  # any JSON value
    return result if isinstance(result, str) else exact_json.encode(result).decode()
