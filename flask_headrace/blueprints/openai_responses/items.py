"""Turns single items of the Responses API's conversation into messages and parts of a `ChatRequest`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import InvalidRequest
from ...core.reasoning_signature import signature_of
from ...core.tool_namespaces import QualifiedName
from ...providers.chat_request import Json, Message, Part, ReasoningPart, ToolCall
from ..http.request_body import convert
from ..openai_shared.request import as_json, parse_tool_arguments
from .input_items import (
    ADDITIONAL_TOOLS,
    ITEMS,
    CallOutputItem,
    CompactionItem,
    Content,
    CustomToolCallItem,
    FunctionCallItem,
    Item,
    MessageItem,
    ReasoningItem,
)
from .output_items import REDACTED_PREFIX
from .parts import PartReader
from .summary import INTRODUCTION, decode_summary
from .untranslated import Untranslated


class ItemReader:
    """Reads the items of one request.

    Args:
        untranslated: Receives what a `ChatRequest` does not contain.
        names: The flat names of the functions in namespaces; see `core.tool_namespaces`.
    """

    def __init__(self, untranslated: Untranslated, names: Mapping[QualifiedName, str]) -> None:
        self._untranslated, self._names = untranslated, names
        self._parts = PartReader(untranslated)

    def item(self, value: Any, path: str) -> Item | None:  # noqa: ANN401  # any JSON
        """Return an item; None if its type is not known here, so that only its name is kept, as untranslated.

        Raises:
            InvalidRequest: the item is invalid; the message names the field.
        """
        item_type = value.get("type", "message")
        if not isinstance(item_type, str):
            raise InvalidRequest(f"{path} has the type {as_json(item_type)}: give a type, such as 'message'.")
        if item_type == ADDITIONAL_TOOLS:
            # Its list of tools is read with the other tools.
            others = {name: inner for name, inner in value.items() if name != "tools" or not isinstance(inner, list)}
            self._untranslated.add_states(others, path)
            return None
        if (known := ITEMS.get(item_type)) is None or (known is CompactionItem and not is_own_compaction(value)):
            self._untranslated.add_item({**value, "type": item_type}, path)
            return None
        item: Item = convert(value, known, path)
        if isinstance(item, MessageItem) and item.role != "assistant":
            self._untranslated.add_message_fields(value, path)
        return item

    def message(self, item: MessageItem, path: str) -> Message:
        """Return a message that no model wrote."""
        content = _require_content(item, path)
        if item.role is None:
            raise InvalidRequest(f"{path} is a message without a role: add a role, such as user.")
        if isinstance(content, str):
            return Message(item.role, content)
        return Message(item.role, self._parts.read(content, f"{path}.content", is_question=True))

    def summary(self, item: CompactionItem) -> Message:
        """Return what stands for the conversation before it."""
        return Message("user", INTRODUCTION + (decode_summary(item.encrypted_content) or ""))

    def answer_parts(self, item: MessageItem, path: str) -> tuple[Part, ...]:
        """Return the parts of a message that the model wrote."""
        return self._parts.read(_require_content(item, path), f"{path}.content")

    def reasoning(self, item: ReasoningItem) -> ReasoningPart:
        """Return the reasoning before an earlier answer."""
        text = "".join([part.text for part in item.content or ()])
        text = text or "\n\n".join([part.text for part in item.summary])
        encrypted_content = item.encrypted_content
        if not encrypted_content:
            return ReasoningPart(text)
        if encrypted_content.startswith(REDACTED_PREFIX):
            return ReasoningPart("", encrypted_content.removeprefix(REDACTED_PREFIX), is_redacted=True)
        return ReasoningPart(text, signature_of(encrypted_content))

    def call(self, item: FunctionCallItem | CustomToolCallItem, path: str) -> ToolCall:
        """Return a call in an earlier answer."""
        is_function = isinstance(item, FunctionCallItem)
        if not item.call_id or not item.name:
            kind = "function_call" if is_function else "custom_tool_call"
            raise InvalidRequest(f"{path} is a {kind} without call_id or name: add both.")
        name = item.name
        if item.namespace:
            qualified = QualifiedName(item.namespace, name)
            name = self._names.get(qualified, qualified.flat)
        if isinstance(item, FunctionCallItem):
            return ToolCall(item.call_id, name, parse_tool_arguments(item.arguments, f"{path}.arguments"))
        return ToolCall(item.call_id, name, {"input": item.input})

    def output(self, item: CallOutputItem, path: str) -> str | tuple[Part, ...]:
        """Return the content of a call's output."""
        if item.output is None:
            raise InvalidRequest(f"{path} has no output: add the output of the tool.")
        return item.output if isinstance(item.output, str) else self._parts.read(item.output, f"{path}.output")


def is_own_compaction(value: Json) -> bool:
    """Whether an item is a compaction that this service has made; no provider can read it."""
    encrypted_content = value.get("encrypted_content")
    return isinstance(encrypted_content, str) and decode_summary(encrypted_content) is not None


def _require_content(item: MessageItem, path: str) -> Content:
    if item.content is None:
        raise InvalidRequest(f"{path} is a message without content: add its content.")
    return item.content
