"""Anthropic messages as bytes, in the shapes of the published API reference.

A frame is a `Chunk`, so frames and steps can be mixed: `answer("Hello", Gate("more"), " world")`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from tests.support.upstream.pieces import USAGE, Piece, Reasoning, Refusal, Tokens, ToolCall
from tests.support.upstream.plain import compact, json_body
from tests.support.upstream.steps import EVENT_STREAM, FINISH, Chunk, Close, Head, Script, Step, script

ID, MODEL = "msg_01Hq7VtXw3NcRb8mKzYpLd5S", "claude-opus-4-7"
REQUEST_ID = "req_011CTq4mZx8WnKb2vRfYpLd7"
ENDPOINT = "/v1/messages"
FINISHES = ("end_turn", "max_tokens", "tool_use", "refusal")
SIGNATURE = "EqQBCkYIBxgCKkBz0mVYq2b9dHh4cXNvbWUgc2lnbmF0dXJlIGJ5dGVz"

HEAD = Head(headers=(*EVENT_STREAM, ("request-id", REQUEST_ID)))

ERRORS = {  # status: type, message
    400: ("invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "model: claude-opus-0-0"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit of 50 requests per minute."),
    500: ("api_error", "Internal server error"),
    503: ("api_error", "Service unavailable"),
    529: ("overloaded_error", "Overloaded"),
}


@dataclass(frozen=True)
class Block:
    """A content block: its start, and the deltas of one piece."""

    start: dict[str, Any]
    deltas: tuple[dict[str, str], ...]


def frame(kind: str, *, deltas: int = 0, **fields: Any) -> Chunk:
    """Return an SSE frame of an event."""
    return Chunk(b"event: %s\ndata: %s\n\n" % (kind.encode(), compact({"type": kind, **fields})), deltas)


PING = frame("ping")
STOP = replace(frame("message_stop"), last=True)  # the body ends with it
UNKNOWN = frame("content_block_hint", index=0, hint={"type": "layout_hint", "columns": 2})


def opening(usage: Tokens | None = USAGE) -> Chunk:
    """Return the `message_start`, which reports the input tokens."""
    message: dict[str, Any] = {
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
    if usage is not None:
        message["usage"] = _usage(usage._replace(output=1), is_start=True)
    return frame("message_start", message=message)


def block_start(index: int, content_block: dict[str, Any]) -> Chunk:
    """Return a `content_block_start`."""
    return frame("content_block_start", index=index, content_block=content_block)


def block_delta(index: int, delta: dict[str, str]) -> Chunk:
    """Return a `content_block_delta`."""
    is_counted = delta["type"] != "signature_delta" and delta.get("partial_json") != ""
    return frame("content_block_delta", index=index, delta=delta, deltas=int(is_counted))


def text(content: str, index: int = 0) -> Chunk:
    """Return a frame of a text delta."""
    return block_delta(index, {"type": "text_delta", "text": content})


def ending(reason: str, usage: Tokens | None = USAGE) -> Chunk:
    """Return the `message_delta`, which reports the stop reason and the usage so far."""
    fields: dict[str, Any] = {} if usage is None else {"usage": _usage(usage)}
    return frame("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, **fields)


def error_frame(message: str = "Overloaded", kind: str = "overloaded_error") -> Chunk:
    """Return the `error` event of a failure inside a stream."""
    return frame("error", error={"type": kind, "message": message}, request_id=REQUEST_ID)


def deltas(*pieces: Piece | Step) -> list[Step]:
    """Return the frames of an answer's pieces, block by block; a step among them stays in the block around it."""
    steps: list[Step] = []
    index, is_open = -1, None
    for piece in pieces:
        if not isinstance(piece, (str, Reasoning, Refusal, ToolCall)):
            steps.append(piece)
            continue
        block = _block(piece)
        if block.start != is_open or isinstance(piece, ToolCall):
            steps += _block_end(index, is_open)
            index, is_open = index + 1, block.start
            steps += [block_start(index, block.start), *([PING] if index == 0 else [])]
        steps += [block_delta(index, delta) for delta in block.deltas]
    return steps + _block_end(index, is_open)


def answer(
    *pieces: Piece | Step,
    finish: str | None = "end_turn",
    usage: Tokens | tuple[int, int] | None = USAGE,
    done: bool = True,
) -> Script:
    """Return a whole answer, streamed; a request that does not stream gets it as one JSON object.

    `finish=None` leaves the `message_delta` out, `usage=None` all usage, `done=False` the `message_stop`; the body
    still ends.
    """
    counted = None if usage is None else Tokens(*usage)
    end = [] if finish is None else [ending(finish, counted)]
    steps = [HEAD, opening(counted), *deltas(*pieces), *end, STOP if done else FINISH]
    return Script(tuple(steps), whole=message(*pieces, finish=finish, usage=usage))


