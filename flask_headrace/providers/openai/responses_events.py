"""The stream events of OpenAI's Responses API, with the fields that are used here. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ..decoding.json_events import to_text
from .applied_settings import AppliedSettings
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
    arguments: Any = None
    content: Any = None
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
    error: Any = None
    code: Any = None
    message: Any = None


decode = msgspec.json.Decoder(ResponseEvent).decode


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
