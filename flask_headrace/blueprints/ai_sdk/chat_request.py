"""Turns the body of the AI SDK's `useChat` into a `ChatRequest`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from ...core.errors import InvalidRequest
from ...providers.chat_request import ChatRequest, Message, Part, ReasoningPart, ResponseFormat, TextPart
from .chat_body import UIChatBody, UIMessage, UIMessagePart
from .files import to_file_part
from .tool_parts import superseded_calls, to_tool_call, to_tool_message
from .ui_frames import RESTART_PART_TYPE, RESUMED


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
    superseded = superseded_calls(messages)
    for index, message in enumerate(messages):
        parts = [
            (f"messages[{index}].parts[{place}]", part)
            for place, part in enumerate(message.parts)
            if (index, place) not in superseded
        ]
        match message.role:
            case "system":
                yield Message("system", "".join([part.text for part in message.parts if part.type == "text"]))
            case "user":
                yield Message("user", _simplify_content(tuple(_to_parts(parts))))
            case "assistant":
                # A call whose arguments were cut off was never made.
                steps = list(_split_steps([each for each in parts if each[1].state != "input-streaming"]))
                last = max([number for number, step in enumerate(steps) if _has_content(step)], default=0)
                for number, step in enumerate(steps):
                    yield from _step_messages(step, is_last=index == len(messages) - 1 and number == last)


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


def _has_content(parts: PartsWithPaths) -> bool:
    return any(part.called_tool is not None or part.type == "reasoning" or part.text for _, part in parts)


def _step_messages(parts: PartsWithPaths, *, is_last: bool) -> Iterator[Message]:
    calls = [(path, part) for path, part in parts if part.called_tool is not None]
    content = tuple(_to_parts([(path, part) for path, part in parts if part.called_tool is None], of_user=False))
    if content or calls:
        made = tuple([to_tool_call(path, part, is_open=is_last) for path, part in calls])
        yield Message("assistant", content, tool_calls=made)
    # The result of an approved call comes with the answer.
    yield from [to_tool_message(part) for _, part in calls if part.has_result or not is_last]


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
