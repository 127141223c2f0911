"""Two wire formats of streamed answers as HTTP chunks: OpenAI's chat completions and Anthropic's messages.

Values only: no socket, no clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"
_TEXT = "<text>"


@dataclass(frozen=True, slots=True)
class Wire:
    """One wire format: its frames without the texts of the deltas and the counts of the usage.

    Args:
        opening: All that is sent before the first delta.
        before: The bytes of a delta's frame before its text.
        after: The bytes of a delta's frame after its text.
        closing: All that is sent after the last delta, with `"<count>"` in place of the number of output tokens.
    """

    opening: bytes
    before: bytes
    after: bytes
    closing: str

    def delta(self, text: bytes) -> bytes:
        """Return one delta with this text as one chunk."""
        return chunk(self.before + text + self.after)

    def end(self, deltas: int) -> bytes:
        """Return the end of the response: the frames after the last delta, and the last chunk.

        Args:
            deltas: The number of deltas that were sent, which the usage reports as output tokens.
        """
        return chunk(self.closing.replace('"<count>"', str(deltas)).encode()) + LAST_CHUNK


def chunk(content: bytes) -> bytes:
    """Return bytes of a body as one chunk of HTTP's chunked encoding."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def _wire(opening: str, delta: str, closing: str) -> Wire:
    before, _, after = delta.partition(_TEXT)
    return Wire(chunk(opening.encode()), before.encode(), after.encode(), closing)


def _openai() -> Wire:
    def frame(delta: dict[str, str], finish: str | None = None, **more: Any) -> str:  # noqa: ANN401  # any field
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        body = {
            "id": "chatcmpl-CkQ8vJw3sXrTn5yLb2HdGf7ZpMa1e",
            "object": "chat.completion.chunk",
            "created": 1780000000,
            "model": "gpt-5-mini-2026-02-14",
            "service_tier": "default",
            "system_fingerprint": "fp_5f20662549",
            "choices": [choice],
            "usage": None,
            "obfuscation": "qWmT4zR8nL",
        }
        return f"data: {_json(body | more)}\n\n"

    usage = {"prompt_tokens": 9, "completion_tokens": "<count>", "total_tokens": 9}
    closing = frame({}, "stop") + frame({}, choices=[], usage=usage) + "data: [DONE]\n\n"
    return _wire(frame({"role": "assistant", "content": ""}), frame({"content": _TEXT}), closing)


def _anthropic() -> Wire:
    def frame(kind: str, **fields: Any) -> str:  # noqa: ANN401  # any field
        return f"event: {kind}\ndata: {_json({'type': kind, **fields})}\n\n"

    message: dict[str, Any] = {
        "id": "msg_01KqT8wPz4nVhXc6RbYs2LmD",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-7",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1},
    }
    opening = frame("message_start", message=message)
    opening += frame("content_block_start", index=0, content_block={"type": "text", "text": ""}) + frame("ping")
    delta = frame("content_block_delta", index=0, delta={"type": "text_delta", "text": _TEXT})
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    closing = frame("content_block_stop", index=0)
    closing += frame("message_delta", delta=stop, usage={"output_tokens": "<count>"}) + frame("message_stop")
    return _wire(opening, delta, closing)


def _json(value: Any) -> str:  # noqa: ANN401  # any JSON
    return json.dumps(value, separators=(",", ":"))


OPENAI = _openai()
ANTHROPIC = _anthropic()
