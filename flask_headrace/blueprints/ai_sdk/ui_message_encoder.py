"""The encoder of the Vercel AI SDK's UI message stream, for versions 5, 6 and 7 of the `ai` package. Pure.

A client aborts at a frame with an unknown type or field, so only frames that all these versions know are sent (version
5 from 5.0.95 on; earlier ones do not know `finishReason`), unless the client names its version. Each part starts before
its first delta and ends before the next frame of another kind.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from ...core import exact_json
from ...core.application_events import Data, File, OmittedEvent, Source, StepStarted, ToolResult
from ...core.errors import HeadraceError
from ...core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    FinishReason,
    ProviderEvent,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ..encoding.base import EVENT_STREAM_HEADERS, AbortConnection
from ..encoding.frames import encode_events
from .application_frames import data_object, file_object, result_object, source_object
from .ui_frames import error_frame, frame, restart_message, usage_metadata

HEARTBEAT = b": keep-alive\n\n"
"""An SSE comment, which all versions skip, followed by a blank line like every frame."""

END = b"data: [DONE]\n\n"
"""Sent only after a complete answer. The clients do not require it."""

_STEP_OUTPUT = {TextDelta, ReasoningDelta, ReasoningSignature, ToolCallStarted}
"""What a model says in answer to the results of its calls, so that a new step begins with it."""

RESTART_PART_TYPE = "data-restart"
"""The type of the data part that revokes the step before it, for versions whose protocol cannot revoke parts."""

RESUMED = "resumed"
"""The reason in the data part with which a replay revokes all parts before it, those of earlier steps as well."""

FINISH_REASONS: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool-calls",
    "content_filter": "content-filter",
    "pause": "other",
    "other": "other",
}
"""The AI SDK's finish reasons."""

_encode = exact_json.encode

PartType: TypeAlias = Literal["text", "reasoning"]


