"""The items of a conversation in OpenAI's Responses API, their content parts and the tools. Values only.

Fields that are not named here are allowed: clients send an answer's items back with all their fields. Types that are
not named here travel along as the client sent them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from ...core.tool_namespaces import MAX_NAMESPACE_CHARS
from ...providers.chat_request import Json
from ..openai_shared.body import FunctionDefinition


class TextContent(msgspec.Struct, frozen=True):
    """A part of the types `input_text`, `output_text`, `summary_text` and `reasoning_text`."""

    text: str


class RefusalContent(msgspec.Struct, frozen=True):
    """A refusal of the model in an earlier answer."""

    refusal: str


class ImageContent(msgspec.Struct, frozen=True):
    """An image: by its URL, or by the id of a file that the provider's server keeps."""

    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None


class FileContent(msgspec.Struct, frozen=True):
    """A document: its content, its URL, or the id of a file that the provider's server keeps."""

    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: str | None = None


class InputAudio(msgspec.Struct, frozen=True):
    """A recording: its base64 text, and its format such as `wav`."""

    data: str
    format: str


class AudioContent(msgspec.Struct, frozen=True):
    """A recording in a message."""

    input_audio: InputAudio


ContentPart: TypeAlias = TextContent | RefusalContent | ImageContent | FileContent | AudioContent

CONTENT_PARTS: Mapping[str, type[ContentPart]] = {
    "input_text": TextContent,
    "output_text": TextContent,
    "text": TextContent,
    "refusal": RefusalContent,
    "input_image": ImageContent,
    "input_file": FileContent,
    "input_audio": AudioContent,
}
"""The known types of content parts, each with the type of its value."""

Content: TypeAlias = str | list[Json]


class MessageItem(msgspec.Struct, frozen=True):
    """A message; also an item without a type."""

    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: Content | None = None


class FunctionCallItem(msgspec.Struct, frozen=True):
    """A function call in an earlier answer; `arguments` is JSON text."""

    call_id: str | None = None
    name: str | None = None
    arguments: str = ""
    namespace: str | None = None


class CustomToolCallItem(msgspec.Struct, frozen=True):
    """A call of a custom tool in an earlier answer, with free text."""

    call_id: str | None = None
    name: str | None = None
    input: str = ""
    namespace: str | None = None


class CallOutputItem(msgspec.Struct, frozen=True):
    """The output of a function or of a custom tool."""

    call_id: str | None = None
    output: Content | None = None


class ReasoningItem(msgspec.Struct, frozen=True):
    """The reasoning before an earlier answer: a summary, or the text itself, or only the provider's signature."""

    summary: list[TextContent] = []
    content: list[TextContent] | None = None
    encrypted_content: str | None = None


class CompactionItem(msgspec.Struct, frozen=True):
    """What stands for an earlier part of the conversation, as the service that compacted it wrote it."""

    encrypted_content: str


Item: TypeAlias = MessageItem | FunctionCallItem | CustomToolCallItem | CallOutputItem | ReasoningItem | CompactionItem

ITEMS: Mapping[str, type[Item]] = {
    "message": MessageItem,
    "function_call": FunctionCallItem,
    "custom_tool_call": CustomToolCallItem,
    "function_call_output": CallOutputItem,
    "custom_tool_call_output": CallOutputItem,
    "reasoning": ReasoningItem,
    "compaction": CompactionItem,
}
"""The known types of items, each with the type of its value."""


ADDITIONAL_TOOLS = "additional_tools"
"""The type of an item that has tools, as if they stood in the request's `tools`; Codex sends all of its tools so."""


class FunctionTool(FunctionDefinition, frozen=True):
    """A function that the model may call."""


class CustomToolParam(msgspec.Struct, frozen=True):
    """A tool that the model calls with free text, which may have to match a grammar."""

    name: str
    description: str | None = None
    format: Json | None = None


class NamespaceTool(msgspec.Struct, frozen=True):
    """A group of functions and custom tools."""

    name: Annotated[str, msgspec.Meta(max_length=MAX_NAMESPACE_CHARS)]
    tools: list[Json]
    description: str | None = None


ToolParam: TypeAlias = FunctionTool | CustomToolParam | NamespaceTool

TOOLS: Mapping[str, Any] = {"function": FunctionTool, "custom": CustomToolParam, "namespace": NamespaceTool}
"""The known types of tools, each with the type of its value."""


class NamedToolChoice(msgspec.Struct, frozen=True):
    """The one function or custom tool that the model must call."""

    name: str


class AllowedToolsChoice(msgspec.Struct, frozen=True):
    """The tools that the model may call, of those of the request."""

    tools: list[Json]
    mode: Literal["auto", "required"] = "auto"


TOOL_CHOICES: Mapping[str, Any] = {
    "function": NamedToolChoice,
    "custom": NamedToolChoice,
    "allowed_tools": AllowedToolsChoice,
}
"""The known types of tool choices that are objects."""