def message(
    *pieces: Piece | Step, finish: str | None = "end_turn", usage: Tokens | tuple[int, int] | None = USAGE
) -> Script:
    """Return a whole answer as one JSON object; steps among the pieces come before it."""
    written = [p for p in pieces if isinstance(p, (str, Reasoning, Refusal, ToolCall))]
    steps = [p for p in pieces if not isinstance(p, (str, Reasoning, Refusal, ToolCall))]
    content = [block for kind, same in groupby(written, type) for block in _whole(kind, list(same))]
    body: dict[str, Any] = {
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_reason": finish,
        "stop_sequence": None,
    }
    if usage is not None:
        body["usage"] = _usage(Tokens(*usage), is_start=True)
    return script(*steps, *json_body(body, 200, ("request-id", REQUEST_ID)).steps)


def overloaded(count: int = 0) -> Script:
    """Return an answer that sends so many deltas and then, inside its 200 stream, `overloaded_error`."""
    return failing_after(count)


def failing_after(count: int, error: Chunk | None = None) -> Script:
    """Return an answer that sends so many deltas, then an error event, then closes without `message_stop`."""
    words = [block_start(0, {"type": "text", "text": ""}), PING, *(text(f"{n} ") for n in range(count))]
    opened = words if count else []
    return script(HEAD, opening(), *opened, replace(error or error_frame(), last=True), Close())


def error(status: int, message: str | None = None, *, retry_after: float | None = None) -> Script:
    """Return the answer that refuses a request with an error object; a 429 may have a `Retry-After` in seconds."""
    kind, usual = ERRORS[status]
    headers = () if retry_after is None else (("retry-after", f"{retry_after:g}"),)
    body = {"type": "error", "error": {"type": kind, "message": message or usual}, "request_id": REQUEST_ID}
    return json_body(body, status, ("request-id", REQUEST_ID), *headers)


def model_list(names: Iterable[str]) -> Script:
    """Return the answer to `GET /v1/models`."""
    models = [
        {"type": "model", "id": name, "display_name": name.title(), "created_at": "2026-02-04T00:00:00Z"}
        for name in names
    ]
    ends = {"first_id": models[0]["id"], "last_id": models[-1]["id"]} if models else {"first_id": None, "last_id": None}
    return json_body({"data": models, "has_more": False, **ends}, 200, ("request-id", REQUEST_ID))


def _block(piece: Piece) -> Block:
    match piece:
        case Reasoning(text):
            start = {"type": "thinking", "thinking": "", "signature": ""}
            return Block(start, ({"type": "thinking_delta", "thinking": text},))
        case ToolCall(id=number, name=name, arguments=arguments):
            pieces = ({"type": "input_json_delta", "partial_json": piece} for piece in ("", *arguments))
            return Block({"type": "tool_use", "id": number, "name": name, "input": {}}, tuple(pieces))
        case _:
            text = piece.text if isinstance(piece, Refusal) else piece
            return Block({"type": "text", "text": ""}, ({"type": "text_delta", "text": text},))


def _block_end(index: int, start: dict[str, Any] | None) -> list[Step]:
    if start is None:
        return []
    is_thinking = start["type"] == "thinking"
    signature = [block_delta(index, {"type": "signature_delta", "signature": SIGNATURE})] if is_thinking else []
    return [*signature, frame("content_block_stop", index=index)]


def _whole(kind: type[Any], pieces: list[Any]) -> list[dict[str, Any]]:
    if kind is ToolCall:
        inputs = [_input(call) for call in pieces]
        return [{**_block(call).start, "input": given} for call, given in zip(pieces, inputs, strict=True)]
    if kind is Reasoning:
        return [{"type": "thinking", "thinking": "".join(p.text for p in pieces), "signature": SIGNATURE}]
    return [{"type": "text", "text": "".join(p if kind is str else p.text for p in pieces)}]


def _input(call: ToolCall) -> Any:
    # A whole answer cannot contain arguments that are not JSON; only the stream has them.
    try:
        return json.loads("".join(call.arguments) or "{}")
    except json.JSONDecodeError:
        return {}


def _usage(usage: Tokens, *, is_start: bool = False) -> dict[str, Any]:
    written = {"cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}}
    return {
        "input_tokens": usage.input - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        **(written if is_start else {}),
        "output_tokens": usage.output,
        **({"service_tier": "standard"} if is_start else {}),
    }
