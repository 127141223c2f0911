"""The stream events of Anthropic's Messages API, with the fields that are used here. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ...core import exact_json
from ...core.exact_json import parse_fraction


class OutputDetails(msgspec.Struct, gc=False):
    """A breakdown of the output tokens."""

    thinking_tokens: int | None = None


class TokenCounts(msgspec.Struct, gc=False):
    """Token counts; None for those that the upstream has not reported."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class Message(msgspec.Struct, gc=False):
    """A message. At its beginning the API sends it without content; some servers send the whole content there."""

    usage: TokenCounts | None = None
    content: Any = None
    stop_reason: Any = None
    stop_sequence: Any = None


class Delta(msgspec.Struct, gc=False):
    """The next piece of a content block, or the change of a message."""

    text: str | None = None
    thinking: str | None = None
    partial_json: Any = None
    signature: str | None = None
    stop_reason: Any = None
    stop_sequence: str | None = None


class Block(msgspec.Struct, gc=False):
    """A content block of a message."""

    type: str = ""
    id: str | int | None = None
    name: str | None = None
    data: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")


class MessageEvent(msgspec.Struct, gc=False):
    """The data of one event."""

    type: str = ""
    index: int | str = 0
    message: Message | str | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: TokenCounts | None = None
    error: Any = None


decode = msgspec.json.Decoder(MessageEvent, float_hook=parse_fraction).decode


class TextBlockDelta(msgspec.Struct, gc=False):
    """The next piece of a text or thinking block."""

    text: str | None = None
    thinking: str | None = None


class TextBlockDeltaEvent(msgspec.Struct, gc=False):
    """The data of a `content_block_delta` event with text or thinking, the most frequent one."""

    index: int | str = 0
    delta: TextBlockDelta | None = None


decode_text_delta = msgspec.json.Decoder(TextBlockDeltaEvent).decode

KNOWN_EVENTS = {
    b"message", b"message_start", b"content_block_start", b"content_block_delta", b"content_block_stop",
    b"message_delta", b"message_stop", b"error",
}  # fmt: skip
"""Events that must fit `MessageEvent` (`message` stands for no name). Others may have any shape, and are skipped."""


def input_text(block: Block) -> str:
    """Return the JSON text of a tool call's input that is already in the block at its start; else an empty text.

    Anthropic's own servers send an empty object there, and then the input in pieces. Others may send all of it there,
    as an object or as a string.
    """
    text = bytes(block.input).decode()
    return text if text.startswith(("{", '"')) and text not in {"{}", '""'} else ""


def content_blocks(content: Any) -> list[Block]:  # noqa: ANN401  # what a server sent
    """Return the blocks of a whole message's content; invalid blocks are left out."""
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    return [block for part in parts if (block := _to_block(part)) is not None]


def _to_block(part: Any) -> Block | None:  # noqa: ANN401  # what a server sent
    try:
        return msgspec.json.decode(exact_json.encode(part), type=Block)
    except msgspec.ValidationError:
        return None


_INPUT_COUNTS = {"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"}


def merge_counts(known: TokenCounts, update: TokenCounts) -> TokenCounts:
    """Return the token counts after an event that reported new ones; all counts are cumulative.

    A count that `update` leaves out stays as it is. If `update` reports zero for every input count, all input counts
    stay as they are.
    """
    has_input_counts = any(getattr(update, name) for name in _INPUT_COUNTS)

    def merged(name: str) -> Any:  # noqa: ANN401  # a count, or the details
        old, new = getattr(known, name), getattr(update, name)
        keeps_old = new is None or (old is not None and name in _INPUT_COUNTS and not has_input_counts)
        return old if keeps_old else new

    return TokenCounts(*(merged(name) for name in TokenCounts.__struct_fields__))
