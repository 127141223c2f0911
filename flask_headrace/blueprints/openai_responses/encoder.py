"""OpenAI's Responses API: what `POST /v1/responses` sends.

Each run of text, of thoughts, and each call of a tool is an item of the output, which is opened, grows and is closed.
What was shown cannot be taken back, so an answer that begins again ends with a failure. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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
from ..encoding.base import EVENT_STREAM, AbortConnection
from ..encoding.error_bodies import openai_error_body
from ..encoding.frames import OPENAI_HEARTBEAT, written
from .output_items import INCOMPLETE, About, Json, Status, arguments_of, text_part, thought_part, tokens

EVENTS = (
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


class _Words(NamedTuple):
    """How the protocol tells of a run of text, or of thoughts: the names of its frames, and what all of them say."""

    part: str
    text: str
    place: Json
    rest: Json
    written: Callable[[str], Json]


_TEXT = _Words("response.content_part", "response.output_text", {"content_index": 0}, {"logprobs": []}, text_part)
_THOUGHTS = _Words(
    "response.reasoning_summary_part", "response.reasoning_summary_text", {"summary_index": 0}, {}, thought_part
)


class ResponsesEncoder:
    """One answer.

    Args:
        id: The stream's.
        model: Who is asked; who answers is known when the stream has started.
        created: When it was asked, in seconds since 1970.
        asked: What the request said of the fields that a response repeats; see `responses_output.UNTOLD`.
    """

    HEADERS = EVENT_STREAM

    def __init__(self, id: str, model: str, created: int, asked: Mapping[str, Any] | None = None) -> None:  # noqa: A002
        self._about = About(id, created, asked or {})
        self._model = model
        self._sequence = 0
        self._blocks: list[Block] = []
        self._items: dict[int, Json] = {}  # those that are whole, by their places
        self._words: _Words | None = None  # of the run that grows; it is the last block
        self._delta = b""  # the beginning of the frames by which it does
        self._calls: dict[int, int] = {}  # the places of the calls that grow, by their numbers in events
        self._usage: Usage | None = None
        self._size = 0  # characters of all blocks

    def encode(self, events: list[Event], first: int | None = None, suffix: bytes = b"") -> bytes:
        """Write events as frames; an empty list is a silence and becomes a heartbeat.

        Args:
            events: What has come.
            first: The number of the first of them, where the frames are to carry numbers.
            suffix: What follows each number; see `position`.

        Raises:
            AbortConnection: the answer begins again, or is longer than what the last frame can repeat.
        """
        if not events:
            return OPENAI_HEARTBEAT
        texts = [event.text for event in events if type(event) is TextDelta]
        if first is None and self._words is _TEXT and len(texts) == len(events):
            return b"".join(self._deltas(texts))
        return written(events, first, suffix, self._frames)

    def encode_whole(self, answer: CollectedAnswer) -> Json:
        """Return an answer that is given in one piece."""
        output = [self._about.item(number, block) for number, block in enumerate(answer.blocks)]
        if answer.finish_reason in INCOMPLETE and answer.blocks and type(answer.blocks[-1]) is TextBlock:
            output[-1]["status"] = "incomplete"
        model = answer.started.model if answer.started else self._model
        return self._about.ended(model, output, answer.finish_reason, answer.usage)

    def error_body(self, error: HeadraceError) -> Json:
        """Return the body of a response with an error's own status."""
        return openai_error_body(error)

    def _frames(self, event: Event) -> list[bytes]:  # noqa: PLR0911  # one line for each kind of event
        match event:
            case TextDelta(text):
                return self._grow(TextBlock, _TEXT, text)
            case ReasoningDelta(text):
                return self._grow(ReasoningBlock, _THOUGHTS, text)
            case ReasoningSignature(signature, is_redacted):
                return self._sign(signature, is_redacted=is_redacted)
            case ToolCallStarted(call, id, name):
                return self._begin_call(call, id, name)
            case ToolCallDelta(call, text):
                return [self._grow_call(self._calls[call], text)]
            case ToolCallCompleted(call, arguments):
                return self._close_call(self._calls.pop(call), arguments)
            case _:
                return self._outside(event)

    def _outside(self, event: Event) -> list[bytes]:
        match event:
            case ResponseStarted(model=model):
                self._model = model
                begun = self._about.response(model, "in_progress", [])
                return [self._frame(f"response.{how}", response=begun) for how in ("created", "in_progress")]
            case Usage():
                self._usage = event
            case Completed(reason):
                closed = self._close_run("incomplete" if reason in INCOMPLETE else "completed")
                response = self._about.ended(self._model, self._output(), reason, self._usage)
                return [*closed, self._frame(f"response.{response['status']}", response=response)]
            case AnswerRestarted(reason, model):
                why = f"The answer began again, with {model} ({reason}), and what was shown cannot be taken back here"
                raise AbortConnection(self._failed("restarted", f"{why}: ask again."))
            case Failed(code, message):
                return [self._failed(code, message)]
            case Cancelled(reason):
                return [self._failed(StreamCancelled.code, StreamCancelled(reason).message)]
        return []

    def _failed(self, code: str, message: str) -> bytes:
        error, usage = {"code": code, "message": message}, self._usage and tokens(self._usage)
        response = self._about.response(self._model, "failed", self._output(), error=error, usage=usage)
        return self._frame("response.failed", response=response)

    def _output(self) -> list[Json]:
        items = enumerate(self._blocks)
        return [self._items.get(number) or self._about.item(number, block, "incomplete") for number, block in items]

    # Runs of text and thoughts

    def _grow(self, kind: type[TextBlock], words: _Words, text: str) -> list[bytes]:
        begun = [] if self._words is words else self._begin(kind(), words)
        return begun + self._deltas([text])

    def _deltas(self, texts: list[str]) -> list[bytes]:
        self._keep(self._blocks[-1], *texts)
        first = self._sequence
        self._sequence += len(texts)
        # JSON holds no line end, so one call encodes all of them.
        encoded = enumerate(_lines(texts)[:-1].split(b"\n"), first)
        return [b'%b%b,"sequence_number":%d}\n\n' % (self._delta, text, number) for number, text in encoded]

    def _begin(self, block: TextBlock, words: _Words) -> list[bytes]:
        begun = [*self._close_run(), self._open(block)]
        place = {**self._place(self._last), **words.place}
        # All that follow are alike but for the text and their number.
        kind, same = f"{words.text}.delta", {**place, **words.rest, "delta": ""}
        self._words, self._delta = (
            words,
            encode_event(kind.encode(), _json({"type": kind, **same})).removesuffix(b'""}\n\n'),
        )
        return [*begun, self._frame(f"{words.part}.added", **place, part=words.written(""))]

    def _close_run(self, status: Status = "completed") -> list[bytes]:
        words, self._words = self._words, None
        if words is None:
            return []
        text = self._blocks[-1].text
        place = {**self._place(self._last), **words.place}
        return [
            self._frame(f"{words.text}.done", **place, **words.rest, text=text),
            self._frame(f"{words.part}.done", **place, part=words.written(text)),
            self._close(self._last, status),
        ]

    def _sign(self, signature: str, *, is_redacted: bool) -> list[bytes]:
        run = self._blocks[-1] if self._words is _THOUGHTS else None
        if isinstance(run, ReasoningBlock) and not is_redacted:
            run.signature = signature
            return self._close_run()
        closed = self._close_run()
        return [
            *closed,
            self._open(ReasoningBlock(signature=signature, is_redacted=is_redacted)),
            self._close(self._last),
        ]

    # Calls of tools

    def _begin_call(self, call: int, id: str, name: str) -> list[bytes]:  # noqa: A002
        closed = self._close_run()
        begun = self._open(ToolCallBlock(id=id, name=name))
        self._calls[call] = self._last
        return [*closed, begun]

    def _grow_call(self, number: int, text: str) -> bytes:
        self._keep(self._blocks[number], text)
        return self._frame("response.function_call_arguments.delta", **self._place(number), delta=text)

    def _close_call(self, number: int, arguments: Any) -> list[bytes]:  # noqa: ANN401  # a JSON value
        call = self._blocks[number]
        assert isinstance(call, ToolCallBlock)
        call.arguments = arguments
        told = {"name": call.name, "arguments": arguments_of(call)}
        done = self._frame("response.function_call_arguments.done", **self._place(number), **told)
        return [done, self._close(number)]

    # Items, and frames

    def _keep(self, block: Block, *texts: str) -> None:
        # Its end tells all of it again.
        before = block.buffer.size
        block.buffer.append(*texts)
        self._size += block.buffer.size - before
        if self._size > MAX_TEXT_CHARS:
            why = f"The answer has more than {MAX_TEXT_CHARS} characters, which a response's last event would repeat"
            raise AbortConnection(self._failed(AnswerTooLarge.code, f"{why}: have it streamed as a chat completion."))

    @property
    def _last(self) -> int:
        return len(self._blocks) - 1

    def _place(self, number: int) -> Json:
        return {"item_id": self._about.name(number, self._blocks[number]), "output_index": number}

    def _open(self, block: Block) -> bytes:
        self._blocks.append(block)
        item = self._about.item(self._last, block, "in_progress")
        return self._frame("response.output_item.added", output_index=self._last, item=item)

    def _close(self, number: int, status: Status = "completed") -> bytes:
        item = self._items[number] = self._about.item(number, self._blocks[number], status)
        return self._frame("response.output_item.done", output_index=number, item=item)

    def _frame(self, kind: str, **fields: Any) -> bytes:  # noqa: ANN401  # JSON values
        self._sequence += 1
        return encode_event(kind.encode(), _json({"type": kind, **fields, "sequence_number": self._sequence - 1}))
