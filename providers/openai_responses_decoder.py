"""From the frames of a response of OpenAI's Responses API to events. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ..streaming.errors import UpstreamBroken, UpstreamError, UpstreamRejected
from ..streaming.events import Done, Event, Failed, FinishReason, ReasoningDelta, TextDelta
from ..streaming.sse import Frame
from .halves import Halves
from .openai_tokens import ReadTokens, Tokens, WrittenTokens, priced
from .sdk import rejected, shown, unreadable
from .tool_calls import ItemCalls

INCOMPLETE: dict[str | None, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""Why a response is incomplete."""

_BY_THE_QUESTION = (
    "invalid_", "image_", "empty_image_", "unsupported_image_", "failed_to_download_image", "context_length_exceeded",
    "bio_policy", "misalignment_policy", "data_residency",
)  # fmt: skip
"""How the codes of those failures begin that the same question would meet again."""

PARAGRAPH = "\n\n"
"""What stands between two parts of the reasoning."""


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str = ""
    arguments: str | None = None


class _Why(msgspec.Struct, gc=False):
    reason: str | None = None


_NAMES = {
    "read": "input_tokens",
    "written": "output_tokens",
    "read_details": "input_tokens_details",
    "written_details": "output_tokens_details",
}


class _Usage(Tokens, gc=False, rename=_NAMES):
    """The counts, by the names that they have here: only fields that are written again get new ones."""

    read: int | None = None
    written: int | None = None
    read_details: ReadTokens | None = None
    written_details: WrittenTokens | None = None


class _Response(msgspec.Struct, gc=False):
    usage: _Usage | None = None
    incomplete_details: _Why | None = None
    error: Any = None


class _Frame(msgspec.Struct, gc=False):
    type: str = ""
    delta: str | None = None
    item_id: str | None = None
    output_index: int | None = None
    item: _Item | None = None
    response: _Response | None = None
    error: Any = None
    code: Any = None
    message: Any = None


_decode = msgspec.json.Decoder(_Frame).decode

_READ = {
    b"message", b"error", b"response.output_text.delta", b"response.refusal.delta", b"response.reasoning_text.delta",
    b"response.reasoning_summary_text.delta", b"response.reasoning_summary_part.added", b"response.output_item.added",
    b"response.output_item.done", b"response.function_call_arguments.delta", b"response.completed",
    b"response.incomplete", b"response.failed",
}  # fmt: skip
"""The events whose shape is known here (`message` stands for none). Others may be of any shape, and are skipped."""


class ResponseDecoder:
    """Reads one answer.

    Args:
        upstream: How messages name the upstream.
        model: The model's name, for the accounts.
        price_list: See `streaming.prices`.

    Attributes:
        is_done: Whether the upstream has said that the answer is over.
    """

    __slots__ = (
        "_calls", "_failed", "_finish_reason", "_halves", "_has_refused", "_has_thought", "_model", "_price_list",
        "_upstream", "_usage", "is_done",
    )  # fmt: skip

    def __init__(self, upstream: str, model: str, price_list: str) -> None:
        self._upstream, self._model, self._price_list = upstream, model, price_list
        self._calls = ItemCalls(upstream)
        self._halves = Halves()
        self._usage: _Usage | None = None
        self._failed: Failed | None = None
        self._finish_reason: FinishReason | None = None
        self._has_thought = self._has_refused = False
        self.is_done = False

    def read(self, frames: list[Frame], events: list[Event]) -> None:
        """Append the events in the next frames; at the end of the answer, the last ones too.

        Raises:
            UpstreamBroken: a frame is not JSON.
            UpstreamError: a frame tells of an error.
        """
        for frame in frames:
            self._read(self._parse(frame), events)
            if self._finish_reason is not None:
                self.is_done = True
                events += self.end()
                return

    def end(self) -> list[Event]:
        """Return the last events, at the end of the body.

        Raises:
            UpstreamBroken: the upstream has not said before it how the response ended.
        """
        if self._finish_reason is None:
            raise UpstreamBroken(f"{self._upstream} closed the connection in the middle of its answer. Try again.")
        events: list[Event] = []
        failed = self._failed or self._calls.end_all(events)
        usage = priced(self._usage, self._model, self._price_list)
        return [*events, *([usage] if usage else []), failed or Done(self._finish_reason)]

    def _parse(self, frame: Frame) -> _Frame:
        try:
            return _decode(frame.data)
        except msgspec.ValidationError as error:
            if frame.event not in _READ:
                return _Frame()
            raise unreadable(self._upstream, error) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._parse(self._halves.mended(frame, self._upstream, error))

    def _read(self, frame: _Frame, events: list[Event]) -> None:
        match frame.type:
            case "response.output_text.delta" | "response.refusal.delta":
                self._has_refused = self._has_refused or frame.type == "response.refusal.delta"
                if frame.delta:
                    events.append(TextDelta(frame.delta))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" if frame.delta:
                self._has_thought = True
                events.append(ReasoningDelta(frame.delta))
            case "response.reasoning_summary_part.added" if self._has_thought:
                events.append(ReasoningDelta(PARAGRAPH))
            case "response.function_call_arguments.delta":
                self._calls.add(frame.delta or "", events, frame.item_id, frame.output_index)
            case "response.output_item.added" | "response.output_item.done":
                self._read_item(frame, events)
            case "response.completed" | "response.incomplete" | "response.failed" | "error":
                self._finish(frame, events)
            case _:
                # A bare error, in the shape of chat completions, which some servers send here as well.
                if frame.error is not None:
                    raise failure(self._upstream, frame.error)

    def _read_item(self, frame: _Frame, events: list[Event]) -> None:
        item = frame.item
        if item is None or item.type != "function_call":
            return
        names = (item.id, item.call_id, frame.output_index)
        if frame.type == "response.output_item.added" or not self._calls.has(*names):
            self._calls.begin(item.call_id or item.id, item.name, events, *names)
        if frame.type == "response.output_item.done":
            self._failed = self._failed or self._calls.end(item.arguments or "", events, *names)

    def _finish(self, frame: _Frame, events: list[Event]) -> None:
        response = frame.response or _Response()
        self._usage = response.usage or self._usage
        match frame.type:
            case "response.completed":
                usual: FinishReason = "tool_calls" if self._calls.are_any else "stop"
                self._finish_reason = "content_filter" if self._has_refused else usual
            case "response.incomplete":
                why = response.incomplete_details or _Why()
                self._finish_reason = INCOMPLETE.get(why.reason, "other")
            case _:
                if usage := priced(self._usage, self._model, self._price_list):
                    events.append(usage)
                told = response.error or frame.error or {"code": frame.code, "message": frame.message}
                raise failure(self._upstream, told)


def failure(upstream: str, error: Any) -> UpstreamError:  # noqa: ANN401  # servers send objects, and strings
    """Return our error for one that came inside the stream."""
    fields = error if isinstance(error, dict) else {"message": error}
    code, message = fields.get("code"), shown(fields.get("message"))
    if isinstance(code, int) and 400 <= code < 600:
        return rejected(upstream, code, message)
    is_final = str(code).startswith(_BY_THE_QUESTION)
    usual = "rate_limited" if code == "rate_limit_exceeded" else "upstream_failed"
    return UpstreamRejected(
        f"{upstream} failed in the middle of its answer: {message or 'it did not say why'}",
        status=400 if is_final else 502,
        code="upstream_invalid_request" if is_final else usual,
        retryable=not is_final,
        is_too_long=code == "context_length_exceeded",
    )
