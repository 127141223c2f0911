"""Turns the body of a Responses API request into a `ChatRequest`.

This module knows OpenAI's fields and items, and which of them are not supported. It does not know models or providers.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from ..openai_shared.body import AllowedToolsChoice, JSONObjectFormat
from ..openai_shared.request import parse_tool_arguments, reject_unsupported
from .body import (
    ContentPart,
    FunctionTool,
    InputImage,
    InputItem,
    JSONSchemaFormat,
    NamedFunctionChoice,
    OutputRefusal,
    ResponseBody,
    ToolChoiceParam,
)
from .output_items import REDACTED_PREFIX
from .summary import INTRODUCTION, decode_summary

UNSUPPORTED_FIELDS: dict[str, tuple[Any, ...]] = {
    "background": (False,),
    "context_management": ([],),
    "conversation": (),
    "max_tool_calls": (),
    "moderation": (),
    "previous_response_id": (),
    "prompt": (),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
    "truncation": ("disabled",),
}
"""Fields that are not supported, each with the values that have no effect and are accepted."""

_SEND_ALL_INPUT = "this service stores no responses: send the whole conversation in input"
_ALTERNATIVES = {
    "background": "use resumable",
    "conversation": _SEND_ALL_INPUT,
    "previous_response_id": _SEND_ALL_INPUT,
    "prompt": "write it into instructions and input",
}


def to_chat_request(body: ResponseBody) -> ChatRequest:
    """Return the `ChatRequest` of a body, without the model, which `open_stream` resolves.

    Raises:
        InvalidRequest: the body has a field, an item or a value that is not supported; the message names it.
    """
    reject_unsupported(body, UNSUPPORTED_FIELDS, _ALTERNATIVES)
    return ChatRequest(
        model="",
        messages=_to_messages(body),
        max_tokens=body.max_output_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        tools=tuple([_to_tool(tool) for tool in body.tools or ()]),
        tool_choice=_to_tool_choice(body.tool_choice),
        parallel_tool_calls=body.parallel_tool_calls,
        response_format=_to_response_format(body),
        reasoning_effort=body.reasoning.effort if body.reasoning else None,
        verbosity=body.text.verbosity if body.text else None,
        user=body.user,
    )


def _to_messages(body: ResponseBody) -> tuple[Message, ...]:
    system_messages = [] if body.instructions is None else [Message("system", body.instructions)]
    if isinstance(body.input, str):
        return (*system_messages, Message("user", body.input))
    if not body.input:
        raise InvalidRequest("input is empty: send at least one item, such as a user message.")
    return (*system_messages, *_merge_items(body.input))


def _merge_items(items: list[InputItem]) -> Iterator[Message]:
    """Yield the messages. The reasoning, text and calls of one answer are separate items, but one message."""
    answer = _AssistantMessageBuilder()
    known_call_ids: set[str] = set()
    for number, item in enumerate(items):
        path = f"input[{number}]"
        if item.type == "item_reference":
            raise InvalidRequest(
                f"{path} refers to the item {item.id!r:.100}, but this service stores no items: send the item itself, "
                "as clients do if store is false."
            )
        if not _is_from_model(item) or not answer.accepts(item):
            yield from answer.flush()
        if _is_from_model(item):
            answer.add(item, path)
            known_call_ids |= {item.call_id} if item.type == "function_call" and item.call_id else set()
        elif item.type == "message":
            yield _to_message(item, path)
        elif item.type == "compaction":
            yield _to_summary_message(item, path)
        else:
            yield _to_tool_message(item, path, known_call_ids)
    yield from answer.flush()


def _is_from_model(item: InputItem) -> bool:
    return item.type in {"reasoning", "function_call"} or (item.type == "message" and item.role == "assistant")


class _AssistantMessageBuilder:
    """Collects the items of one earlier answer, in the order of a message: reasoning, text, calls."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._calls: list[ToolCall] = []
        self._has_text = False

    def accepts(self, item: InputItem) -> bool:
        """Whether an item can follow the collected items in one message."""
        if item.type == "function_call":
            return True
        return not (self._calls or self._has_text)

    def add(self, item: InputItem, path: str) -> None:
        """Add the next item, whose path errors name."""
        match item.type:
            case "function_call":
                self._calls.append(_to_tool_call(item, path))
            case "reasoning":
                self._parts.append(_to_reasoning_part(item))
            case _:
                content = _to_parts(_require_content(item, path), f"{path}.content")
                self._has_text = any(isinstance(part, TextPart) for part in content)
                self._parts += content

    def flush(self) -> Iterator[Message]:
        """Yield the message, if there are items, and start another one."""
        parts, calls = self._parts, self._calls
        self._parts, self._calls, self._has_text = [], [], False
        if parts or calls:
            yield Message("assistant", tuple(parts), tool_calls=tuple(calls))


