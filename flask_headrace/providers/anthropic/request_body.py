"""Builds the body of a request to Anthropic's Messages API. Pure."""

from __future__ import annotations

import re

from ..chat_request import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    Json,
    Message,
    NamedTool,
    Part,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from ..decoding.request_fields import drop_none
from .json_output import answer_tool_choice, answer_tool_definition, output_format, wants_json

DEFAULT_MAX_TOKENS = 8192
"""`max_tokens` for requests without one: the API requires it."""

_COUNTED_FIELDS = {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"}

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+);base64,(?P<data>.*)", re.DOTALL)


def build_body(request: ChatRequest, answer_tool: str | None = None) -> Json:
    """Return the body of a request to `/v1/messages`.

    Args:
        request: The request.
        answer_tool: The name of the tool whose input is the JSON answer, see `json_output.answer_tool_name`; None for
            no such tool.

    Raises:
        InvalidRequest: the API cannot express the response format.
    """
    body: Json = {
        "model": request.model,
        "messages": _messages(request.messages),
        "max_tokens": _max_tokens(request),
        "stream": True,
        **_generation_params(request),
    }
    if system := _system(request.messages):
        body["system"] = system
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = _choice(request.tool_choice or "auto", request.parallel_tool_calls)
    if request.response_format is not None and answer_tool is not None:
        body["tools"] = [*body.get("tools", ()), answer_tool_definition(request.response_format, answer_tool)]
        body["tool_choice"] = answer_tool_choice(request, answer_tool)
    elif request.response_format is not None and wants_json(request):
        body["output_config"] = {**body.get("output_config", {}), "format": output_format(request.response_format)}
    return body


def build_count_body(request: ChatRequest) -> Json:
    """Return the body of a request to `/v1/messages/count_tokens`: only the fields that it accepts."""
    return {name: value for name, value in build_body(request).items() if name in _COUNTED_FIELDS}


def _generation_params(request: ChatRequest) -> Json:
    return drop_none(
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop_sequences=list(request.stop) or None,
        thinking=request.thinking,
        output_config={"effort": request.reasoning_effort} if request.reasoning_effort else None,
        metadata={"user_id": request.user} if request.user else None,
    )


def _max_tokens(request: ChatRequest) -> int:
    if request.max_tokens is not None:
        return request.max_tokens
    budget = (request.thinking or {}).get("budget_tokens")
    # In this API, `max_tokens` includes the tokens of thinking.
    return DEFAULT_MAX_TOKENS + (budget if isinstance(budget, int) else 0)


def _system(messages: tuple[Message, ...]) -> str | list[Json]:
    # This API has system prompts beside the messages, not among them.
    system = [message for message in messages if message.role in {"system", "developer"}]
    if all(isinstance(message.content, str) for message in system):
        return "\n\n".join(message.text() for message in system)
    return [part for message in system for part in _parts(message)]


def _messages(messages: tuple[Message, ...]) -> list[Json]:
    turns: list[Json] = []
    for message in messages:
        if message.role in {"system", "developer"}:
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if turns and turns[-1]["role"] == role and "tool" in {message.role, turns[-1]["of"]}:
            # The API requires the results of all calls of one answer in the next message.
            turns[-1]["content"] = [*_as_blocks(turns[-1]["content"]), *_as_blocks(_content(message))]
        else:
            turns.append({"role": role, "content": _content(message), "of": message.role})
    for turn in turns:
        del turn["of"]
    return turns


def _content(message: Message) -> str | list[Json]:
    if message.role == "tool":
        return [_result(message)]
    if isinstance(message.content, str) and not message.tool_calls:
        return message.content
    return [*_parts(message), *[_call(call) for call in message.tool_calls]]


def _parts(message: Message) -> list[Json]:
    # Reasoning without a signature comes from another provider, and this one would reject it.
    return [_part(part) for part in message.parts() if not isinstance(part, ReasoningPart) or part.signature]


def _as_blocks(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _result(message: Message) -> Json:
    content = message.content if isinstance(message.content, str) else _parts(message)
    failed = {"is_error": True} if message.is_error else {}
    return {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content, **failed}


def _part(part: Part) -> Json:
    match part:
        case TextPart(text, cache_control):
            return {"type": "text", "text": text, **_cache_control(cache_control)}
        case ImagePart(url, _, cache_control):
            return {"type": "image", "source": _source(url), **_cache_control(cache_control)}
        case FilePart(url, name, cache_control):
            document = {"type": "document", "source": _source(url), **drop_none(title=name)}
            return {**document, **_cache_control(cache_control)}
        case ReasoningPart(text, signature, is_redacted):
            if is_redacted:
                return {"type": "redacted_thinking", "data": signature or ""}
            return {"type": "thinking", "thinking": text, "signature": signature or ""}
        case AudioPart():
            raise TypeError("this API takes no recordings, so no request with one comes here")


def _source(url: str) -> Json:
    if data_url := _DATA_URL.fullmatch(url):
        return {"type": "base64", "media_type": data_url["type"], "data": data_url["data"]}
    return {"type": "url", "url": url}


def _cache_control(cache_control: Json | None) -> Json:
    return {"cache_control": cache_control} if cache_control else {}


def _call(call: ToolCall) -> Json:
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
    return {**block, **_cache_control(call.cache_control)}


def _tool(tool: Tool) -> Json:
    definition = drop_none(
        name=tool.name,
        input_schema=tool.parameters or {"type": "object"},
        description=tool.description,
        strict=tool.strict,
    )
    return {**definition, **_cache_control(tool.cache_control)}


def _choice(choice: ToolChoice, parallel: bool | None) -> Json:
    match choice:
        case NamedTool(name):
            tool_choice: Json = {"type": "tool", "name": name}
        case "required":
            tool_choice = {"type": "any"}
        case _:
            tool_choice = {"type": choice}
    if parallel is not None and tool_choice["type"] != "none":
        tool_choice["disable_parallel_tool_use"] = not parallel
    return tool_choice
