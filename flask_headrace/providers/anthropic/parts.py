"""Content blocks of Anthropic's Messages API, built from the values of a `ChatRequest`. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any

from ..chat_request import AudioPart, FilePart, ImagePart, Json, Message, Part, ReasoningPart, TextPart, ToolCall
from ..decoding.request_fields import drop_none

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64,(?P<data>.*)", re.DOTALL)
_TEXT_TYPE = re.compile(r"text/.+|application/(.+\+)?(json|xml|yaml|toml|javascript)")
_REASONING_TYPES = {"thinking", "redacted_thinking"}
_SIGNATURE = re.compile(r"[a-zA-Z0-9+/_=-]+")


def blocks_of(message: Message, *, keeps_unsigned: bool = False) -> list[Json]:
    """Return the blocks of a message; empty if it says nothing.

    The API refuses texts that are blank, and reasoning that nothing follows: it belongs to an answer that was stopped.

    Args:
        message: The message.
        keeps_unsigned: Whether the server takes reasoning without a signature. Anthropic's own refuses it: it comes
            from another provider.
    """
    if message.role == "tool":
        return [_result(message)]
    parts = content_blocks(message.parts(), keeps_unsigned=keeps_unsigned)
    blocks = [*parts, *[_call(call) for call in message.tool_calls]]
    while blocks and blocks[-1]["type"] in _REASONING_TYPES:
        blocks.pop()
    return blocks


def content_blocks(parts: Sequence[Part], *, keeps_unsigned: bool = False) -> list[Json]:
    """Return the blocks of parts, without those that the API refuses; see `blocks_of`."""
    return [_block(part) for part in parts if _is_accepted(part, keeps_unsigned=keeps_unsigned)]


def without_unsigned(turn: Any) -> Any:  # noqa: ANN401  # JSON values that a client sent
    """Return a turn without reasoning that has no signature of Anthropic's; see `blocks_of`."""
    content = turn.get("content")
    if turn.get("role") != "assistant" or not isinstance(content, list):
        return turn
    signed = [block for block in content if not _is_unsigned(block)]
    return turn if len(signed) == len(content) else {**turn, "content": signed}


def is_signature(signature: Any) -> bool:  # noqa: ANN401  # JSON values that a client sent
    """Whether a signature can be Anthropic's, which is base64. Those of other providers have another form here."""
    return isinstance(signature, str) and _SIGNATURE.fullmatch(signature) is not None


def _is_unsigned(block: Json) -> bool:
    match block:
        case {"type": "thinking"}:
            return not is_signature(block.get("signature"))
        case {"type": "redacted_thinking"}:
            return not is_signature(block.get("data"))
        case _:
            return False


def _is_accepted(part: Part, *, keeps_unsigned: bool) -> bool:
    match part:
        case TextPart(text):
            return bool(text.strip())
        case ReasoningPart(text, signature, is_redacted):
            return is_signature(signature) or (keeps_unsigned and not is_redacted and bool(text.strip()))
        case _:
            return True


def _block(part: Part) -> Json:
    match part:
        case TextPart(text, cache_control):
            return {"type": "text", "text": text, **_cache_control(cache_control)}
        case ImagePart(url, _, cache_control):
            return {"type": "image", "source": _source(url), **_cache_control(cache_control)}
        case FilePart():
            return _document(part)
        case ReasoningPart(text, signature, is_redacted):
            if is_redacted:
                return {"type": "redacted_thinking", "data": signature or ""}
            return {"type": "thinking", "thinking": text, "signature": signature if is_signature(signature) else ""}
        case AudioPart():
            raise TypeError("this API takes no recordings, so no request with one comes here")


def _document(file: FilePart) -> Json:
    source = _source(file.url)
    media_type = source.get("media_type", "")
    if media_type.startswith("image/"):
        return {"type": "image", "source": source, **_cache_control(file.cache_control)}
    if _TEXT_TYPE.fullmatch(media_type) and (text := _decoded(source["data"])) is not None:
        source = {"type": "text", "media_type": "text/plain", "data": text}
    document = {"type": "document", "source": source, **drop_none(title=file.name)}
    return {**document, **_cache_control(file.cache_control)}


def _decoded(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return None


def _source(url: str) -> Json:
    if data_url := _DATA_URL.fullmatch(url):
        return {"type": "base64", "media_type": data_url["type"], "data": data_url["data"]}
    return {"type": "url", "url": url}


def _cache_control(cache_control: Json | None) -> Json:
    return {"cache_control": cache_control} if cache_control else {}


def _call(call: ToolCall) -> Json:
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
    return {**block, **_cache_control(call.cache_control)}


def _result(message: Message) -> Json:
    content = message.content if isinstance(message.content, str) else content_blocks(message.content)
    failed = {"is_error": True} if message.is_error else {}
    return {"type": "tool_result", "tool_use_id": message.tool_call_id or "", "content": content, **failed}
