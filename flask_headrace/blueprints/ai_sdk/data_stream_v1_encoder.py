"""The encoder of the Vercel AI SDK's data stream v1, for `useChat` and `useCompletion` of versions 3.4 to 4.3.

Each line is a code, a colon and JSON. A client aborts at an unknown code, so only codes that all these versions know
are sent. Of the later ones, clients that know steps get `f` (a step begins), those that know reasoning `h` (a source),
and none gets `k` (a file): for the others, sources and files are annotations of the message. Of tools that run here,
clients get calls and results: progress and approvals have no form in this protocol. Pure.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from ...core import exact_json
from ...core.application_events import APPLICATION_EVENTS, Data, File, Source, StepStarted, ToolResult, is_transient
from ...core.errors import HeadraceError
from ...core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    FinishReason,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ..encoding.base import PLAIN_TEXT_HEADERS, AbortConnection
from ..encoding.frames import encode_text_frames
from .application_frames import data_object, file_object, source_object
from .ui_completion_encoder import CANCELLED_MESSAGE
from .ui_frames import FINISH_REASONS, restart_message, usage_metadata
from .ui_steps import STEP_OUTPUT

HEARTBEAT = b"\n"
"""An empty line, which all clients skip."""

_json = exact_json.encode

ReasoningState: TypeAlias = Literal["none", "unsigned", "signed", "redacted", "left"]
"""What the client would do with further reasoning: begin a part (`none`); append it to the text of the last run
(`unsigned`, `signed`); add a run to the part (`redacted`); or append it although other parts follow (`left`)."""


class DataStreamV1Encoder:
    """Encodes one response.

    Args:
        has_reasoning: Whether the client knows the codes of reasoning and `h`: versions 4.1.46 and later do.
        has_steps: Whether the client knows the code `f`, as versions 4.1 and later do. Those that know reasoning do.
        aborts_on_failure: Whether an error also breaks the connection: `useCompletion` of version 3.4 ignores the error
            line and takes every normal end for the end of a complete answer.
    """

    HEADERS = {**PLAIN_TEXT_HEADERS, "X-Vercel-AI-Data-Stream": "v1"}  # noqa: RUF012  # never changed

    __slots__ = (
        "_aborts_on_failure", "_calls", "_finished", "_has_begun", "_has_message", "_has_reasoning", "_has_result",
        "_has_steps", "_is_empty", "_is_untouched", "_message_id", "_of_step", "_open_calls", "_reasoning", "_to_skip",
        "_usage",
    )  # fmt: skip

    def __init__(
        self, *, has_reasoning: bool = False, has_steps: bool = False, aborts_on_failure: bool = False
    ) -> None:
        self._has_reasoning = has_reasoning
        self._has_steps = has_steps or has_reasoning
        self._aborts_on_failure = aborts_on_failure
        self._calls: dict[int, dict[str, str]] = {}
        self._of_step: dict[int, bool] = {}  # the calls of this step, and whether they have a result
        self._open_calls: set[int] = set()
        self._message_id = ""
        self._is_empty = True  # whether the step has no content
        self._has_result = False  # whether the step has the result of a call
        self._has_message = False  # whether the client has something to make a message of
        self._usage: Usage | None = None
        self._has_begun = False
        self._finished = 0  # steps that `StepStarted` has ended
        self._is_untouched = False  # whether nothing was sent since then
        self._to_skip = 0  # finished steps that come once more
        self._reasoning: ReasoningState = "none"

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the lines of the next events, possibly none; see `StreamEncoder.encode`.

        Args:
            events: The next events. An empty list is encoded as a heartbeat.
            first_id: Ignored: lines have no event ids.
            id_suffix: Ignored: lines have no event ids.

        Raises:
            AbortConnection: the answer restarts, or has failed and `aborts_on_failure` is set.
        """
        if not events:
            return HEARTBEAT
        texts = [event.text for event in events if type(event) is TextDelta]
        if len(texts) == len(events) and not self._to_skip:
            begun = self._begin_step() if self._has_result and not self._open_calls else b""
            self._has_begun = self._has_message = True
            self._is_empty = self._is_untouched = False
            self._leave_reasoning()
            return begun + encode_text_frames(texts, b"0:", b"\n")
        written = []
        for event in events:
            if self._to_skip:
                self._to_skip -= type(event) is StepStarted
                continue
            if type(event) is AnswerRestarted and self._is_untouched and event.finished_steps == self._finished:
                self._to_skip = event.finished_steps  # the client has them, and nothing of what is void
                continue
            written.append(self._encode_one(event))
            if self._must_abort(event):
                raise AbortConnection(written.pop(), b"".join(written))
            # What is transient need not be revoked.
            has_begun = bool(written[-1]) and not is_transient(event)
            self._has_begun = self._has_begun or has_begun
            self._is_untouched = type(event) is StepStarted or (self._is_untouched and not has_begun)
            self._has_message = self._has_message or (bool(written[-1]) and not isinstance(event, APPLICATION_EVENTS))
        return b"".join(written)

    def error_body(self, error: HeadraceError) -> str:
        """Return the body of an error response: its message, which the SDK's clients show."""
        return error.message

    def _encode_one(self, event: Event) -> bytes:  # noqa: PLR0911  # one for each kind of event
        if self._has_result and type(event) in STEP_OUTPUT and not self._open_calls:
            return self._begin_step() + self._encode_one(event)
        match event:
            case TextDelta(text):
                self._leave_reasoning()
                self._is_empty = False
                return _line(b"0", text)
            case ReasoningDelta() | ReasoningSignature():
                self._is_empty = self._is_empty and not self._has_reasoning
                return self._encode_reasoning(event)
            case ToolCallStarted() | ToolCallDelta() | ToolCallCompleted():
                return self._encode_tool_call(event)
            case Completed(finish_reason):
                # Older versions do not accept an answer that consists only of its end.
                empty = b"" if self._has_message else _line(b"0", "")
                empty += self._leave_calls(finish_reason)
                return empty + self._usage_line() + self._end_lines(FINISH_REASONS[finish_reason])
            case Failed(_, message):
                return self._usage_line() + _line(b"3", message)
            case Cancelled():
                return self._usage_line() + _line(b"3", CANCELLED_MESSAGE)
            case AnswerRestarted(reason, model) if self._has_begun:
                return _line(b"3", restart_message(reason, model))
            case Usage():
                self._usage = event  # sent at the end
            case ResponseStarted(id):
                self._message_id = id
            case _:
                return self._encode_of_application(event)
        # A restart before the first line has no form in this protocol.
        return b""

    def _encode_of_application(self, event: Event) -> bytes:  # noqa: PLR0911  # one for each kind of event
        match event:
            case ToolResult(call_id=str()):
                return b""  # clients of this protocol send no approvals, and so have no such calls
            case ToolResult(call, result, error):
                return self._encode_result(call, result if error is None else {"error": error})
            case StepStarted():
                self._finished += 1
                return self._begin_step()
            case Source(url=str(url), title=title, id=id) if url and self._has_reasoning:
                titled = {} if title is None else {"title": title}
                return _line(b"h", {"sourceType": "url", "id": id or url, "url": url, **titled})
            case Source():
                return _line(b"8", [source_object(event)])
            case File():
                return _line(b"8", [file_object(event)])
            case Data():
                return _line(b"2", [data_object(event)])
            case _:
                return b""

    def _encode_result(self, call: int, result: Any) -> bytes:  # noqa: ANN401  # a JSON value
        # Before 4.1 a step is a message of its own, and a result of a call in another message is an error.
        if call not in self._of_step and not self._has_reasoning:
            return b""
        self._has_result = True
        if call in self._of_step:
            self._of_step[call] = True
        self._leave_reasoning()
        return _line(b"a", {"toolCallId": self._calls[call]["toolCallId"], "result": result})

    def _begin_step(self) -> bytes:
        if self._is_empty or self._open_calls:
            # Before 4.1 a call cannot go on in another step, which is another message.
            self._leave_reasoning()
            return b""
        self._is_empty, self._has_result = True, False
        self._of_step.clear()
        begun = _line(b"f", {"messageId": self._message_id}) if self._has_steps and self._message_id else b""
        return self._set_reasoning("none", _END_OF_STEP) + begun

    def _leave_calls(self, finish_reason: FinishReason) -> bytes:
        # `useChat` with `maxSteps` sends a conversation again whose last step has calls, all with results.
        is_answered = bool(self._of_step) and all(self._of_step.values())
        return self._begin_step() if self._has_steps and is_answered and finish_reason != "tool_calls" else b""

    def _encode_reasoning(self, event: ReasoningDelta | ReasoningSignature) -> bytes:
        if not self._has_reasoning:
            return b""
        match event:
            case ReasoningDelta(text):
                return self._begin_run("signed", "left") + self._set_reasoning("unsigned", _line(b"g", text))
            case ReasoningSignature(signature, is_redacted=True):
                return self._begin_run("left") + self._set_reasoning("redacted", _line(b"i", {"data": signature}))
            case ReasoningSignature(signature):
                begun = self._begin_run("signed", "left")
                # The client drops a signature that follows no text of its run.
                opened = b"" if self._reasoning == "unsigned" else _line(b"g", "")
                return begun + opened + self._set_reasoning("signed", _line(b"j", {"signature": signature}))

    def _begin_run(self, *ended: ReasoningState) -> bytes:
        # Without `f`, only the end of a step makes the client begin another part.
        if self._reasoning not in ended:
            return b""
        return self._set_reasoning("none", _END_OF_STEP)

    def _set_reasoning(self, state: ReasoningState, line: bytes) -> bytes:
        self._reasoning = state
        return line

    def _leave_reasoning(self) -> None:
        if self._reasoning != "none":
            self._reasoning = "left"

    def _encode_tool_call(self, event: ToolCallStarted | ToolCallDelta | ToolCallCompleted) -> bytes:
        match event:
            case ToolCallStarted(call, id, name):
                self._leave_reasoning()
                self._is_empty = False
                self._of_step[call] = False
                self._open_calls.add(call)
                self._calls[call] = {"toolCallId": id, "toolName": name}
                return _line(b"b", self._calls[call])
            case ToolCallDelta(call, text):
                return _line(b"c", {"toolCallId": self._calls[call]["toolCallId"], "argsTextDelta": text})
            case ToolCallCompleted(call, arguments):
                self._open_calls.discard(call)
                return _line(b"9", {**self._calls[call], "args": arguments})

    def _usage_line(self) -> bytes:
        # The protocol's own usage has no field for the cost, and is not sent before an error.
        return _line(b"8", [usage_metadata(self._usage)]) if self._usage is not None else b""

    def _end_lines(self, finish_reason: str) -> bytes:
        end: dict[str, Any] = {"finishReason": finish_reason}
        if (usage := self._usage) is not None:
            end["usage"] = {"promptTokens": usage.input_tokens, "completionTokens": usage.output_tokens}
        return _line(b"e", {**end, "isContinued": False}) + _line(b"d", end)

    def _must_abort(self, event: Event) -> bool:
        match event:
            case AnswerRestarted():
                return self._has_begun
            case Failed() | Cancelled():
                return self._aborts_on_failure
            case _:
                return False


def _line(code: bytes, value: Any) -> bytes:  # noqa: ANN401  # a JSON value
    return b"%b:%b\n" % (code, _json(value))


_END_OF_STEP = _line(b"e", {"finishReason": "unknown", "isContinued": False})
