"""Conversations in the protocols of this service's clients, as JSON."""

from __future__ import annotations

import json
from typing import Any

from flask_headrace.blueprints.openai_responses.output_items import REDACTED_PREFIX

from .turns import TORN, Call, Conversation, Media, Part, Reasoning, Result, Text, Turn

Json = dict[str, Any]

FUNCTION = {"name": "search", "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}}


def _some(**fields: Any) -> Json:  # JSON values
    return {name: value for name, value in fields.items() if value is not None}


# This service's own protocol, `POST /api/chat`.


def native(conversation: Conversation) -> Json:
    """Return the body of a request in this service's own protocol."""
    messages = [message for turn in conversation for torn in turn.torn() for message in _native_messages(torn)]
    return {"messages": messages, "tools": [FUNCTION]}


def _native_messages(turn: Turn) -> list[Json]:
    if turn.role == "results":
        return [_native_result(part) for part in turn.parts]
    content: Any = [_native_part(part) for part in turn.parts if not isinstance(part, Call)]
    message: Json = {"role": turn.role, "content": turn.text() if turn.is_text() else content}
    if turn.calls:
        message["tool_calls"] = [_some(id=call.id, name=call.tool, arguments=call.arguments) for call in turn.calls]
    return [message]


def _native_result(part: Part) -> Json:
    if not isinstance(part, Result):
        return {"role": "user", "content": part.text}
    content = [_native_part(piece) for piece in part.parts]
    return {"role": "tool", "tool_call_id": part.call.id, "content": content or "", "is_error": part.is_error}


def _native_part(part: Part) -> Json:
    match part:
        case Text(_, text):
            return {"type": "text", "text": text}
        case Media():
            if part.type.startswith("image/"):
                return {"type": "image", "url": part.url}
            return {"type": "file", "url": part.url, "name": part.name}
        case Reasoning():
            is_redacted = part.form == "redacted"
            return _some(type="reasoning", text=part.text, signature=part.known_signature, is_redacted=is_redacted)
    raise TypeError(part)


# OpenAI's chat completions.


def chat(conversation: Conversation) -> Json:
    """Return the body of a request for a chat completion."""
    messages = [message for turn in conversation for message in _chat_messages(turn)]
    tools = [{"type": "function", "function": FUNCTION}, {"type": "custom", "custom": {"name": "patch"}}]
    return {"messages": messages, "tools": tools}


def _chat_messages(turn: Turn) -> list[Json]:
    if turn.role == "results":
        return [
            {
                "role": "tool",
                "tool_call_id": result.call.id,
                "content": [_chat_part(part) for part in result.parts] if turn.style and result.parts else result.text,
            }
            for result in turn.results
        ]
    parts = [_chat_part(part) for part in turn.parts if isinstance(part, (Text, Media))]
    content = turn.text() if turn.is_text() or not parts else parts
    if turn.role != "assistant":
        return [{"role": turn.role, "content": content}]
    is_bare = turn.style and (not content or not turn.calls)
    message: Json = {"role": "assistant", "content": (content or None) if is_bare else content, **_chat_thoughts(turn)}
    if turn.calls or turn.style == TORN:  # nothing is torn here: some clients write that there are no calls
        message["tool_calls"] = [_chat_call(call) for call in turn.calls]
    return [message]


def _chat_thoughts(turn: Turn) -> Json:
    thoughts = [part for part in turn.parts if isinstance(part, Reasoning)]
    plain = "".join([part.text for part in thoughts if part.form == "unsigned"])
    blocks = [anthropic_block(part) for part in thoughts if part.form != "unsigned"]
    return _some(reasoning_content=plain or None, thinking_blocks=blocks or None)


def _chat_part(part: Part) -> Json:
    match part:
        case Text(_, text):
            return {"type": "text", "text": text}
        case Media(type="image/png"):
            return {"type": "image_url", "image_url": {"url": part.url}}
        case Media():
            return {"type": "file", "file": {"filename": part.name, "file_data": part.url}}
    raise TypeError(part)


def _chat_call(call: Call) -> Json:
    if call.is_custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.tool, "input": call.mark}}
    return {"id": call.id, "type": "function", "function": {"name": call.tool, "arguments": json.dumps(call.arguments)}}


# OpenAI's Responses API.


