"""Content blocks of Anthropic's Messages API, built from the values of a `ChatRequest`. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from hashlib import sha256

from ..chat_request import AudioPart, FilePart, ImagePart, Json, Message, Part, ReasoningPart, TextPart, ToolCall
from ..decoding.request_fields import drop_none

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64,(?P<data>.*)", re.DOTALL)
_TEXT_TYPE = re.compile(r"text/.+|application/(.+\+)?(json|xml|yaml|toml|javascript)")
_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MAX_KEPT_CHARS = 40


def blocks_of(message: Message) -> list[Json]:
    """Return the blocks of a message; empty if it says nothing.

    The API refuses texts that are blank. Reasoning without a signature comes from another provider; the API refuses
    that too.
    """
    if message.role == "tool":
        return [_result(message)]
    return [*content_blocks(message.parts()), *[_call(call) for call in message.tool_calls]]


def content_blocks(parts: Sequence[Part]) -> list[Json]:
    """Return the blocks of parts, without those that the API refuses."""
    return [_block(part) for part in parts if _is_accepted(part)]


def tool_id(id: str) -> str:  # noqa: A002
    """Return the id of a tool call in the form that the API requires; the same for the call and its result."""
    if _TOOL_ID.fullmatch(id):
        return id
    kept = re.sub(r"[^a-zA-Z0-9_-]", "_", id)[:_MAX_KEPT_CHARS]
    return f"{kept}_{sha256(id.encode(errors='surrogatepass')).hexdigest()[:20]}"


def _is_accepted(part: Part) -> bool:
    match part:
        case TextPart(text):
            return bool(text.strip())
        case ReasoningPart(signature=signature):
            return bool(signature)
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
            return {"type": "thinking", "thinking": text, "signature": signature or ""}
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
    block = {"type": "tool_use", "id": tool_id(call.id), "name": call.name, "input": call.arguments}
    return {**block, **_cache_control(call.cache_control)}


def _result(message: Message) -> Json:
    content = message.content if isinstance(message.content, str) else content_blocks(message.content)
    failed = {"is_error": True} if message.is_error else {}
    return {"type": "tool_result", "tool_use_id": tool_id(message.tool_call_id or ""), "content": content, **failed}
