"""Turns the body of a chat completion request into a `ChatRequest`.

This module knows OpenAI's fields and which of them are not supported. It does not know models or providers. Pure.
"""

from __future__ import annotations

from typing import Any

from ...core.errors import InvalidRequest
from ...providers.chat_request import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    Part,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from ..openai_shared.body import AllowedToolsChoice, TextFormat
from ..openai_shared.request import parse_tool_arguments, reject_unsupported
from .body import (
    ChatCompletionBody,
    ContentPart,
    FunctionTool,
    ImageContentPart,
    JSONSchemaFormat,
    MessageParam,
    NamedFunctionChoice,
    RefusalContentPart,
    TextContentPart,
    ToolCallParam,
    ToolChoiceParam,
)

UNSUPPORTED_FIELDS: dict[str, tuple[Any, ...]] = {
    "audio": (),
    "function_call": ("none",),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "moderation": (),
    "n": (1,),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
    "web_search_options": (),
}
"""Fields that are not supported, each with the values that have no effect and are accepted."""

_ALTERNATIVES = {
    "function_call": "use tool_choice",
    "functions": 'put each into tools, as {"type": "function", "function": …}',
    "n": "send one request per answer",
}


def to_chat_request(body: ChatCompletionBody) -> ChatRequest:
    """Return the `ChatRequest` of a body, without the model, which `open_stream` resolves.

    Raises:
        InvalidRequest: the body has a field or a value that is not supported; the message names the field.
    """
    reject_unsupported(body, UNSUPPORTED_FIELDS, _ALTERNATIVES)
    return ChatRequest(
        model="",
        messages=tuple([_to_message(message, f"messages[{number}]") for number, message in enumerate(body.messages)]),
        max_tokens=_max_tokens(body),
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        seed=body.seed,
        # Many clients always send the default, 0, and some providers do not know these fields.
        frequency_penalty=body.frequency_penalty or None,
        presence_penalty=body.presence_penalty or None,
        tools=tuple([_to_tool(tool) for tool in body.tools or ()]),
        tool_choice=_to_tool_choice(body.tool_choice),
        parallel_tool_calls=body.parallel_tool_calls,
        response_format=_to_response_format(body),
        reasoning_effort=body.reasoning_effort,
        verbosity=body.verbosity,
        user=body.user,
    )


def _max_tokens(body: ChatCompletionBody) -> int | None:
    newer, older = body.max_completion_tokens, body.max_tokens
    if newer is not None and older is not None and newer != older:
        raise InvalidRequest(f"max_completion_tokens is {newer} and max_tokens is {older}: give one of them.")
    return older if newer is None else newer


def _to_message(message: MessageParam, path: str) -> Message:
    for name in ("function_call", "audio"):
        if getattr(message, name) is not None:
            raise InvalidRequest(f"{path}.{name} is given, which is not supported here: omit it.")
    if message.content is None and message.role != "assistant":
        raise InvalidRequest(f"{path} has the role {message.role!r} and no content: add content.")
    return Message(
        message.role,
        _to_content(message, path),
        tool_calls=tuple(
            [_to_tool_call(call, f"{path}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls or ())]
        ),
        tool_call_id=message.tool_call_id,
        # The tool call's id identifies the tool.
        name=None if message.role == "tool" else message.name,
    )


def _to_content(message: MessageParam, path: str) -> str | tuple[Part, ...]:
    parts_given = [message.content] if isinstance(message.content, str) else message.content or ()
    refusal_parts = [RefusalContentPart(message.refusal)] if message.refusal else []
    reasoning = [ReasoningPart(message.reasoning_content)] if message.reasoning_content else []
    if isinstance(message.content, str) and not reasoning and not refusal_parts:
        return message.content
    parts = [_to_part(part, f"{path}.content[{number}]") for number, part in enumerate([*parts_given, *refusal_parts])]
    return (*reasoning, *parts)


def _to_part(part: str | ContentPart, path: str) -> Part:
    match part:
        case str(text) | RefusalContentPart(text):
            return TextPart(text)
        case TextContentPart(text, cache_control):
            return TextPart(text, cache_control)
        case ImageContentPart(image, cache_control):
            return ImagePart(image.url, image.detail, cache_control)
        case _:
            part_type = part.__struct_config__.tag
            raise InvalidRequest(f"{path} is of the type {part_type!r}: it must be text or image_url.")


def _to_tool_call(call: ToolCallParam, path: str) -> ToolCall:
    function = call.function
    return ToolCall(call.id, function.name, parse_tool_arguments(function.arguments, f"{path}.function.arguments"))


def _to_tool(tool: FunctionTool) -> Tool:
    function = tool.function
    return Tool(function.name, function.description, function.parameters or {}, function.strict, tool.cache_control)


def _to_tool_choice(choice: ToolChoiceParam | None) -> ToolChoice | None:
    match choice:
        case NamedFunctionChoice(function):
            return NamedTool(function.name)
        case AllowedToolsChoice():
            raise InvalidRequest("tool_choice is of the type 'allowed_tools': send only the allowed tools in tools.")
        case _:
            return choice


def _to_response_format(body: ChatCompletionBody) -> ResponseFormat | None:
    match body.response_format:
        case None | TextFormat():
            return None
        case JSONSchemaFormat(definition):
            return ResponseFormat(definition.schema, definition.name, definition.strict, definition.description)
        case _:
            return ResponseFormat(None)