def responses(conversation: Conversation) -> Json:
    """Return the body of a request for a response."""
    read = {"type": "function", "name": "read", "parameters": FUNCTION["parameters"]}
    tools = [
        {"type": "function", **FUNCTION},
        {"type": "custom", "name": "patch"},
        {"type": "namespace", "name": "files", "description": "Files", "tools": [read]},
    ]
    return {"input": [item for turn in conversation for item in _response_items(turn)], "tools": tools}


def _response_items(turn: Turn) -> list[Json]:
    if turn.role == "assistant":
        return [output_item(part, turn.style) for part in turn.parts] or [
            {"type": "message", "role": "assistant", "content": [] if turn.style else ""}
        ]
    if turn.role == "results":
        return [_result_item(part, turn.style) for part in turn.parts]
    content = turn.text() if turn.is_text() else [_input_part(part) for part in turn.parts]
    return [{"role": turn.role, "content": content, **({"type": "message"} if turn.style else {})}]


def output_item(part: Part, style: int = 0) -> Json:
    match part:
        case Text(_, text):
            content = [{"type": "output_text", "text": text, "annotations": []}]
            return {"type": "message", "role": "assistant", "content": content if style else text}
        case Reasoning():
            summary = [{"type": "summary_text", "text": part.text}] if part.text else []
            secret = REDACTED_PREFIX + part.signature if part.form == "redacted" and part.signature else part.signature
            return _some(type="reasoning", summary=summary, encrypted_content=secret)
        case Call(tool="patch"):
            return {"type": "custom_tool_call", "call_id": part.id, "name": part.tool, "input": part.mark}
        case Call():
            namespace, _, name = part.tool.rpartition(".")
            item = {"type": "function_call", "call_id": part.id, "name": name, "arguments": json.dumps(part.arguments)}
            return {**item, "namespace": namespace} if namespace else item
    raise TypeError(part)


def _result_item(part: Part, style: int) -> Json:
    if not isinstance(part, Result):
        return {"role": "user", "content": part.text}
    kind = "custom_tool_call_output" if part.call.is_custom else "function_call_output"
    is_text = not style and all(isinstance(piece, Text) for piece in part.parts)
    output = part.text if is_text else [_input_part(piece) for piece in part.parts]
    return {"type": kind, "call_id": part.call.id, "output": output}


def _input_part(part: Part) -> Json:
    match part:
        case Text(_, text):
            return {"type": "input_text", "text": text}
        case Media(type="image/png"):
            return {"type": "input_image", "image_url": part.url, "detail": "auto"}
        case Media():
            return {"type": "input_file", "filename": part.name, "file_data": part.url}
    raise TypeError(part)


# Anthropic's Messages API.


def anthropic(conversation: Conversation) -> Json:
    """Return the body of a request for a message."""
    leading = 0
    while leading < len(conversation) and conversation[leading].role == "system":
        leading += 1
    system = [anthropic_block(part) for turn in conversation[:leading] for part in turn.parts]
    messages = [_anthropic_message(torn) for turn in conversation[leading:] for torn in turn.torn()]
    tools = [{"name": FUNCTION["name"], "input_schema": FUNCTION["parameters"]}]
    return {"max_tokens": 100, "messages": messages, "tools": tools, **_some(system=system or None)}


def _anthropic_message(turn: Turn) -> Json:
    role = "user" if turn.role == "results" else turn.role
    if turn.is_text():
        return {"role": role, "content": turn.text()}
    return {"role": role, "content": [anthropic_block(part) for part in turn.parts]}


def anthropic_block(part: Part) -> Json:
    match part:
        case Text(_, text):
            return {"type": "text", "text": text}
        case Media():
            return _anthropic_media(part)
        case Reasoning(_, "redacted"):
            return {"type": "redacted_thinking", "data": part.known_signature}
        case Reasoning():
            return {"type": "thinking", "thinking": part.text, "signature": part.known_signature or ""}
        case Call():
            return {"type": "tool_use", "id": part.id, "name": part.tool, "input": part.arguments}
        case Result(call):
            content = [anthropic_block(piece) for piece in part.parts]
            result = {"type": "tool_result", "tool_use_id": call.id, "content": content or None}
            return {**result, "is_error": True} if part.is_error else result


def _anthropic_media(part: Media) -> Json:
    source: Json = {"type": "base64", "media_type": part.type, "data": part.data}
    if part.is_linked:
        source = {"type": "url", "url": part.url}
    elif part.type == "text/plain":
        source = {"type": "text", "media_type": part.type, "data": part.mark}
    if part.type.startswith("image/"):
        return {"type": "image", "source": source}
    return {"type": "document", "source": source, "title": part.name}
