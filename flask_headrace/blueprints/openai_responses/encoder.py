"""The encoder of OpenAI's Responses API, for `POST /v1/responses`.

Each run of text, each run of reasoning and each tool call is an output item, which is added, grows and is done. An item
cannot be revoked, so an answer that restarts ends with an error. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...core import exact_json
from ...core.answer import Block, CollectedAnswer, ReasoningBlock, TextBlock
from ...core.application_events import Source, StepStarted, ToolResult
from ...core.errors import AnswerTooLarge, HeadraceError, StreamCancelled
from ...core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
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
from ...core.sse import encode_event
from ...core.text_buffer import MAX_TEXT_CHARS
from ..encoding.base import EVENT_STREAM_HEADERS, AbortConnection
from ..encoding.error_bodies import openai_error_body
from ..encoding.frames import OPENAI_HEARTBEAT, encode_events
from .call_frames import CallFrames
from .frame_writer import FrameWriter
from .output import Output, collected_output
from .output_items import (
    INCOMPLETE_REASONS,
    ResponseHeader,
    Status,
    usage_object,
)
from .request_echo import Json
from .run_format import RUN_FORMATS, TEXT_RUN, RunFormat
from .tool_names import read_tool_names

EVENT_NAMES = (
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.output_text.annotation.added",
    "response.refusal.delta",
    "response.refusal.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.custom_tool_call_input.delta",
    "response.custom_tool_call_input.done",
    "response.completed",
    "response.incomplete",
    "response.failed",
)
"""The names of all frames; a provider of the same API may have sent others, which go on as they came."""

_json = exact_json.encode
_lines = msgspec.json.Encoder().encode_lines


class ResponsesEncoder:
    """Encodes one response.

    Args:
        id: The stream's id.
        model: The requested model's id. `ResponseStarted` replaces it by the answering model's.
        created: The time of the request, in seconds since 1970.
        request_fields: The top-level fields of the request, as JSON values, which the response echoes, and the names
            of its tools (see `tool_names.stored_tool_names`); None for none.
    """

    HEADERS = EVENT_STREAM_HEADERS

    def __init__(self, id: str, model: str, created: int, request_fields: Mapping[str, Any] | None = None) -> None:  # noqa: A002
        self._header = ResponseHeader(id, created, request_fields or {})
        self._names = read_tool_names(request_fields or {})
        self._model = model
        self._output = Output(id, self._names)
        self._writer = FrameWriter(self._output, self._abort_too_long)
        self._calls = CallFrames(self._writer)
        self._run_format: RunFormat | None = None  # of the open run, which is the last item
        self._delta_prefix = b""  # the beginning of the open run's delta frames
        self._usage: Usage | None = None
        self._uncited: list[Source] = []  # for the next message

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the frames of the next events; see `StreamEncoder.encode`.

        Args:
            events: The next events. An empty list is encoded as a heartbeat.
            first_id: The number of the first event in `events`; None for frames without numbers.
            id_suffix: The bytes after each event number; see `event_id_suffix`.

        Raises:
            AbortConnection: the answer restarts, or is too long for the last frame, which repeats the whole answer.
        """
        if not events:
            return OPENAI_HEARTBEAT
        texts = [event.text for event in events if type(event) is TextDelta]
        is_plain = first_id is None and self._run_format is TEXT_RUN and not self._output.logprobs
        if is_plain and len(texts) == len(events):
            return b"".join(self._delta_frames(texts))
        return encode_events(events, first_id, id_suffix, self._encode_one)

    def encode_whole(self, answer: CollectedAnswer) -> Json:
        """Return a complete answer as one JSON value."""
        assert answer.completed is not None
        output = collected_output(answer, self._header.id, self._names)
        items = [output.item(index, "completed") for index in range(len(output.items))]
        completed = output.ended(answer.completed)
        is_incomplete = completed.finish_reason in INCOMPLETE_REASONS
        if is_incomplete and output.has_open_message and not answer.is_closed:
            items[-1]["status"] = "incomplete"
        model = answer.started.model if answer.started else self._model
        return self._header.ended_response(model, items, completed, answer.usage, output.reported)

    def error_body(self, error: HeadraceError) -> Json:
        """Return the body of an error response in OpenAI's form."""
        return openai_error_body(error)

    def _encode_one(self, event: Event) -> list[bytes]:  # noqa: PLR0911  # one line for each kind of event
        match event:
            case TextDelta(text):
                return self._extend_run(TextBlock, text)
            case ReasoningDelta(text):
                return self._extend_run(ReasoningBlock, text)
            case ReasoningSignature(signature, is_redacted):
                return self._add_signature(signature, is_redacted=is_redacted)
            case ToolCallStarted(call, id, name):
                return [*self._close_run(), self._calls.open(call, id, name)]
            case ToolCallDelta(call, text):
                return self._calls.extend(call, text)
            case ToolCallCompleted(call, arguments):
                return self._calls.close(call, arguments)
            case ProviderEvent():
                return self._add_provider_event(event)
            case _:
                return self._encode_other(event)

    def _encode_other(self, event: Event) -> list[bytes]:  # noqa: PLR0911  # one for each kind of event
        match event:
            case ResponseStarted(model=model):
                self._model = model
                return self._open_response()
            case Usage():
                self._usage = event
            case ToolResult() | StepStarted():
                return self._close_run()
            case Source():
                return self._cite(event)
            case Completed():
                return self._complete(self._output.ended(event))
            case AnswerRestarted(reason, model):
                problem = f"The answer restarted with {model} ({reason}), and this protocol cannot revoke its beginning"
                raise AbortConnection(b"".join(self._fail("restarted", f"{problem}: send the request again.")))
            case Failed(code, message):
                return self._fail(code, message)
            case Cancelled(reason):
                return self._fail(StreamCancelled.code, StreamCancelled(reason).message)
        return []

    def _complete(self, completed: Completed) -> list[bytes]:
        closed = self._close_run("incomplete" if completed.finish_reason in INCOMPLETE_REASONS else "completed")
        items = self._items("incomplete")
        response = self._header.ended_response(self._model, items, completed, self._usage, self._output.reported)
        return [*closed, self._writer.frame(f"response.{response['status']}", response=response)]

    def _open_response(self) -> list[bytes]:
        opened = self._header.response(self._model, "in_progress", [])
        return [self._writer.frame(f"response.{status}", response=opened) for status in ("created", "in_progress")]

    def _fail(self, code: str, message: str) -> list[bytes]:
        # OpenAI's SDKs raise an error of their own if the first event is not `response.created`.
        opened = [] if self._writer.sequence else self._open_response()
        error, usage = {"code": code, "message": message}, self._usage and usage_object(self._usage)
        response = self._header.response(self._model, "failed", self._items("incomplete"), error=error, usage=usage)
        return [*opened, self._writer.frame("response.failed", response=response)]

    def _abort_too_long(self) -> None:
        problem = f"The answer has more than {MAX_TEXT_CHARS} characters, the maximum of the last event"
        failed = self._fail(AnswerTooLarge.code, f"{problem}: use the chat completions protocol.")
        raise AbortConnection(b"".join(failed))

    def _items(self, status: Status) -> list[Json]:
        return [self._output.item(index, status) for index in range(len(self._output.items))]

    # Runs of text and reasoning

    def _extend_run(self, block_type: type[TextBlock], text: str) -> list[bytes]:
        is_open = self._run_format is not None and type(self._last_block) is block_type
        opened = [] if is_open else self._open_run(block_type())
        return opened + self._delta_frames([text])

    def _delta_frames(self, texts: list[str]) -> list[bytes]:
        self._writer.append_text(self._last_block, *texts)
        if self._output.logprobs and self._run_format is TEXT_RUN:
            return self._delta_frame_with_logprobs(texts[0])
        first = self._writer.sequence
        self._writer.sequence += len(texts)
        # JSON contains no line feed, so one call encodes all texts.
        encoded = enumerate(_lines(texts)[:-1].split(b"\n"), first)
        return [b'%b%b,"sequence_number":%d}\n\n' % (self._delta_prefix, text, number) for number, text in encoded]

    def _delta_frame_with_logprobs(self, text: str) -> list[bytes]:
        logprobs, self._output.logprobs = self._output.logprobs, []
        place = {**self._writer.place(self._last_index), **TEXT_RUN.part_fields}
        return [self._writer.frame(f"{TEXT_RUN.text}.delta", **place, logprobs=logprobs, delta=text)]

    def _open_run(self, block: TextBlock) -> list[bytes]:
        opened = [*self._close_run(), self._writer.open_item(block)]
        run_format = self._run_format = RUN_FORMATS[self._output.items[-1].part_type]
        part_fields = {**self._writer.place(self._last_index), **run_format.part_fields}
        # All delta frames of a run are equal except for text and sequence number, so the rest is encoded only once.
        name, fields = f"{run_format.text}.delta", {**part_fields, **run_format.text_fields, "delta": ""}
        self._delta_prefix = encode_event(name.encode(), _json({"type": name, **fields})).removesuffix(b'""}\n\n')
        added = self._writer.frame(f"{run_format.part}.added", **part_fields, part=run_format.part_object(""))
        uncited, self._uncited = (self._uncited, []) if run_format is TEXT_RUN else ([], self._uncited)
        return [*opened, added, *[frame for source in uncited for frame in self._cite(source)]]

    def _cite(self, source: Source) -> list[bytes]:
        if self._run_format is not TEXT_RUN:
            self._uncited.append(source)
            return []
        return [self._writer.frame(name, **fields) for name, fields in self._output.cite(source)]

    def _close_run(self, status: Status = "completed") -> list[bytes]:
        run_format, self._run_format = self._run_format, None
        if run_format is None:
            return []
        item, text = self._output.items[-1], self._last_block.text
        part_fields = {**self._writer.place(self._last_index), **run_format.part_fields}
        is_message = run_format is TEXT_RUN
        text_fields = {"logprobs": item.logprobs} if is_message else run_format.text_fields
        part = item.part() if is_message else run_format.part_object(text)
        return [
            self._writer.frame(
                f"{run_format.text}.done", **part_fields, **text_fields, **{run_format.whole_field: text}
            ),
            self._writer.frame(f"{run_format.part}.done", **part_fields, part=part),
            self._writer.close_item(self._last_index, status),
        ]

    def _add_signature(self, signature: str, *, is_redacted: bool) -> list[bytes]:
        run = self._last_block if self._run_format is not None else None
        if isinstance(run, ReasoningBlock) and not is_redacted:
            run.signature = signature
            return self._close_run()
        closed = self._close_run()
        return [
            *closed,
            self._writer.open_item(ReasoningBlock(signature=signature, is_redacted=is_redacted)),
            self._writer.close_item(self._last_index),
        ]

    # What only the provider's answer has

    def _add_provider_event(self, event: ProviderEvent) -> list[bytes]:
        closed = self._close_run() if event.is_content else []
        self._writer.grow(len(event.data))
        return [*closed, *[self._writer.frame(name, **fields) for name, fields in self._output.read(event)]]

    @property
    def _last_index(self) -> int:
        return len(self._output.items) - 1

    @property
    def _last_block(self) -> Block:
        block = self._output.items[-1].block
        assert block is not None
        return block
