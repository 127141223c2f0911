"""Builds the body of a request to the chat completions API. Pure."""

from __future__ import annotations

from ..chat_request import (
    ChatRequest,
    ImagePart,
    Json,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from ..decoding.request_fields import drop_none, encode_arguments, function_definition, json_schema_fields

UNCHANGED_FIELDS = (
    "temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty", "parallel_tool_calls",
    "reasoning_effort", "verbosity", "user",
)  # fmt: skip
"""Request fields whose names and values are the same in this API."""


def build_body(request: ChatRequest, *, is_official: bool) -> Json:
    """Return the body of a request to `/chat/completions`.

    Args:
        request: The request.
        is_official: Whether OpenAI's own models are served there; see `Address.is_official`.
    """
    body: Json = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.max_tokens is not None:
        # OpenAI's newer models accept only the newer name, and most other servers only the older one.
        body["max_completion_tokens" if is_official else "max_tokens"] = request.max_tokens
    body |= drop_none(**{name: getattr(request, name) for name in UNCHANGED_FIELDS})
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        body["tool_choice"] = _choice(request.tool_choice)
    if request.response_format is not None:
        body["response_format"] = _format(request.response_format)
    return body


def _message(message: Message) -> Json:
    fields: Json = {"role": message.role, "content": _content(message)}
    if message.tool_calls:
        fields["tool_calls"] = [_call(call) for call in message.tool_calls]
        fields["content"] = fields["content"] or None
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        fields["name"] = message.name
    return fields


def _content(message: Message) -> str | list[Json]:
    has_images = any(isinstance(part, ImagePart) for part in message.parts())
    if isinstance(message.content, str) or (message.role in {"assistant", "tool"} and not has_images):
        return message.text()
    # Reasoning is left out: this API does not accept it.
    return [
        _image(part) if isinstance(part, ImagePart) else {"type": "text", "text": part.text}
        for part in message.content
        if isinstance(part, (TextPart, ImagePart))
    ]


def _image(part: ImagePart) -> Json:
    return {"type": "image_url", "image_url": drop_none(url=part.url, detail=part.detail or None)}


def _call(call: ToolCall) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": encode_arguments(call)}}


def _tool(tool: Tool) -> Json:
    return {"type": "function", "function": {**function_definition(tool), **drop_none(strict=tool.strict)}}


def _choice(choice: ToolChoice) -> str | Json:
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return choice


def _format(response_format: ResponseFormat) -> Json:
    if response_format.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": json_schema_fields(response_format)}
