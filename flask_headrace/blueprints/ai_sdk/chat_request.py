"""What the AI SDK's `useChat` sends, read into a question. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from ...core.errors import InvalidRequest
from ...providers.chat_request import ChatRequest, Message, Part, ReasoningPart, ResponseFormat, TextPart, ToolCall
from .chat_body import UiChatBody, UiMessage, UiPart
from .files import part_of
from .ui_message_encoder import RESTART

UNANSWERED = "The call was not answered."
DENIED = "The user did not allow the call."


def question_of(body: UiChatBody) -> ChatRequest:
    """Return what the model is asked.

    Raises:
        InvalidRequest: a part of a message cannot be passed on; the message names it.
    """
    wanted = None if body.schema is None else ResponseFormat(body.schema)
    return body.question(tuple(_turns(body.conversation())), response_format=wanted)


Placed: TypeAlias = list[tuple[str, UiPart]]
"""Parts, each with the path to it that errors name."""


def _turns(messages: Sequence[UiMessage]) -> Iterator[Message]:
    for number, message in enumerate(messages):
        parts = [(f"messages[{number}].parts[{place}]", part) for place, part in enumerate(message.parts)]
        match message.role:
            case "system":
                yield Message("system", "".join([part.text for part in message.parts if part.type == "text"]))
            case "user":
                yield Message("user", _plain(tuple(_contents(parts))))
            case "assistant":
                is_last = number == len(messages) - 1
                for step in _steps(parts):
                    yield from _step(step, is_last=is_last)


def _steps(parts: Placed) -> Iterator[Placed]:
    """Return an assistant's requests to the model one by one: the results of the calls in one lie before the next."""
    step: Placed = []
    kept = max([number for number, (_, part) in enumerate(parts, 1) if part.type == RESTART], default=0)
    for place, part in parts[kept:]:
        if part.type == "step-start":
            yield step
            step = []
        else:
            step.append((place, part))
    yield step


def _step(parts: Placed, *, is_last: bool) -> Iterator[Message]:
    # What was cut off before it was whole was no call.
    calls = [(place, part) for place, part in parts if part.called is not None and part.state != "input-streaming"]
    content = tuple(_contents([(place, part) for place, part in parts if part.called is None], of_user=False))
    if content or calls:
        yield Message("assistant", content, tool_calls=tuple([_call(place, part) for place, part in calls]))
    for place, part in calls:
        if is_last and not part.state.startswith("output-"):
            raise InvalidRequest(f"{place} calls {part.called!r:.100} and has no output yet: send it when it has one.")
        yield _result(part)


def _contents(parts: Placed, *, of_user: bool = True) -> Iterator[Part]:
    for place, part in parts:
        match part.type:
            case "text" if part.text:
                yield TextPart(part.text)
            case "reasoning":
                yield _reasoning(part)
            case "file":
                yield _file(place, part, of_user=of_user)
            case "text" | "step-start":
                pass
            case type_ if not type_.startswith(("source-", "data-")):  # for the page, not for the model
                raise InvalidRequest(f"{place} is of the type {type_!r:.100}, which cannot be passed on: leave it out.")


def _plain(content: tuple[Part, ...]) -> str | tuple[Part, ...]:
    # Many servers that speak OpenAI's protocol read a list only where there are pictures, and none reads an empty one.
    match content:
        case ():
            return ""
        case (TextPart(text=text),):
            return text
        case _:
            return content


def _file(place: str, part: UiPart, *, of_user: bool) -> Part:
    if not of_user:
        raise InvalidRequest(f"{place} is a file in an assistant's message: only a user's may have files.")
    return part_of(part.url, part.media_type, place)


def _reasoning(part: UiPart) -> ReasoningPart:
    known = (part.provider_metadata or {}).get("anthropic", {})
    if isinstance(redacted := known.get("redactedData"), str):
        return ReasoningPart("", redacted, is_redacted=True)
    signature = known.get("signature")
    return ReasoningPart(part.text, signature if isinstance(signature, str) else None)


def _call(place: str, part: UiPart) -> ToolCall:
    if not part.called or not part.tool_call_id:
        raise InvalidRequest(f"{place} is a tool call without a name or without `toolCallId`.")
    # One that failed before it was whole has none.
    return ToolCall(part.tool_call_id, part.called, part.input if isinstance(part.input, dict) else {})


def _result(part: UiPart) -> Message:
    match part.state:
        case "output-available":
            output = part.output if isinstance(part.output, str) else msgspec.json.encode(part.output).decode()
            return Message("tool", output, tool_call_id=part.tool_call_id)
        case "output-error":
            return Message("tool", part.error_text, tool_call_id=part.tool_call_id, is_error=True)
        case "output-denied":
            return Message("tool", DENIED, tool_call_id=part.tool_call_id, is_error=True)
        case _:
            return Message("tool", UNANSWERED, tool_call_id=part.tool_call_id, is_error=True)
