"""The encoder of the Vercel AI SDK's UI message stream, for versions 5, 6 and 7 of the `ai` package. Pure.

A client aborts at a frame with an unknown type or field, so only frames that all these versions know are sent (version
5 from 5.0.95 on; earlier ones do not know `finishReason`), unless the client names its version. Each part starts before
its first delta and ends before the next frame of another kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from ...core import exact_json
from ...core.application_events import (
    ApprovalRequested,
    Data,
    File,
    OmittedEvent,
    Source,
    StepStarted,
    ToolProgress,
    ToolResult,
)
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
from .application_frames import application_object
from .ui_frames import (
    FINISH_REASONS,
    RESTART_PART_TYPE,
    RESUMED,
    error_frame,
    frame,
    restart_message,
    usage_metadata,
)
from .ui_steps import STEP_OUTPUT, UISteps
from .ui_tool_calls import EarlierCall, UIToolCalls

HEARTBEAT = b": keep-alive\n\n"
"""An SSE comment, which all versions skip, followed by a blank line like every frame."""

END = b"data: [DONE]\n\n"
"""Sent only after a complete answer. The clients do not require it."""

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
        knows_approvals: Whether the client knows `tool-approval-request` and `tool-output-denied`: versions 6 and 7 do.
        earlier_calls: The calls of the request's last message that wait for this answer, by their ids.
    """

    HEADERS = {**EVENT_STREAM_HEADERS, "x-vercel-ai-ui-message-stream": "v1"}  # noqa: RUF012  # never changed

    __slots__ = (
        "_calls", "_has_begun", "_has_reset", "_has_result", "_is_empty", "_is_replay", "_message_id", "_open",
        "_parts", "_steps", "_usage",
    )  # fmt: skip

    def __init__(
        self,
        message_id: str | None,
        *,
        is_replay: bool = False,
        has_reset: bool = False,
        knows_approvals: bool = False,
        earlier_calls: Mapping[str, EarlierCall] = MappingProxyType({}),
    ) -> None:
        self._message_id, self._is_replay, self._has_reset = message_id, is_replay, has_reset
        self._has_begun = False
        self._open: PartType | None = None
        self._parts = 0
        self._calls = UIToolCalls(earlier_calls, knows_approvals=knows_approvals)
        self._steps = UISteps()
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
        if self._steps.to_skip:
            self._steps.to_skip -= type(event) is StepStarted
            return []
        if self._has_result and type(event) in STEP_OUTPUT and not self._calls.is_open:
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
            case AnswerRestarted():
                return self._restart_frames(event)
            case Failed(code, message, retryable):
                metadata = {"error": {"code": code, "retryable": retryable}}
                return self._incomplete_frames(metadata, message, error_frame(message))
            case Cancelled(reason):
                abort = self._abort_frame(reason)
                return self._incomplete_frames({"cancelled": reason}, "The answer was stopped.", abort)
            case ToolResult() | ToolProgress() | ApprovalRequested():
                return self._encode_outcome(event)
            case Source() | File() | Data():  # the open text goes on behind it
                self._is_empty = self._is_empty and isinstance(event, Data) and event.transient
                return [frame(**application_object(event))]
            case StepStarted():
                begun = self._begin_step()
                self._steps.finish()
                return begun
            case ProviderEvent() | OmittedEvent():
                return []
        raise AssertionError(f"unknown event type: {event!r:.200}")

    def _start_frames(self, metadata: dict[str, Any]) -> list[bytes]:
        self._has_begun = True
        fields = {} if self._message_id is None else {"messageId": self._message_id}
        revoked = [self._revoking_frame(RESUMED, metadata.get("model", ""))] if self._is_replay else []
        repeated = self._calls.repeat_earlier() if self._is_replay else []
        self._is_empty = not repeated
        return [frame("start", **fields, messageMetadata=metadata), *revoked, frame("start-step"), *repeated]

    def _begin_step(self) -> list[bytes]:
        closed = self._close_part()
        # Clients look for the pieces of a call only in the step in which it began.
        if self._is_empty or self._calls.is_open:
            return closed
        self._steps.begin()
        self._is_empty, self._has_result = True, False
        self._calls.begin_step()
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
        if type(event) is not ToolCallStarted:
            return [self._calls.encode_call(event)]
        self._is_empty = False
        return [*self._close_part(), self._calls.encode_call(event)]

    def _encode_outcome(self, event: ToolResult | ToolProgress | ApprovalRequested) -> list[bytes]:
        frames = self._calls.encode_outcome(event)
        # The result of an earlier call belongs to an earlier step, except in a replay.
        if isinstance(event, ToolResult) and (event.call_id is None or self._is_replay) and frames:
            self._is_empty, self._has_result = False, True
        return [*self._close_part(), *frames]

    def _close_parts_and_calls(self, why: str) -> list[bytes]:
        return [*self._close_part(), *self._calls.cut(why)]

    # Ends of the answer

    def _finish_frames(self, reason: FinishReason) -> list[bytes]:
        # Even an empty answer needs a start frame.
        started = [] if self._has_begun else self._start_frames({})
        closed = self._close_parts_and_calls("The call is incomplete.")
        left = [] if reason == "tool_calls" else self._leave_calls()
        finish = frame("finish", finishReason=FINISH_REASONS[reason], messageMetadata=usage_metadata(self._usage))
        return [*started, *closed, *left, frame("finish-step"), finish, END]

    def _incomplete_frames(self, fields: dict[str, Any], why: str, end: bytes) -> list[bytes]:
        if not self._has_begun:
            # Before the start frame there is no message, and metadata would create an empty one.
            return [end]
        closed = [*self._close_parts_and_calls(why), *self._calls.give_up(why)]
        if "cancelled" in fields:  # after an error, no client sends anything by itself
            closed += self._leave_calls()
        metadata = frame("message-metadata", messageMetadata={**usage_metadata(self._usage), **fields})
        return [*closed, frame("finish-step"), metadata, end]

    def _leave_calls(self) -> list[bytes]:
        """Return the frames of an empty step behind one whose calls all have results.

        Else the SDK's `lastAssistantMessageIsCompleteWithToolCalls` would send the conversation again, also one that
        was stopped.
        """
        if not self._calls.is_answered:
            return []
        self._calls.begin_step()
        return [frame("finish-step"), frame("start-step")]

    def _abort_frame(self, reason: str) -> bytes:
        # The first releases of versions 5 and 6 do not know a reason in this frame.
        return frame("abort", reason=reason) if self._has_reset else frame("abort")

    def _restart_frames(self, event: AnswerRestarted) -> list[bytes]:
        reason, model = event.reason, event.model
        is_partial = self._steps.restart(event)
        # Pages that know the reason `resumed` remove all steps.
        revoked = self._revoking_frame(reason if is_partial else RESUMED, model)
        metadata = frame("message-metadata", messageMetadata={"model": model})
        if self._has_reset and not is_partial:  # only the last step can be removed
            why = restart_message(reason, model)
            raise AbortConnection(error_frame(why), b"".join(self._close_parts_and_calls(why)))
        self._is_empty, self._has_result = True, False
        if self._has_reset:
            # The client forgets the step's open parts and calls as well, and the step continues.
            self._open = None
            self._calls.forget()
            return [revoked, metadata]
        why = "The answer restarts."
        closed = [*self._close_parts_and_calls(why), *self._calls.give_up(why)]
        self._calls.begin_step()
        return [*closed, frame("finish-step"), revoked, metadata, frame("start-step")]

    def _revoking_frame(self, reason: str, model: str) -> bytes:
        if self._has_reset:
            return frame("reset-step")
        return frame(RESTART_PART_TYPE, data={"reason": reason, "model": model})
