"""A chat completion's request, read into a question.

Knows what OpenAI's fields mean, and which of them nobody here can honour. Knows neither models nor what a provider
can do. Pure.
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
from ..openai_shared.body import AllowedTools, PlainText
from ..openai_shared.request import arguments_in, reject_unsupported
from .body import (
    Call,
    Choice,
    CompletionBody,
    Content,
    FunctionChoice,
    FunctionTool,
    ImageContent,
    JsonSchema,
    RefusalContent,
    TextContent,
    Turn,
)

MEANINGLESS: dict[str, tuple[Any, ...]] = {
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
"""Fields that nobody here can honour, with the values of them that ask for nothing."""

_INSTEAD = {
    "function_call": "use tool_choice",
    "functions": 'put each into tools, as {"type": "function", "function": …}',
    "n": "ask once for each answer",
}


def question_of(body: CompletionBody) -> ChatRequest:
    """Return what a request asks, without its model.

    Raises:
        InvalidRequest: it asks for something that nobody here can honour; the message names the field.
    """
    reject_unsupported(body, MEANINGLESS, _INSTEAD)
    return ChatRequest(
        model="",
        messages=tuple([_message(turn, f"messages[{number}]") for number, turn in enumerate(body.messages)]),
        max_tokens=_max_tokens(body),
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        seed=body.seed,
        # Many clients send the default, 0, to everybody, and not every provider knows these fields.
        frequency_penalty=body.frequency_penalty or None,
        presence_penalty=body.presence_penalty or None,
        tools=tuple([_tool(tool) for tool in body.tools or ()]),
        tool_choice=_choice(body.tool_choice),
        parallel_tool_calls=body.parallel_tool_calls,
        response_format=_format(body),
        reasoning_effort=body.reasoning_effort,
        verbosity=body.verbosity,
        user=body.user,
    )


def _max_tokens(body: CompletionBody) -> int | None:
    newer, older = body.max_completion_tokens, body.max_tokens
    if newer is not None and older is not None and newer != older:
        raise InvalidRequest(f"max_completion_tokens is {newer} and max_tokens is {older}: give one of them.")
    return older if newer is None else newer


def _message(turn: Turn, where: str) -> Message:
    for name in ("function_call", "audio"):
        if getattr(turn, name) is not None:
            raise InvalidRequest(f"{where}.{name} is given, which cannot be honoured here: leave it out.")
    if turn.content is None and turn.role != "assistant":
        raise InvalidRequest(f"{where} has the role {turn.role!r} and no content: give it some.")
    return Message(
        turn.role,
        _content(turn, where),
        tool_calls=tuple([_call(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(turn.tool_calls or ())]),
        tool_call_id=turn.tool_call_id,
        # Which tool it was is known by the call that it answers.
        name=None if turn.role == "tool" else turn.name,
    )


def _content(turn: Turn, where: str) -> str | tuple[Part, ...]:
    said = [turn.content] if isinstance(turn.content, str) else turn.content or ()
    refused = [RefusalContent(turn.refusal)] if turn.refusal else []
    thought = [ReasoningPart(turn.reasoning_content)] if turn.reasoning_content else []
    if isinstance(turn.content, str) and not thought and not refused:
        return turn.content
    parts = [_part(part, f"{where}.content[{number}]") for number, part in enumerate([*said, *refused])]
    return (*thought, *parts)


def _part(part: str | Content, where: str) -> Part:
    match part:
        case str(text) | RefusalContent(text):
            return TextPart(text)
        case TextContent(text, cache_control):
            return TextPart(text, cache_control)
        case ImageContent(image, cache_control):
            return ImagePart(image.url, image.detail, cache_control)
        case _:
            kind = part.__struct_config__.tag
            raise InvalidRequest(f"{where} is of the type {kind!r}: it must be text or image_url.")


def _call(call: Call, where: str) -> ToolCall:
    function = call.function
    return ToolCall(call.id, function.name, arguments_in(function.arguments, f"{where}.function.arguments"))


def _tool(tool: FunctionTool) -> Tool:
    function = tool.function
    return Tool(function.name, function.description, function.parameters or {}, function.strict, tool.cache_control)


def _choice(choice: Choice | None) -> ToolChoice | None:
    match choice:
        case FunctionChoice(function):
            return NamedTool(function.name)
        case AllowedTools():
            raise InvalidRequest("tool_choice is of the type 'allowed_tools': send only the allowed ones in tools.")
        case _:
            return choice


def _format(body: CompletionBody) -> ResponseFormat | None:
    match body.response_format:
        case None | PlainText():
            return None
        case JsonSchema(wanted):
            return ResponseFormat(wanted.schema, wanted.name, wanted.strict, wanted.description)
        case _:
            return ResponseFormat(None)
