"""The chunks of a chat completion, in OpenAI's own shape and in those of the servers that speak it. Pure.

What OpenAI sends is decoded at once. Fields that servers put to other uses may hold any JSON here, and are read by the
functions below.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ...core.events import ReasoningDelta, TextDelta
from ..decoding.json_events import to_text
from .chat_tool_calls import ToolCallChunk
from .usage import InputTokenDetails, OutputTokenDetails, TokenCountsBase

_NAMES = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_details": "prompt_tokens_details",
    "output_details": "completion_tokens_details",
}


class Function(msgspec.Struct, gc=False):
    """What a call calls, with the arguments, by one of two names: their text, or the object itself."""

    name: str | None = None
    arguments: Any = None
    input: Any = None


class ToolCall(Function, gc=False):
    """A piece of a call. Some servers put the function's fields into the call itself."""

    index: int | str | None = None
    id: int | str | None = None
    function: Function | None = None


class Delta(msgspec.Struct, gc=False):
    """The next piece of a message, or the message."""

    content: Any = None
    tool_calls: list[ToolCall] | ToolCall | None = None
    refusal: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_text: Any = None
    reasoning_details: Any = None
    function_call: Function | None = None  # the older API's one call, which is no list


class TokenCounts(TokenCountsBase, gc=False, rename=_NAMES):
    """The counts, by the names that they have here: only fields that are written again get new ones."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_details: InputTokenDetails | None = None
    output_details: OutputTokenDetails | None = None


class Choice(msgspec.Struct, gc=False):
    """A piece of an answer."""

    index: int | str | None = None
    delta: Delta | None = None
    finish_reason: Any = None
    error: Any = None
    message: Delta | None = None
    text: str | None = None  # as in the completions that are no chat
    usage: TokenCounts | None = None  # Moonshot's


class Chunk(msgspec.Struct, gc=False):
    """What one frame holds."""

    choices: list[Choice] | None = None
    usage: TokenCounts | None = None
    error: Any = None


decode = msgspec.json.Decoder(Chunk).decode

_FOREIGN_FIELDS = {
    "answer", "candidates", "completion", "content", "delta", "generated_text", "message", "output", "output_text",
    "response", "text",
}  # fmt: skip
"""Where servers of other protocols put what they say."""

_REASONING_TYPES = {"thinking", "reasoning", "reasoning_text", "reasoning_content", "summary_text"}
"""The types of a content's parts that are thoughts."""


def tool_call_chunks(delta: Delta) -> Iterator[ToolCallChunk]:
    """Yield the pieces of calls in a delta."""
    told = delta.tool_calls
    for call in [told] if isinstance(told, ToolCall) else told or ():
        function = call.function or call
        index = int(call.index) if isinstance(call.index, str) and call.index.isdecimal() else call.index
        id_ = None if call.id is None else str(call.id)
        yield ToolCallChunk(index, id_, function.name or call.name, arguments_text(function) or arguments_text(call))


def legacy_tool_call_chunks(delta: Delta) -> Iterator[ToolCallChunk]:
    """Yield the piece of the one call that a delta of the older API has."""
    if function := delta.function_call:
        yield ToolCallChunk("function", None, function.name, arguments_text(function))


def arguments_text(function: Function) -> str:
    """Return the text of arguments, which some servers send as the object itself."""
    for told in (function.arguments, function.input):
        if text := to_text(told):
            return text
    return ""


def reasoning_text(delta: Delta) -> str:
    """Return what a delta thinks aloud, which servers tell in fields of several names; in one that has two, once."""
    for told in (delta.reasoning_content, delta.reasoning, delta.reasoning_text, delta.reasoning_details):
        if type(told) is str and told:
            return told
        if told and (reasoning := "".join(part_text(part) for part in _as_parts(told))):
            return reasoning
    return ""


def content_deltas(content: Any) -> Iterator[TextDelta | ReasoningDelta]:  # noqa: ANN401  # what a server sent
    """Yield what a content says that is no text but a part, or parts, such as those of Mistral's reasoning models."""
    if type(content) in {int, float}:
        content = str(content)
    for part in _as_parts(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(kind, str) and kind in _REASONING_TYPES:
            told = part.get("thinking") or part.get(kind) or part
            yield from [ReasoningDelta(reasoning) for inner in _as_parts(told) if (reasoning := part_text(inner))]
        elif text := part_text(part):
            yield TextDelta(text)


def _as_parts(content: Any) -> list[Any]:  # noqa: ANN401  # what a server sent
    return content if isinstance(content, list) else [content]


def part_text(part: Any) -> str:  # noqa: ANN401  # what a server sent
    """Return the text of a part of a content; empty where it has none."""
    match part:
        case str(text) | {"text": str(text)} | {"text": {"value": str(text)}} | {"content": str(text)}:
            return text
        case {"summary": str(text)} | {"refusal": str(text)}:
            return text
    return ""


def bare_error(data: bytes, *, is_named: bool) -> Any:  # noqa: ANN401  # what a server sent
    """Return the error that a frame is itself, where others send an object that holds it; None where it is none.

    Older vLLMs say so by its `object`.

    Args:
        data: The frame's data.
        is_named: Whether the frame's name says that it is an error.
    """
    bare = _parse_object(data)
    return bare if is_named or bare.get("object") == "error" else None


def is_foreign_protocol(data: bytes) -> bool:
    """Whether a frame of which nothing was read says something all the same, in a field of another protocol."""
    chunk = _parse_object(data)
    choices = [choice for choice in chunk.get("choices") or () if isinstance(choice, dict)]
    told = [choice.get("delta") or choice.get("message") for choice in choices]
    if isinstance(chunk.get("message"), dict):
        told.append(chunk["message"])
    if isinstance(chunk.get("delta"), dict):
        told.append(chunk["delta"])
    places = [chunk, *choices, *(delta for delta in told if isinstance(delta, dict))]
    return any(
        isinstance(place[name], str) and place[name] for place in places for name in _FOREIGN_FIELDS & place.keys()
    )


def _parse_object(data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict)
    except msgspec.DecodeError:
        return {}
