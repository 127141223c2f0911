"""OpenAI chat completions as bytes, in the shapes of the published API reference; with what compatible servers add.

A frame is a `Chunk`, so frames and steps can be mixed: `answer("Hello", Gate("more"), " world")`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tests.support.upstream.pieces import USAGE, Piece, Reasoning, Refusal, Tokens, ToolCall
from tests.support.upstream.plain import compact, json_body
from tests.support.upstream.steps import EVENT_STREAM, FINISH, Chunk, Close, Head, Script, Step, script

ID, CREATED, MODEL = "chatcmpl-DrT2qWmXc7NvYb4KpLs9ZeHuGaJo1", 1775203187, "gpt-5-mini-2025-08-07"
REQUEST_ID = ("x-request-id", "req_5b0c1e7f94d24a6c8b3e2d1f0a9c8b7d")
ENDPOINT = "/v1/chat/completions"
FINISHES = ("stop", "length", "tool_calls", "content_filter")

HEAD = Head(headers=(*EVENT_STREAM, REQUEST_ID, ("openai-processing-ms", "213"), ("openai-version", "2020-10-01")))
DONE = Chunk(b"data: [DONE]\n\n", last=True)  # the body ends with it
PING = Chunk(b": ping\n\n")  # not OpenAI's own, but sent by compatible servers and proxies
UNKNOWN = Chunk(b'event: rate_limits.updated\ndata: {"object":"rate_limits.updated","limits":[]}\n\n')

ERRORS = {  # status: type, code, message
    400: ("invalid_request_error", "context_length_exceeded", "Your input exceeds the context window of this model."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-live-****************wxyz."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Country, region or territory unsupported"),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("tokens", "rate_limit_exceeded", "Rate limit reached for gpt-5-mini on tokens per min (TPM)."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
    529: ("server_error", None, "The engine is currently overloaded, please try again later."),
}


def frame(body: Any, deltas: int = 0) -> Chunk:
    """Return an SSE frame of any JSON."""
    return Chunk(b"data: " + compact(body) + b"\n\n", deltas)


def chunk(
    delta: dict[str, Any] | None, reason: str | None = None, *, usage: Tokens | None = None, deltas: int = 0
) -> Chunk:
    """Return a frame of a `chat.completion.chunk`; without a delta its `choices` are empty."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    body = {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": "fp_7c4e91a0d2",
        "choices": [] if delta is None else [choice],
        "usage": _usage(usage),
        "obfuscation": "vQ3xLmT",
    }
    return frame(body, deltas)


def opening() -> Chunk:
    """Return the first frame, which contains the role."""
    return chunk({"role": "assistant", "content": "", "refusal": None})


def text(content: str) -> Chunk:
    """Return a frame of a text delta."""
    return chunk({"content": content}, deltas=1)


def tool_call(index: int, call: ToolCall) -> tuple[Chunk, ...]:
    """Return the frames of a tool call: id and name in the first, then a piece of the arguments in each."""
    head = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    pieces = [{"index": index, "function": {"arguments": piece}} for piece in call.arguments]
    return (chunk({"tool_calls": [head]}), *(chunk({"tool_calls": [piece]}, deltas=1) for piece in pieces))


def ending(reason: str, usage: Tokens | None = None) -> Chunk:
    """Return the frame with the finish reason; some servers put the usage into it."""
    return chunk({}, reason, usage=usage)


def tokens(usage: Tokens | tuple[int, int]) -> Chunk:
    """Return the frame of the usage, which has no choices."""
    return chunk(None, usage=Tokens(*usage))


def error_frame(message: str | None = None, kind: str = "server_error", code: str | None = None) -> Chunk:
    """Return the frame of an error inside a stream."""
    return frame({"error": {"message": message or ERRORS[500][2], "type": kind, "param": None, "code": code}})


def deltas(*pieces: Piece | Step) -> list[Step]:
    """Return the frames of an answer's pieces; steps among them stay as they are."""
    steps: list[Step] = []
    calls = 0
    for piece in pieces:
        match piece:
            case str():
                steps.append(text(piece))
            case Reasoning():
                steps.append(chunk({"reasoning_content": piece.text}, deltas=1))
            case Refusal():
                steps.append(chunk({"refusal": piece.text}, deltas=1))
            case ToolCall():
                steps.extend(tool_call(calls, piece))
                calls += 1
            case _:
                steps.append(piece)
    return steps


def answer(
    *pieces: Piece | Step,
    finish: str | None = "stop",
    usage: Tokens | tuple[int, int] | None = USAGE,
    done: bool = True,
) -> Script:
    """Return a whole answer, streamed; a request that does not stream gets it as one JSON object.

    `finish=None` leaves the finish reason out, `usage=None` the usage, `done=False` the `[DONE]`; the body still ends.
    """
    end: list[Step] = [] if finish is None else [ending(finish)]
    if usage is not None:
        end.append(tokens(usage))
    steps = [HEAD, opening(), *deltas(*pieces), *end, DONE if done else FINISH]
    return Script(tuple(steps), whole=completion(*pieces, finish=finish, usage=usage))


def completion(
    *pieces: Piece | Step, finish: str | None = "stop", usage: Tokens | tuple[int, int] | None = USAGE
) -> Script:
    """Return a whole answer as one JSON object; steps among the pieces come before it."""
    calls = [
        {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": "".join(c.arguments)}}
        for c in pieces
        if isinstance(c, ToolCall)
    ]
    texts = {kind: "".join(p.text for p in pieces if isinstance(p, kind)) or None for kind in (Reasoning, Refusal)}
    content = "".join(p for p in pieces if isinstance(p, str)) or None
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": texts[Refusal], "annotations": []}
    message |= {"tool_calls": calls} if calls else {}
    message |= {"reasoning_content": texts[Reasoning]} if texts[Reasoning] else {}
    body = {
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _usage(Tokens(*usage) if usage else None),
        "service_tier": "default",
        "system_fingerprint": "fp_7c4e91a0d2",
    }
    steps = [p for p in pieces if not isinstance(p, (str, Reasoning, Refusal, ToolCall))]
    return script(*steps, *json_body(body, 200, REQUEST_ID).steps)


def failing_after(count: int, error: Chunk | None = None) -> Script:
    """Return an answer that sends so many deltas, then an error object, then closes without `[DONE]`."""
    words = [f"{n} " for n in range(count)]
    return script(HEAD, opening(), *deltas(*words), replace(error or error_frame(), last=True), Close())


def error(status: int, message: str | None = None, *, retry_after: float | None = None) -> Script:
    """Return the answer that refuses a request with an error object; a 429 may have a `Retry-After` in seconds."""
    kind, code, usual = ERRORS[status]
    headers = () if retry_after is None else (("retry-after", f"{retry_after:g}"),)
    body = {"error": {"message": message or usual, "type": kind, "param": None, "code": code}}
    return json_body(body, status, REQUEST_ID, *headers)


def model_list(names: Iterable[str]) -> Script:
    """Return the answer to `GET /v1/models`."""
    models = [{"id": name, "object": "model", "created": CREATED, "owned_by": "system"} for name in names]
    return json_body({"object": "list", "data": models}, 200, REQUEST_ID)


def _usage(usage: Tokens | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    predictions = {"accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0, **predictions},
    }