def _to_message(item: InputItem, path: str) -> Message:
    content = _require_content(item, path)
    if item.role is None:
        raise InvalidRequest(f"{path} is a message without a role: add a role, such as user.")
    return Message(item.role, content if isinstance(content, str) else tuple(_to_parts(content, f"{path}.content")))


def _to_summary_message(item: InputItem, path: str) -> Message:
    summary = decode_summary(item.encrypted_content)
    if summary is None:
        raise InvalidRequest(
            f"{path} is a compaction of another service, which cannot be read here: send the conversation itself, or "
            "compact it with POST /v1/responses/compact."
        )
    return Message("user", INTRODUCTION + summary)


def _require_content(item: InputItem, path: str) -> str | list[ContentPart]:
    if item.content is None:
        raise InvalidRequest(f"{path} is a message without content: add its content.")
    return item.content


def _to_tool_message(item: InputItem, path: str, known_call_ids: set[str]) -> Message:
    if item.call_id not in known_call_ids:
        raise InvalidRequest(
            f"{path}.call_id is {item.call_id!r:.100}, but no function_call before it has this call_id."
        )
    if item.output is None:
        raise InvalidRequest(f"{path} has no output: add the output of the tool.")
    content = item.output if isinstance(item.output, str) else tuple(_to_parts(item.output, f"{path}.output"))
    return Message("tool", content, tool_call_id=item.call_id)


def _to_reasoning_part(item: InputItem) -> ReasoningPart:
    encrypted_content = item.encrypted_content
    if encrypted_content is not None and encrypted_content.startswith(REDACTED_PREFIX):
        return ReasoningPart("", encrypted_content.removeprefix(REDACTED_PREFIX), is_redacted=True)
    return ReasoningPart("\n\n".join([part.text for part in item.summary]), encrypted_content)


def _to_tool_call(item: InputItem, path: str) -> ToolCall:
    if not item.call_id or not item.name:
        raise InvalidRequest(f"{path} is a function_call without call_id or name: add both.")
    return ToolCall(item.call_id, item.name, parse_tool_arguments(item.arguments, f"{path}.arguments"))


def _to_parts(content: str | list[ContentPart], path: str) -> list[Part]:
    if isinstance(content, str):
        return [TextPart(content)] if content else []
    return [_to_part(part, f"{path}[{number}]") for number, part in enumerate(content)]


def _to_part(part: ContentPart, path: str) -> Part:
    match part:
        case InputImage(url, detail):
            if url is None:
                raise InvalidRequest(f"{path} has no image_url, and this service stores no files: add an image_url.")
            return ImagePart(url, detail)
        case OutputRefusal(text):
            return TextPart(text)
        case _:
            return TextPart(part.text)


def _to_tool(tool: FunctionTool) -> Tool:
    return Tool(tool.name, tool.description, tool.parameters or {}, tool.strict)


def _to_tool_choice(choice: ToolChoiceParam | None) -> ToolChoice | None:
    match choice:
        case NamedFunctionChoice(name):
            return NamedTool(name)
        case AllowedToolsChoice():
            raise InvalidRequest("tool_choice is of the type 'allowed_tools': send only the allowed tools in tools.")
        case _:
            return choice


def _to_response_format(body: ResponseBody) -> ResponseFormat | None:
    text_format = body.text.format if body.text else None
    match text_format:
        case JSONSchemaFormat():
            return ResponseFormat(text_format.schema, text_format.name, text_format.strict, text_format.description)
        case JSONObjectFormat():
            return ResponseFormat(None)
        case _:
            return None
