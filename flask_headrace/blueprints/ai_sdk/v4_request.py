"""The messages of the AI SDK 3.4 to 4.3 as the turns that a model is asked. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ...core.errors import InvalidRequest
from ...providers.chat_request import Message, Part, ReasoningPart, TextPart, ToolCall
from ..http.data_url import media_type_of
from .files import part_of
from .v4_body import (
    AnsweredCall,
    Attachment,
    Calling,
    File,
    OpenCall,
    PartialCall,
    Redacted,
    Said,
    Thinking,
    Thought,
    Turn,
    WholeCall,
)

UNANSWERED = "The call was not answered."
"""What a model is told of a tool that it called and that nobody has asked."""


class _Step:
    """What the model said in one answer of several, and the tools that it called at its end."""

    __slots__ = ("calls", "parts")

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.calls: list[WholeCall] = []

    def is_over_before(self, item: Part | WholeCall) -> bool:
        return bool(self.calls) and not (isinstance(item, WholeCall) and item.step == self.calls[-1].step)

    def add(self, item: Part | WholeCall) -> None:
        if isinstance(item, WholeCall):
            self.calls.append(item)
        else:
            self.parts.append(item)

    def messages(self) -> Iterator[Message]:
        if self.parts or self.calls:
            calls = tuple([ToolCall(call.tool_call_id, call.tool_name, call.args) for call in self.calls])
            yield Message("assistant", tuple(self.parts), calls)
        for call in self.calls:
            if isinstance(call, AnsweredCall):
                yield Message("tool", _text_of_result(call.result), tool_call_id=call.tool_call_id)
            else:
                yield Message("tool", UNANSWERED, tool_call_id=call.tool_call_id, is_error=True)


def messages_of(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """Return a conversation as a model is asked it.

    Raises:
        InvalidRequest: it has something that no model can be asked; 400, with its place.
    """
    if turns:
        _refuse_open_calls(turns[-1], f"messages[{len(turns) - 1}]")
    return tuple([message for number, turn in enumerate(turns) for message in _messages(turn, f"messages[{number}]")])


def _refuse_open_calls(turn: Turn, where: str) -> None:
    # Earlier ones were given up by a user who went on; of the last, the page still has to give the results.
    for item in _items(turn, where):
        if isinstance(item, OpenCall):
            raise InvalidRequest(
                f"{where} has a call of {item.tool_name!r:.100} without a result: send it when it has one."
            )


def _messages(turn: Turn, where: str) -> Iterator[Message]:
    if turn.role == "assistant":
        step = _Step()
        for item in _items(turn, where):
            if step.is_over_before(item):
                yield from step.messages()
                step = _Step()
            step.add(item)
        yield from step.messages()
    elif turn.role != "data":  # which is for the application alone
        yield Message(turn.role, _content(turn, where))


def _content(turn: Turn, where: str) -> str | tuple[Part, ...]:
    parts = [item for item in _items(turn, where) if not isinstance(item, WholeCall)]
    for number, attachment in enumerate(turn.experimental_attachments):
        parts.append(_attached(attachment, f"{where}.experimental_attachments[{number}]"))
    if all(isinstance(part, TextPart) for part in parts):
        return "".join([part.text for part in parts if isinstance(part, TextPart)])
    return tuple(parts)


def _items(turn: Turn, where: str) -> Iterator[Part | WholeCall]:
    """Give what a message consists of, in its order. A call that was cut off was never made."""
    if not turn.parts:
        if turn.content:
            yield TextPart(turn.content)
        yield from [call for call in turn.toolInvocations if not isinstance(call, PartialCall)]
        return
    for number, part in enumerate(turn.parts):
        match part:
            case Said(text) if text:
                yield TextPart(text)
            case Thinking():
                yield from _thoughts(part)
            case Calling(call) if not isinstance(call, PartialCall):
                yield call
            case File(mime_type, data):
                yield part_of(f"data:{mime_type};base64,{data}", mime_type, f"{where}.parts[{number}]")


def _thoughts(thinking: Thinking) -> Iterator[Part]:
    if not thinking.details:
        yield ReasoningPart(thinking.reasoning)
    for detail in thinking.details:
        match detail:
            case Thought(text, signature):
                yield ReasoningPart(text, signature)
            case Redacted(data):
                yield ReasoningPart("", data, is_redacted=True)


def _attached(attachment: Attachment, where: str) -> Part:
    return part_of(attachment.url, attachment.content_type or media_type_of(attachment.url), where)


def _text_of_result(result: Any) -> str:  # noqa: ANN401  # any JSON value
    return result if isinstance(result, str) else msgspec.json.encode(result).decode()
