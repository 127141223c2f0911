"""The encoder of OpenAI's Responses API, for `POST /v1/responses`.

Each run of text, each run of reasoning and each tool call is an output item, which is added, grows and is done. An item
cannot be revoked, so an answer that restarts ends with an error. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.answer import Block, CollectedAnswer, ReasoningBlock, TextBlock, ToolCallBlock
from ...core.errors import AnswerTooLarge, HeadraceError, StreamCancelled
from ...core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
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
from .output_items import (
    INCOMPLETE_REASONS,
    ResponseHeader,
    Status,
    arguments_json,
    usage_object,
)
from .request_echo import Json
from .run_format import SUMMARY_RUN, TEXT_RUN, RunFormat

EVENT_NAMES = (
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.completed",
    "response.incomplete",
    "response.failed",
)
"""The names of all frames."""

_json = msgspec.json.Encoder().encode
_lines = msgspec.json.Encoder().encode_lines


class ResponsesEncoder:
    """Encodes one response.

    Args:
        id: The stream's id.
        model: The requested model's id. `ResponseStarted` replaces it by the answering model's.
        created: The time of the request, in seconds since 1970.
        request_fields: The top-level fields of the request, as JSON values, which the response echoes; None for none.
    """

    HEADERS = EVENT_STREAM_HEADERS

    def __init__(self, id: str, model: str, created: int, request_fields: Mapping[str, Any] | None = None) -> None:  # noqa: A002
        self._header = ResponseHeader(id, created, request_fields or {})
        self._model = model
        self._sequence = 0
        self._blocks: list[Block] = []
        self._items: dict[int, Json] = {}  # the finished items, by index in the output
        self._run_format: RunFormat | None = None  # of the open run, which is the last block
        self._delta_prefix = b""  # the beginning of the open run's delta frames
        self._calls: dict[int, int] = {}  # output indexes of the open calls, by call index
        self._usage: Usage | None = None
        self._size = 0  # characters of all blocks

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
        if first_id is None and self._run_format is TEXT_RUN and len(texts) == len(events):
            return b"".join(self._delta_frames(texts))
        return encode_events(events, first_id, id_suffix, self._encode_one)

    def encode_whole(self, answer: CollectedAnswer) -> Json:
        """Return a complete answer as one JSON value."""
        assert answer.completed is not None
        output = [self._header.item(index, block) for index, block in enumerate(answer.blocks)]
        is_incomplete = answer.finish_reason in INCOMPLETE_REASONS
        if is_incomplete and answer.blocks and type(answer.blocks[-1]) is TextBlock:
            output[-1]["status"] = "incomplete"
        model = answer.started.model if answer.started else self._model
        return self._header.ended_response(model, output, answer.completed, answer.usage)

    def error_body(self, error: HeadraceError) -> Json:
        """Return the body of an error response in OpenAI's form."""
        return openai_error_body(error)

    def _encode_one(self, event: Event) -> list[bytes]:  # noqa: PLR0911  # one line for each kind of event
        match event:
            case TextDelta(text):
                return self._extend_run(TextBlock, TEXT_RUN, text)
            case ReasoningDelta(text):
                return self._extend_run(ReasoningBlock, SUMMARY_RUN, text)
            case ReasoningSignature(signature, is_redacted):
                return self._add_signature(signature, is_redacted=is_redacted)
            case ToolCallStarted(call, id, name):
                return self._open_call(call, id, name)
            case ToolCallDelta(call, text):
                return [self._extend_call(self._calls[call], text)]
            case ToolCallCompleted(call, arguments):
                return self._close_call(self._calls.pop(call), arguments)
            case _:
                return self._encode_other(event)

    def _encode_other(self, event: Event) -> list[bytes]:
        match event:
            case ResponseStarted(model=model):
                self._model = model
                return self._open_response()
            case Usage():
                self._usage = event
            case Completed(reason):
                closed = self._close_run("incomplete" if reason in INCOMPLETE_REASONS else "completed")
                response = self._header.ended_response(self._model, self._output(), event, self._usage)
                return [*closed, self._frame(f"response.{response['status']}", response=response)]
            case AnswerRestarted(reason, model):
                problem = f"The answer restarted with {model} ({reason}), and this protocol cannot revoke its beginning"
                raise AbortConnection(b"".join(self._fail("restarted", f"{problem}: send the request again.")))
            case Failed(code, message):
                return self._fail(code, message)
            case Cancelled(reason):
                return self._fail(StreamCancelled.code, StreamCancelled(reason).message)
        return []

    def _open_response(self) -> list[bytes]:
        opened = self._header.response(self._model, "in_progress", [])
        return [self._frame(f"response.{status}", response=opened) for status in ("created", "in_progress")]

    def _fail(self, code: str, message: str) -> list[bytes]:
        # OpenAI's SDKs raise an error of their own if the first event is not `response.created`.
        opened = [] if self._sequence else self._open_response()
        error, usage = {"code": code, "message": message}, self._usage and usage_object(self._usage)
        response = self._header.response(self._model, "failed", self._output(), error=error, usage=usage)
        return [*opened, self._frame("response.failed", response=response)]

    def _output(self) -> list[Json]:
        items = enumerate(self._blocks)
        return [self._items.get(index) or self._header.item(index, block, "incomplete") for index, block in items]

    # Runs of text and reasoning

    def _extend_run(self, block_type: type[TextBlock], run_format: RunFormat, text: str) -> list[bytes]:
        opened = [] if self._run_format is run_format else self._open_run(block_type(), run_format)
        return opened + self._delta_frames([text])

    def _delta_frames(self, texts: list[str]) -> list[bytes]:
        self._append_text(self._blocks[-1], *texts)
        first = self._sequence
        self._sequence += len(texts)
        # JSON contains no line feed, so one call encodes all texts.
        encoded = enumerate(_lines(texts)[:-1].split(b"\n"), first)
        return [b'%b%b,"sequence_number":%d}\n\n' % (self._delta_prefix, text, number) for number, text in encoded]

    def _open_run(self, block: TextBlock, run_format: RunFormat) -> list[bytes]:
        opened = [*self._close_run(), self._open_item(block)]
        part_fields = {**self._item_fields(self._last_index), **run_format.part_fields}
        # All delta frames of a run are equal except for text and sequence number, so the rest is encoded only once.
        name, fields = f"{run_format.text}.delta", {**part_fields, **run_format.text_fields, "delta": ""}
        self._run_format = run_format
        self._delta_prefix = encode_event(name.encode(), _json({"type": name, **fields})).removesuffix(b'""}\n\n')
        return [*opened, self._frame(f"{run_format.part}.added", **part_fields, part=run_format.part_object(""))]

    def _close_run(self, status: Status = "completed") -> list[bytes]:
        run_format, self._run_format = self._run_format, None
        if run_format is None:
            return []
        text = self._blocks[-1].text
        part_fields = {**self._item_fields(self._last_index), **run_format.part_fields}
        return [
            self._frame(f"{run_format.text}.done", **part_fields, **run_format.text_fields, text=text),
            self._frame(f"{run_format.part}.done", **part_fields, part=run_format.part_object(text)),
            self._close_item(self._last_index, status),
        ]

    def _add_signature(self, signature: str, *, is_redacted: bool) -> list[bytes]:
        run = self._blocks[-1] if self._run_format is SUMMARY_RUN else None
        if isinstance(run, ReasoningBlock) and not is_redacted:
            run.signature = signature
            return self._close_run()
        closed = self._close_run()
        return [
            *closed,
            self._open_item(ReasoningBlock(signature=signature, is_redacted=is_redacted)),
            self._close_item(self._last_index),
        ]

    # Tool calls

    def _open_call(self, call: int, id: str, name: str) -> list[bytes]:  # noqa: A002
        closed = self._close_run()
        opened = self._open_item(ToolCallBlock(id=id, name=name))
        self._calls[call] = self._last_index
        return [*closed, opened]

    def _extend_call(self, index: int, text: str) -> bytes:
        self._append_text(self._blocks[index], text)
        return self._frame("response.function_call_arguments.delta", **self._item_fields(index), delta=text)

    def _close_call(self, index: int, arguments: Any) -> list[bytes]:  # noqa: ANN401  # a JSON value
        call = self._blocks[index]
        assert isinstance(call, ToolCallBlock)
        call.arguments = arguments
        fields = {"name": call.name, "arguments": arguments_json(call)}
        done = self._frame("response.function_call_arguments.done", **self._item_fields(index), **fields)
        return [done, self._close_item(index)]

    # Items and frames

    def _append_text(self, block: Block, *texts: str) -> None:
        # The last frame repeats the whole answer, so its size is limited.
        before = block.buffer.size
        block.buffer.append(*texts)
        self._size += block.buffer.size - before
        if self._size > MAX_TEXT_CHARS:
            problem = f"The answer has more than {MAX_TEXT_CHARS} characters, the maximum of the last event"
            failed = self._fail(AnswerTooLarge.code, f"{problem}: use the chat completions protocol.")
            raise AbortConnection(b"".join(failed))

    @property
    def _last_index(self) -> int:
        return len(self._blocks) - 1

    def _item_fields(self, index: int) -> Json:
        return {"item_id": self._header.item_id(index, self._blocks[index]), "output_index": index}

    def _open_item(self, block: Block) -> bytes:
        self._blocks.append(block)
        item = self._header.item(self._last_index, block, "in_progress")
        return self._frame("response.output_item.added", output_index=self._last_index, item=item)

    def _close_item(self, index: int, status: Status = "completed") -> bytes:
        item = self._items[index] = self._header.item(index, self._blocks[index], status)
        return self._frame("response.output_item.done", output_index=index, item=item)

    def _frame(self, event_type: str, **fields: Any) -> bytes:  # noqa: ANN401  # JSON values
        self._sequence += 1
        return encode_event(
            event_type.encode(), _json({"type": event_type, **fields, "sequence_number": self._sequence - 1})
        )
