"""The stream events of OpenAI's Responses API, with the fields that are used here. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ...core.errors import UpstreamProtocolError
from ...core.events import Failed
from ...core.exact_json import ExactDecoder
from ...core.tool_namespaces import QualifiedName
from ..decoding.json_events import to_text
from .applied_settings import AppliedSettings
from .chat_custom_calls import whole_input
from .usage import InputTokenDetails, OutputTokenDetails, TokenCountsBase

_NAMES = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "input_details": "input_tokens_details",
    "output_details": "output_tokens_details",
}


class TokenCounts(TokenCountsBase, gc=False, rename=_NAMES):
    """The token counts, with the JSON names of this API: msgspec renames only fields that the subclass repeats."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_details: InputTokenDetails | None = None
    output_details: OutputTokenDetails | None = None


class Item(msgspec.Struct, gc=False):
    """An output item. Fields that servers use in their own ways may be any JSON."""

    type: Any = None
    id: Any = None
    call_id: Any = None
    name: Any = None
    namespace: Any = None
    arguments: Any = None
    input: Any = None
    content: Any = None
    summary: Any = None
    encrypted_content: Any = None
    status: Any = None

    @property
    def keys(self) -> tuple[str | None, str | None]:
        """The item's id and its call id."""
        return to_text(self.id) or None, to_text(self.call_id) or None

    @property
    def parts(self) -> list[Any]:
        """The parts of the item's content."""
        return self.content if isinstance(self.content, list) else [self.content]

    @property
    def texts(self) -> list[str]:
        """The texts of the item's parts."""
        return [part_text(part) for part in self.parts]

    @property
    def is_call(self) -> bool:
        """Whether the item is a call of a tool of the application."""
        return self.type in ("function_call", "custom_tool_call")

    @property
    def tool_name(self) -> str:
        """The name of the tool that the item calls, with its namespace; empty if it is not known yet."""
        name, namespace = to_text(self.name), to_text(self.namespace)
        return QualifiedName(namespace, name).flat if name and namespace else name

    @property
    def tool_arguments(self) -> str:
        """The arguments of the call as JSON text; empty if they are still to come."""
        if self.type == "custom_tool_call":
            return whole_input(text) if (text := to_text(self.input)) else ""
        return to_text(self.arguments)

    @property
    def reasoning_text(self) -> str:
        """The text of reasoning, or else its summary."""
        parts = self.content or self.summary
        texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        return "\n\n".join([text for text in texts if isinstance(text, str)])

    @property
    def has_refused(self) -> bool:
        """Whether a part of the item is a refusal."""
        return any(is_refusal(part) for part in self.parts)


class Response(AppliedSettings, gc=False):
    """The whole response. Fields that servers use in their own ways may be any JSON."""

    status: Any = None
    output: list[Item] | None = None
    usage: TokenCounts | None = None
    incomplete_details: Any = None
    error: Any = None


class ResponseEvent(msgspec.Struct, gc=False):
    """The data of one event."""

    type: str = ""
    delta: str | dict[str, Any] | None = None
    item_id: str | int | None = None
    output_index: int | str | None = None
    content_index: int | str | None = None
    item: Item | None = None
    part: Any = None
    response: Response | None = None
    text: Any = None
    refusal: Any = None
    name: Any = None
    arguments: Any = None
    input: Any = None
    error: Any = None
    code: Any = None
    message: Any = None


decode = ExactDecoder[ResponseEvent](ResponseEvent).decode


class TextDeltaEvent(msgspec.Struct, gc=False):
    """The data of a `response.output_text.delta` event, the most frequent one."""

    delta: str | None = None
    item_id: str | int | None = None
    output_index: int | None = None
    content_index: int | None = None


decode_text_delta = msgspec.json.Decoder(TextDeltaEvent).decode

KNOWN_EVENTS = {
    b"message", b"error", b"response.output_text.delta", b"response.refusal.delta", b"response.reasoning_text.delta",
    b"response.reasoning_summary_text.delta", b"response.reasoning_summary_part.added", b"response.output_item.added",
    b"response.output_item.done", b"response.function_call_arguments.delta", b"response.completed",
    b"response.incomplete", b"response.failed", b"response.output_text.done", b"response.refusal.done",
    b"response.content_part.done", b"response.function_call_arguments.done", b"response.cancelled", b"response.done",
    b"response.custom_tool_call_input.delta", b"response.custom_tool_call_input.done",
}  # fmt: skip
"""Events that must fit `ResponseEvent` (`message` stands for no name). Others may have any shape, and are skipped."""

TERMINAL_STATUSES = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
    "error": "failed",
}
"""The last events of an answer, each with the status of the response that it implies."""

KNOWN_ITEM_TYPES = frozenset({"", "message", "reasoning", "function_call", "custom_tool_call"})
"""Types of items that have a counterpart in all protocols, or that contain nothing for the reader."""

_CALLS_BY_PROVIDER = frozenset({
    "code_interpreter_call", "file_search_call", "image_generation_call", "mcp_call", "tool_search_call",
    "web_search_call",
})  # fmt: skip


def is_unknown_call(item_type: str) -> bool:
    """Whether an item asks the application to do something, in a way that other protocols do not have."""
    is_call = item_type.endswith("_call") and item_type not in _CALLS_BY_PROVIDER | KNOWN_ITEM_TYPES
    return is_call or item_type == "mcp_approval_request"


def unknown_call_failure(upstream: str, item_type: str) -> Failed:
    """Return the terminal event of an answer with such an item."""
    error = UpstreamProtocolError(
        f"{upstream} called a tool by an item of the type {item_type!r:.100}, which only the Responses API has: ask "
        "for functions, or use /v1/responses."
    )
    return Failed(error.code, error.message, retryable=False)


def part_text(part: Any) -> str:  # noqa: ANN401  # what a server sent
    """Return the text or refusal of a message's part; empty for parts of other types."""
    match part:
        case str(text) | {"type": "output_text" | "text", "text": str(text)}:
            return text
        case {"type": "refusal", "refusal": str(text)}:
            return text
        case {"text": str(text)} if "type" not in part:
            return text
    return ""


def is_refusal(part: Any) -> bool:  # noqa: ANN401  # what a server sent
    """Whether a part of a message is a refusal."""
    return isinstance(part, dict) and part.get("type") == "refusal"


def incomplete_reason(details: Any) -> str:  # noqa: ANN401  # what a server sent
    """Return the reason why a response is incomplete; empty if none is reported."""
    return to_text(details.get("reason") if isinstance(details, dict) else details)
