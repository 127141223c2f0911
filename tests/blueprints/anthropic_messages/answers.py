"""An answer of Anthropic's with all kinds of things that only its API has."""

from __future__ import annotations

import json
from typing import Any

from tests.support.upstream import FINISH, Chunk, Script, anthropic_wire, script


def frames(*sent: bytes) -> Script:
    """Return an answer of Anthropic's kind with these frames."""
    return script(anthropic_wire.HEAD, *(Chunk(frame) for frame in sent), FINISH)


def event(kind: str, **fields: Any) -> bytes:
    """Return one frame of Anthropic's kind."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


CITED = {"type": "char_location", "cited_text": "x", "document_index": 0, "start_char_index": 0, "end_char_index": 1}
RESULT = {"type": "web_search_result", "url": "https://x", "title": "X", "encrypted_content": "e", "page_age": None}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [RESULT]}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
TEXT = {"type": "text", "text": ""}
CALLER = {"caller": {"type": "direct"}}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}, **CALLER}
CACHED = {"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 10}
CONTAINER = {"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}
MANAGED = {"applied_edits": [{"type": "clear_tool_uses_20250919", "cleared_input_tokens": 5, "cleared_tool_uses": 1}]}


def start(**fields: Any) -> bytes:
    usage = {"input_tokens": 10, "cache_creation_input_tokens": 60, "cache_read_input_tokens": 30, "output_tokens": 1}
    usage |= {"cache_creation": CACHED, "service_tier": "standard"}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    return event("message_start", message={**message, "stop_sequence": None, "usage": usage, **fields})


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    return b"".join([
        event("content_block_start", index=index, content_block=content),
        *[event("content_block_delta", index=index, delta=delta) for delta in deltas],
        event("content_block_stop", index=index),
    ])  # fmt: skip


def said(text: str) -> dict[str, str]:
    return {"type": "text_delta", "text": text}


def json_delta(text: str) -> dict[str, str]:
    return {"type": "input_json_delta", "partial_json": text}


END = event(
    "message_delta",
    delta={"stop_reason": "end_turn", "stop_sequence": None, "container": CONTAINER},
    usage={
        "output_tokens": 7,
        "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
        "output_tokens_details": {"thinking_tokens": 0},
    },
    context_management=MANAGED,
)
STOP = event("message_stop")
ANSWER = [
    start(container=None, diagnostics={"cache_miss_reason": None}),
    event("ping"),
    block(3, {"type": "text", "text": "", "citations": []}, said("I look. ")),
    block(4, SEARCH, json_delta(""), json_delta('{"query":'), json_delta(' "x"}')),
    event("content_block_hint", index=4, hint={"columns": 0.50}),
    block(5, FOUND),
    block(
        6, {"type": "text", "text": "", "citations": []}, {"type": "citations_delta", "citation": CITED}, said("It ")
    ),
    block(7, TEXT, said("is"), said(" so."), {"type": "odd_delta", "odd": 1}),
    block(8, CALL, json_delta('{"x":'), json_delta("1}")),
    END,
    STOP,
]
"""An answer with all kinds of things; its blocks begin at 3, as those after others."""

CONTENT = [
    {"type": "text", "text": "I look. ", "citations": []},
    {**SEARCH, "input": {"query": "x"}},
    FOUND,
    {"type": "text", "text": "It ", "citations": [CITED]},
    {"type": "text", "text": "is so.", "odd": 1},
    {**CALL, "input": {"x": 1}},
]
USAGE = {
    "input_tokens": 10, "cache_creation_input_tokens": 60, "cache_read_input_tokens": 30, "output_tokens": 7,
    "cache_creation": CACHED, "service_tier": "standard",
    "output_tokens_details": {"thinking_tokens": 0},
    "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
}  # fmt: skip
