"""The events of an Anthropic message, as their fields are read here. Pure."""

from __future__ import annotations

from typing import Any

import msgspec


class OutputDetails(msgspec.Struct, gc=False):
    """Of the tokens that were written: those that were thought."""

    thinking_tokens: int | None = None


class TokenCounts(msgspec.Struct, gc=False):
    """The counts of an answer; None where the upstream has not told them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class Message(msgspec.Struct, gc=False):
    """The message, of which the API itself tells no content at its beginning. Others tell all of it there."""

    usage: TokenCounts | None = None
    content: Any = None
    stop_reason: Any = None
    stop_sequence: Any = None


class Delta(msgspec.Struct, gc=False):
    """The next piece of a block, or of what is told of the message."""

    text: str | None = None
    thinking: str | None = None
    partial_json: Any = None
    signature: str | None = None
    stop_reason: Any = None
    stop_sequence: str | None = None


class Block(msgspec.Struct, gc=False):
    """A block of the message's content."""

    type: str = ""
    id: str | int | None = None
    name: str | None = None
    data: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")


class MessageEvent(msgspec.Struct, gc=False):
    """What one frame holds."""

    type: str = ""
    index: int | str = 0
    message: Message | str | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: TokenCounts | None = None
    error: Any = None


decode = msgspec.json.Decoder(MessageEvent).decode


class TextBlockDelta(msgspec.Struct, gc=False):
    """The next piece of a block of text, or of a thought."""

    text: str | None = None
    thinking: str | None = None


class TextBlockDeltaEvent(msgspec.Struct, gc=False):
    """What the frame of a piece of a block holds. Most frames are such ones, and their name says so."""

    index: int | str = 0
    delta: TextBlockDelta | None = None


decode_text_delta = msgspec.json.Decoder(TextBlockDeltaEvent).decode

KNOWN_EVENTS = {
    b"message", b"message_start", b"content_block_start", b"content_block_delta", b"content_block_stop",
    b"message_delta", b"message_stop", b"error",
}  # fmt: skip
"""The events whose shape is known here (`message` stands for none). Others may be of any shape, and are skipped."""


def input_text(block: Block) -> str:
    """Return the text of a call's input that stands in its block, or of a string that holds the text; else nothing.

    Anthropic's own servers send it piece by piece, after an empty object. Others may have all of it at once.
    """
    text = bytes(block.input).decode()
    return text if text.startswith(("{", '"')) and text not in {"{}", '""'} else ""


def content_blocks(content: Any) -> list[Block]:  # noqa: ANN401  # what a server sent
    """Return the blocks of a whole message; those that cannot be read are left out."""
    update = content if isinstance(content, list) else [{"type": "text", "text": content}]
    return [block for one in update if (block := _to_block(one)) is not None]


def _to_block(update: Any) -> Block | None:  # noqa: ANN401  # what a server sent
    try:
        return msgspec.json.decode(msgspec.json.encode(update), type=Block)
    except msgspec.ValidationError:
        return None


_INPUT_COUNTS = {"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"}


def merge_counts(known: TokenCounts, update: TokenCounts) -> TokenCounts:
    """Return the counts after a frame told more. Each tells some of them, all of them cumulative.

    What it leaves out stays as it was; and so does what was read, where it tells of that nothing but zeros.
    """
    is_reported = any(getattr(update, name) for name in _INPUT_COUNTS)

    def after(name: str) -> Any:  # noqa: ANN401  # a count, or the details
        old, new = getattr(known, name), getattr(update, name)
        is_stored = new is None or (old is not None and name in _INPUT_COUNTS and not is_reported)
        return old if is_stored else new

    return TokenCounts(*(after(name) for name in TokenCounts.__struct_fields__))