class UIMessageEncoder:
    """Encodes one response: one assistant message.

    Args:
        message_id: The message's id, the same for each reader; None if the answer continues the last message of the
            request.
        is_replay: Whether the client may already have a part of the answer. Some versions and hooks of the SDK append a
            replay to it, so the earlier parts are revoked first.
        has_reset: Whether the client knows `reset-step`, which removes the parts of the current step, and the reason in
            `abort`: version 7 does, from 7.0.70 on.
    """

    HEADERS = {**EVENT_STREAM_HEADERS, "x-vercel-ai-ui-message-stream": "v1"}  # noqa: RUF012  # never changed

    __slots__ = (
        "_call_ids", "_calls", "_has_begun", "_has_reset", "_has_result", "_is_empty", "_is_replay", "_message_id",
        "_open", "_parts", "_steps", "_usage",
    )  # fmt: skip

    def __init__(self, message_id: str | None, *, is_replay: bool = False, has_reset: bool = False) -> None:
        self._message_id, self._is_replay, self._has_reset = message_id, is_replay, has_reset
        self._has_begun = False
        self._open: PartType | None = None
        self._parts = 0
        self._calls: dict[int, ToolCallStarted] = {}
        self._call_ids: dict[int, str] = {}
        self._steps = 1
        self._is_empty = True  # whether the step has no parts
        self._has_result = False  # whether the step has the result of a call
        self._usage: Usage | None = None

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the frames of the next events; see `StreamEncoder.encode`.

        Args:
            events: The next events. An empty list is encoded as a heartbeat.
            first_id: The number of the first event in `events`; None for frames without numbers.
            id_suffix: The bytes after each event number; see `event_id_suffix`.
        """
        if not events:
            return HEARTBEAT
        return encode_events(events, first_id, id_suffix, self._encode_one)

    def error_body(self, error: HeadraceError) -> str:
        """Return the body of an error response: its message, which the SDK's clients show."""
        return error.message

    def _encode_one(self, event: Event) -> list[bytes]:  # noqa: PLR0911  # one for each kind of event
        if self._has_result and type(event) in _STEP_OUTPUT and not self._calls:
            return [*self._begin_step(), *self._encode_one(event)]
        match event:
            case TextDelta(text):
                return self._delta_frames("text", text)
            case ReasoningDelta(text):
                return self._delta_frames("reasoning", text)
            case ReasoningSignature(signature, is_redacted):
                return self._add_signature(signature, is_redacted=is_redacted)
            case ToolCallStarted() | ToolCallDelta() | ToolCallCompleted():
                return self._encode_tool_call(event)
            case Usage():
                # The finish frame, which follows at once, contains the usage.
                self._usage = event
                return []
            case Completed(reason):
                return self._finish_frames(reason)
            case _:
                return self._encode_other(event)

    def _encode_other(self, event: Event) -> list[bytes]:  # noqa: PLR0911  # one for each kind of event
        match event:
            case ResponseStarted(id, model, provider):
                return self._start_frames({"model": model, "provider": provider, "streamId": id})
            case AnswerRestarted(reason, model):
                return self._restart_frames(reason, model)
            case Failed(code, message, retryable):
                metadata = {"error": {"code": code, "retryable": retryable}}
                return self._incomplete_frames(metadata, message, error_frame(message))
            case Cancelled(reason):
                abort = self._abort_frame(reason)
                return self._incomplete_frames({"cancelled": reason}, "The answer was stopped.", abort)
            case ToolResult(call):
                self._is_empty, self._has_result = False, True
                return [*self._close_part(), frame(**result_object(event, self._call_ids[call]))]
            case Source() | File() | Data():
                return [self._encode_of_application(event)]
            case StepStarted():
                return self._begin_step()
            case ProviderEvent() | OmittedEvent():
                return []
        raise AssertionError(f"unknown event type: {event!r:.200}")

    def _start_frames(self, metadata: dict[str, Any]) -> list[bytes]:
        self._has_begun = True
        fields = {} if self._message_id is None else {"messageId": self._message_id}
        revoked = [self._revoking_frame(RESUMED, metadata.get("model", ""))] if self._is_replay else []
        return [frame("start", **fields, messageMetadata=metadata), *revoked, frame("start-step")]

    # What an application adds: the open text goes on behind it

    def _encode_of_application(self, event: Source | File | Data) -> bytes:
        self._is_empty = self._is_empty and isinstance(event, Data) and event.transient
        match event:
            case Source():
                return frame(**source_object(event))
            case File():
                return frame(**file_object(event))
            case Data():
                return frame(**data_object(event))

    def _begin_step(self) -> list[bytes]:
        closed = self._close_part()
        # Clients look for the pieces of a call only in the step in which it began.
        if self._is_empty or self._calls:
            return closed
        self._steps += 1
        self._is_empty, self._has_result = True, False
        return [*closed, frame("finish-step"), frame("start-step")]

    # Text and reasoning

    def _delta_frames(self, part_type: PartType, text: str) -> list[bytes]:
        opened = [] if self._open == part_type else self._open_part(part_type)
        delta = b'data: {"type":"%b-delta","id":"%d","delta":%b}\n\n' % (part_type.encode(), self._parts, _encode(text))
        return [*opened, delta]

    def _open_part(self, part_type: PartType, **metadata: Any) -> list[bytes]:  # noqa: ANN401  # a JSON value
        closed = self._close_part()
        self._open = part_type
        self._parts += 1
        self._is_empty = False
        return [*closed, frame(f"{part_type}-start", id=str(self._parts), **metadata)]

    def _close_part(self, **metadata: Any) -> list[bytes]:  # noqa: ANN401
        if self._open is None:
            return []
        part_type, self._open = self._open, None
        return [frame(f"{part_type}-end", id=str(self._parts), **metadata)]

    def _add_signature(self, signature: str, *, is_redacted: bool) -> list[bytes]:
        # The SDK's own Anthropic provider uses these names.
        if is_redacted:
            opened = self._open_part("reasoning", providerMetadata={"anthropic": {"redactedData": signature}})
            return [*opened, *self._close_part()]
        opened = [] if self._open == "reasoning" else self._open_part("reasoning")
        return [*opened, *self._close_part(providerMetadata={"anthropic": {"signature": signature}})]

    # Tool calls

    def _encode_tool_call(self, event: ToolCallStarted | ToolCallDelta | ToolCallCompleted) -> list[bytes]:
        match event:
            case ToolCallStarted(call, id, name):
                self._calls[call] = event
                self._call_ids[call] = id
                self._is_empty = False
                return [*self._close_part(), frame("tool-input-start", toolCallId=id, toolName=name)]
            case ToolCallDelta(call, text):
                return [frame("tool-input-delta", toolCallId=self._calls[call].id, inputTextDelta=text)]
            case ToolCallCompleted(call, arguments):
                started = self._calls.pop(call)
                named = {"toolCallId": started.id, "toolName": started.name}
                return [frame("tool-input-available", **named, input=arguments)]

    def _close_parts_and_calls(self, why: str) -> list[bytes]:
        cut = [
            frame("tool-input-error", toolCallId=started.id, toolName=started.name, input={}, errorText=why)
            for started in self._calls.values()
        ]
        self._calls.clear()
        return [*self._close_part(), *cut]

    # Ends of the answer

    def _finish_frames(self, reason: FinishReason) -> list[bytes]:
        # Even an empty answer needs a start frame.
        started = [] if self._has_begun else self._start_frames({})
        closed = self._close_parts_and_calls("The call is incomplete.")
        finish = frame("finish", finishReason=FINISH_REASONS[reason], messageMetadata=self._usage_metadata())
        return [*started, *closed, frame("finish-step"), finish, END]

    def _incomplete_frames(self, fields: dict[str, Any], why: str, end: bytes) -> list[bytes]:
        if not self._has_begun:
            # Before the start frame there is no message, and metadata would create an empty one.
            return [end]
        closed = self._close_parts_and_calls(why)
        metadata = frame("message-metadata", messageMetadata={**self._usage_metadata(), **fields})
        return [*closed, frame("finish-step"), metadata, end]

    def _abort_frame(self, reason: str) -> bytes:
        # The first releases of versions 5 and 6 do not know a reason in this frame.
        return frame("abort", reason=reason) if self._has_reset else frame("abort")

    def _restart_frames(self, reason: str, model: str) -> list[bytes]:
        # Pages that know the reason `resumed` remove all steps.
        revoked = self._revoking_frame(RESUMED if self._steps > 1 else reason, model)
        metadata = frame("message-metadata", messageMetadata={"model": model})
        steps, self._steps = self._steps, 1
        self._is_empty, self._has_result = True, False
        if self._has_reset:
            if steps > 1:  # only the last one can be removed
                why = restart_message(reason, model)
                raise AbortConnection(error_frame(why), b"".join(self._close_parts_and_calls(why)))
            # The client forgets the step's open parts and calls as well, and the step continues.
            self._open = None
            self._calls.clear()
            return [revoked, metadata]
        closed = self._close_parts_and_calls("The answer restarts.")
        return [*closed, frame("finish-step"), revoked, metadata, frame("start-step")]

    def _revoking_frame(self, reason: str, model: str) -> bytes:
        if self._has_reset:
            return frame("reset-step")
        return frame(RESTART_PART_TYPE, data={"reason": reason, "model": model})

    def _usage_metadata(self) -> dict[str, Any]:
        return {} if self._usage is None else usage_metadata(self._usage)
