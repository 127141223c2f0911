"""The chunks of a chat completion, in OpenAI's format and in the variants of compatible servers. Pure.

OpenAI's chunks are decoded in one step. Fields that servers use in their own ways may be any JSON here; the functions
below read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ...core.events import ReasoningDelta, TextDelta
from ...core.exact_json import parse_fraction
from ..decoding.json_events import to_text
from .chat_custom_calls import CustomInputs, whole_input
from .chat_tool_calls import ToolCallChunk
from .usage import InputTokenDetails, OutputTokenDetails, TokenCountsBase

_NAMES = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_details": "prompt_tokens_details",
    "output_details": "completion_tokens_details",
}


class Function(msgspec.Struct, gc=False):
    """The function of a tool call. The arguments are in one of two fields, as JSON text or as the object itself."""

    name: str | None = None
    arguments: Any = None
    input: Any = None


class ToolCall(Function, gc=False):
    """A piece of a tool call. Some servers have the function's fields in the tool call itself."""

    index: int | str | None = None
    id: int | str | None = None
    function: Function | None = None
    custom: Function | None = None  # a call of a custom tool, with free text as `input`


class Delta(msgspec.Struct, gc=False):
    """The next piece of a message, or a whole message."""

    content: Any = None
    tool_calls: list[ToolCall] | ToolCall | None = None
    refusal: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_text: Any = None
    reasoning_details: Any = None
    reasoning_opaque: Any = None
    extra_content: Any = None
    function_call: Function | None = None  # the single call of the API's older version


class TokenCounts(TokenCountsBase, gc=False, rename=_NAMES):
    """The token counts, with the JSON names of this API: msgspec renames only fields that the subclass repeats."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_details: InputTokenDetails | None = None
    output_details: OutputTokenDetails | None = None


class Choice(msgspec.Struct, gc=False):
    """A piece of one of the answers to a request."""

    index: int | str | None = None
    delta: Delta | None = None
    finish_reason: Any = None
    error: Any = None
    message: Delta | None = None
    text: str | None = None  # as in OpenAI's completions without chat
    usage: TokenCounts | None = None  # sent by Moonshot


class Chunk(msgspec.Struct, gc=False):
    """The data of one server-sent event."""

    choices: list[Choice] | None = None
    usage: TokenCounts | None = None
    service_tier: Any = None
    error: Any = None


decode = msgspec.json.Decoder(Chunk, float_hook=parse_fraction).decode

_FOREIGN_FIELDS = {
    "answer", "candidates", "completion", "content", "delta", "generated_text", "message", "output", "output_text",
    "response", "text",
}  # fmt: skip
"""Fields in which servers of other protocols send the text of an answer."""

_REASONING_TYPES = {"thinking", "reasoning", "reasoning_text", "reasoning_content", "summary_text"}
"""The types of content parts that are reasoning."""


def tool_call_chunks(delta: Delta, custom_inputs: CustomInputs | None = None) -> Iterator[ToolCallChunk]:
    """Yield the pieces of tool calls in a delta.

    Args:
        delta: The delta.
        custom_inputs: The inputs of custom tools so far; None for a delta that has each call completely.
    """
    calls = delta.tool_calls
    for call in [calls] if isinstance(calls, ToolCall) else calls or ():
        function = call.function or call
        index = int(call.index) if isinstance(call.index, str) and call.index.isdecimal() else call.index
        id_ = None if call.id is None else str(call.id)
        if (custom := call.custom) is not None:
            text = to_text(custom.input)
            if custom_inputs is None:
                yield ToolCallChunk(index, id_, custom.name, whole_input(text))
            else:
                yield from custom_inputs.chunks(index, id_, custom.name, text)
            continue
        yield ToolCallChunk(index, id_, function.name or call.name, arguments_text(function) or arguments_text(call))


def legacy_tool_call_chunks(delta: Delta) -> Iterator[ToolCallChunk]:
    """Yield the piece of the single call in a delta of the API's older version."""
    if function := delta.function_call:
        yield ToolCallChunk("function", None, function.name, arguments_text(function))


def arguments_text(function: Function) -> str:
    """Return the text of a function's arguments, which some servers send as the object itself."""
    for value in (function.arguments, function.input):
        if text := to_text(value):
            return text
    return ""


def reasoning_text(delta: Delta) -> str:
    """Return the reasoning in a delta. Servers send it in fields of several names; if two are set, the first counts."""
    for value in (delta.reasoning_content, delta.reasoning, delta.reasoning_text, delta.reasoning_details):
        if type(value) is str and value:
            return value
        if value and (reasoning := "".join(part_text(part) for part in _as_parts(value))):
            return reasoning
    return ""


def content_deltas(content: Any) -> Iterator[TextDelta | ReasoningDelta]:  # noqa: ANN401  # what a server sent
    """Yield the text and reasoning of a content that is a part or a list of parts, as Mistral's models send it."""
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        content = to_text(content)
    for part in _as_parts(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(kind, str) and kind in _REASONING_TYPES:
            value = part.get("thinking") or part.get(kind) or part
            yield from [ReasoningDelta(reasoning) for inner in _as_parts(value) if (reasoning := part_text(inner))]
        elif text := part_text(part):
            yield TextDelta(text)


def _as_parts(content: Any) -> list[Any]:  # noqa: ANN401  # what a server sent
    return content if isinstance(content, list) else [content]


def part_text(part: Any) -> str:  # noqa: ANN401  # what a server sent
    """Return the text of a content part; empty if it has none."""
    match part:
        case str(text) | {"text": str(text)} | {"text": {"value": str(text)}} | {"content": str(text)}:
            return text
        case {"summary": str(text)} | {"refusal": str(text)}:
            return text
    return ""


def bare_error(data: bytes, *, is_named: bool) -> Any:  # noqa: ANN401  # what a server sent
    """Return an event's data if it is itself an error, where OpenAI sends an object with the field `error`; else None.

    Older versions of vLLM mark such data by `"object": "error"`.

    Args:
        data: The data of the server-sent event.
        is_named: Whether the name of the event is `error`.
    """
    bare = _parse_object(data)
    return bare if is_named or bare.get("object") == "error" else None


def is_foreign_protocol(data: bytes) -> bool:
    """Whether an event from which nothing could be read contains text in a field of another protocol."""
    chunk = _parse_object(data)
    choices = [choice for choice in chunk.get("choices") or () if isinstance(choice, dict)]
    deltas = [choice.get("delta") or choice.get("message") for choice in choices]
    if isinstance(chunk.get("message"), dict):
        deltas.append(chunk["message"])
    if isinstance(chunk.get("delta"), dict):
        deltas.append(chunk["delta"])
    places = [chunk, *choices, *(delta for delta in deltas if isinstance(delta, dict))]
    return any(
        isinstance(place[name], str) and place[name] for place in places for name in _FOREIGN_FIELDS & place.keys()
    )


def _parse_object(data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict)
    except msgspec.DecodeError:
        return {}
