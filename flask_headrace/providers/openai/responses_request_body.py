"""Builds the body of a request to OpenAI's Responses API. Pure."""

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

NO_EFFORT = "none"
"""The reasoning effort of a model that does not reason: no summary of the reasoning is requested."""


def build_body(request: ChatRequest) -> Json:
    """Return the body of a request to `/responses`."""
    body: Json = {
        "model": request.model,
        "input": [item for message in request.messages for item in _items(message)],
        "stream": True,
        "store": False,
        **_generation_params(request),
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        body["tool_choice"] = _choice(request.tool_choice)
    if text := _text(request):
        body["text"] = text
    if request.reasoning_effort is not None:
        body["reasoning"] = _reasoning(request.reasoning_effort)
    return body


def _generation_params(request: ChatRequest) -> Json:
    return drop_none(
        max_output_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        parallel_tool_calls=request.parallel_tool_calls,
        safety_identifier=request.user,
    )


def _items(message: Message) -> list[Json]:
    if message.role == "tool":
        return [{"type": "function_call_output", "call_id": message.tool_call_id, "output": _content(message)}]
    content = message.text() if message.role == "assistant" else _content(message)
    # Tool calls are items beside the messages. An assistant message with nothing but tool calls has no item of its own.
    items: list[Json] = [] if message.tool_calls and not content else [{"role": message.role, "content": content}]
    return [*items, *[_call(call) for call in message.tool_calls]]


def _content(message: Message) -> str | list[Json]:
    if isinstance(message.content, str):
        return message.content
    # Reasoning is left out: this API refers to it by stored items, and the requests have `store: false`.
    return [
        _image(part) if isinstance(part, ImagePart) else {"type": "input_text", "text": part.text}
        for part in message.content
        if isinstance(part, (TextPart, ImagePart))
    ]


def _image(part: ImagePart) -> Json:
    return {"type": "input_image", "image_url": part.url, "detail": part.detail or "auto"}


def _call(call: ToolCall) -> Json:
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": encode_arguments(call)}


def _tool(tool: Tool) -> Json:
    # The API's default is true, which would make all parameters required.
    return {"type": "function", **function_definition(tool), "strict": bool(tool.strict)}


def _choice(choice: ToolChoice) -> str | Json:
    return {"type": "function", "name": choice.name} if isinstance(choice, NamedTool) else choice


def _text(request: ChatRequest) -> Json:
    response_format = request.response_format
    return drop_none(format=None if response_format is None else _format(response_format), verbosity=request.verbosity)


def _format(response_format: ResponseFormat) -> Json:
    if response_format.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", **json_schema_fields(response_format)}


def _reasoning(effort: str) -> Json:
    return {"effort": effort} if effort == NO_EFFORT else {"effort": effort, "summary": "auto"}
