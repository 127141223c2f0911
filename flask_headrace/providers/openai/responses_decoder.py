"""From the frames of a response of OpenAI's Responses API to events. Pure."""

from __future__ import annotations

from ...core.errors import UpstreamProtocolError
from ...core.events import Completed, Event, Failed, FinishReason, ReasoningDelta, TextDelta
from ...core.sse import ServerSentEvent
from ..decoding.finish_reasons import settled, told_by
from ..decoding.json_events import UNREADABLE, JSONFrames, as_text
from .item_texts import MOST_PARTS, ItemTexts
from .responses_events import (
    READ,
    Item,
    Response,
    ResponseEvent,
    TokenCounts,
    decode,
    decode_text,
    is_refusal,
    reason_of,
    text_of,
)
from .responses_tool_calls import ItemCalls
from .stream_errors import failure
from .usage import known_so_far, newer, priced

PARAGRAPH = "\n\n"
"""What stands between two parts of the reasoning."""

_ENDS = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
    "error": "failed",
}

_OTHER_WORK = {"", "message", "reasoning", "function_call"}
"""Types of items that are read here, or that say nothing to a reader."""


class ResponseDecoder:
    """Reads one answer.

    Args:
        upstream: How messages name the upstream.
        model: The model's name, for the accounts.
        pricing_provider: See `streaming.prices`.

    Attributes:
        is_done: Whether the upstream has said that the answer is over.
    """

    __slots__ = (
        "_calls",
        "_early",
        "_failed",
        "_finish_reason",
        "_frames",
        "_has_refused",
        "_has_thought",
        "_is_begun",
        "_is_cut",
        "_is_told",
        "_model",
        "_price_list",
        "_texts",
        "_unread",
        "_upstream",
        "_usage",
        "is_done",
    )  # fmt: skip

    def __init__(self, upstream: str, model: str, pricing_provider: str) -> None:
        self._upstream, self._model, self._price_list = upstream, model, pricing_provider
        self._frames = JSONFrames(upstream, ResponseEvent, decode, READ)
        self._calls, self._texts = ItemCalls(upstream), ItemTexts(upstream)
        self._early: list[tuple[ResponseEvent, Item]] = []  # items that were whole when they began, it seems
        self._usage: TokenCounts | None = None
        self._failed: Failed | None = None
        self._finish_reason: FinishReason | None = None
        self._unread = ""  # the type of an item that nobody here can read
        self._is_begun = self._has_thought = self._has_refused = self._is_cut = False
        self._is_told = self.is_done = False

    def read(self, frames: list[ServerSentEvent], events: list[Event]) -> None:
        """Append the events in the next frames; at the end of the answer, the last ones too.

        Raises:
            UpstreamProtocolError: a frame is not JSON, or the answer cannot be read.
            UpstreamError: a frame tells of an error.
        """
        before, known = len(events), self._usage
        try:
            for frame in frames:
                if frame.event == b"response.output_text.delta" and self._has_said(frame, events):
                    continue
                event = self._frames.read(frame)
                if event is None:
                    self._finish_bare(events)
                else:
                    self._read(event.type or frame.event.decode(errors="replace"), event, events)
                if event is None or self._finish_reason is not None:
                    self._is_begun = self._is_begun or len(events) > before
                    last = self.end()
                    self.is_done = True
                    events += last
                    return
        finally:
            self._is_begun = self._is_begun or len(events) > before
            if not self.is_done and self._usage is not known and (usage := self._known()):
                # In case the answer is cut, or has failed.
                events.append(usage)

    def end(self) -> list[Event]:
        """Return the last events, at the end of the body.

        Raises:
            UpstreamProtocolError: the upstream has not said before it how the response ended, or the answer cannot be read.
        """
        if self._finish_reason is None:
            raise UpstreamProtocolError(
                f"{self._upstream} closed the connection in the middle of its answer. Try again."
            )
        if self._unread and not self._is_begun:
            what = f"nothing but {self._unread!r:.100}, which cannot be read here"
            raise UpstreamProtocolError(f"{self._upstream} answered with {what}. Ask for something else.")
        events: list[Event] = []
        failed = self._failed or self._calls.end_all(events)
        usage = priced(self._usage, self._model, self._price_list)
        return [*events, *([usage] if usage else []), failed or Completed(self._finish_reason)]

    def _known(self) -> Event | None:
        return priced(self._usage, self._model, self._price_list) if self._is_told else known_so_far(self._usage)

    def _read(self, kind: str, told: ResponseEvent, events: list[Event]) -> None:  # one case for each event
        match kind:
            case "response.output_text.delta" | "response.refusal.delta":
                self._has_refused = self._has_refused or kind == "response.refusal.delta"
                if text := text_of(told.delta):
                    self._say(text, told, events)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" if told.delta:
                self._has_thought = True
                events.append(ReasoningDelta(text_of(told.delta)))
            case "response.reasoning_summary_part.added" if self._has_thought:
                events.append(ReasoningDelta(PARAGRAPH))
            case "response.function_call_arguments.delta":
                self._calls.add(as_text(told.delta), events, told.item_id, told.output_index)
            case "response.function_call_arguments.done":
                names = (told.item_id, told.output_index)
                self._calls.complete(as_text(told.name), as_text(told.arguments), events, *names)
            case "response.output_text.done":
                self._complete(told, text_of(told.text), events)
            case "response.refusal.done":
                self._has_refused = True
                self._complete(told, text_of(told.refusal), events)
            case "response.content_part.done":
                self._has_refused = self._has_refused or is_refusal(told.part)
                self._complete(told, text_of(told.part), events)
            case "response.output_item.added" | "response.output_item.done":
                self._read_item(kind, told, told.item or Item(), events)
            case _ if kind in _ENDS:
                self._finish(kind, told, events)
            case _:
                self._read_rest(told)

    def _read_rest(self, told: ResponseEvent) -> None:
        # A bare error, in the shape of chat completions, which some servers send here as well.
        if told.error is not None:
            raise failure(self._upstream, told.error)
        if told.response is not None:
            self._usage = newer(self._usage, told.response.usage)

    # Text

    def _has_said(self, frame: ServerSentEvent, events: list[Event]) -> bool:
        """Read a piece of text as most servers send it; whether it is one."""
        try:
            told = decode_text(frame.data)
        except UNREADABLE:
            return False
        text, part = told.delta, self._texts.part
        if text:
            if (
                part is None
                or part.item_id != told.item_id
                or part.content_index != told.content_index
                or part.output_index != told.output_index
            ):
                part = self._texts.turn_to(told.item_id, told.output_index, told.content_index)
            part.size += len(text)
            part.last = text
            events.append(TextDelta(text))
        return True

    def _say(self, text: str, told: ResponseEvent, events: list[Event]) -> None:
        part = self._texts.turn_to(told.item_id, told.output_index, told.content_index)
        part.size += len(text)
        part.last = text
        events.append(TextDelta(text))

    def _complete(self, told: ResponseEvent, whole: str, events: list[Event]) -> None:
        if whole and (text := self._texts.complete(whole, told.item_id, told.output_index, told.content_index)):
            events.append(TextDelta(text))

    # Items

    def _read_item(self, kind: str, told: ResponseEvent, item: Item, events: list[Event]) -> None:
        if item.type == "function_call":
            self._read_call(kind, told, item, events)
        if kind == "response.output_item.added":
            if item.arguments or (item.content and item.type == "message"):
                if len(self._early) >= MOST_PARTS:
                    raise UpstreamProtocolError(f"{self._upstream} sent more than {MOST_PARTS} items in one answer.")
                self._early.append((told, item))
            return
        self._is_cut = self._is_cut or item.status == "incomplete"
        if item.type == "message":
            self._read_message(told, item, events)
        elif as_text(item.type) not in _OTHER_WORK:
            self._unread = as_text(item.type)

    def _read_call(self, kind: str, told: ResponseEvent, item: Item, events: list[Event]) -> None:
        id_, call_id = item.names
        names, name, arguments = (id_, call_id, told.output_index), as_text(item.name), as_text(item.arguments)
        if kind == "response.output_item.added":
            self._calls.begin(call_id or id_, name, events, *names)
        else:
            self._failed = self._calls.end(call_id or id_, name, arguments, events, *names) or self._failed

    def _read_message(self, told: ResponseEvent, item: Item, events: list[Event]) -> None:
        self._has_refused = self._has_refused or item.has_refused
        told.item_id = item.names[0]
        for told.content_index, text in enumerate(item.texts):
            self._complete(told, text, events)

    def _read_early(self, events: list[Event]) -> None:
        # Items that were told at their beginning alone: what came of them in pieces does not come again.
        for told, item in self._early:
            if item.type == "message":
                self._read_message(told, item, events)
            else:
                names = (*item.names, told.output_index)
                self._calls.complete(as_text(item.name), as_text(item.arguments), events, *names)

    def _read_whole(self, response: Response, events: list[Event]) -> None:
        items = response.output or []
        messages = [item for item in items if item.type == "message"]
        missing = self._texts.missing_of_all(["".join(item.texts) for item in messages])
        place = 0
        for item in items:
            if item.type == "message":
                self._has_refused = self._has_refused or item.has_refused
                events += [TextDelta(text)] if (text := next(missing)) else []
            elif item.type == "function_call":
                name, arguments, (id_, call_id) = as_text(item.name), as_text(item.arguments), item.names
                failed = self._calls.read_whole(place, call_id or id_, name, arguments, events, *item.names)
                self._failed, place = self._failed or failed, place + 1
            elif as_text(item.type) not in _OTHER_WORK:
                self._unread = as_text(item.type)

    # Ends

    def _finish(self, kind: str, told: ResponseEvent, events: list[Event]) -> None:
        response = told.response or Response()
        self._usage, self._is_told = newer(self._usage, response.usage), True
        status = as_text(response.status).lower()
        reason = reason_of(response.incomplete_details)
        ends = {_ENDS[kind], status}
        word = told_by(reason) if reason or "incomplete" in ends else None
        if ends & {"failed", "cancelled", "canceled", "error"} or response.error is not None or word == "interrupted":
            usual = {"code": told.code, "message": told.message or (f"it was {status}" if status else None)}
            raise failure(self._upstream, response.error or told.error or usual)
        self._read_early(events)
        self._read_whole(response, events)
        if "incomplete" in ends or reason or self._is_cut:
            self._finish_reason = "content_filter" if word == "content_filter" else "length"
        else:
            self._finish_reason = settled("stop", has_calls=self._calls.are_any, has_refused=self._has_refused)

    def _finish_bare(self, events: list[Event]) -> None:
        # Some servers end with the sign of chat completions. Where each item was told to its end, nothing is missing.
        self._read_early(events)
        is_whole = (self._texts.part is not None or self._calls.are_any) and self._texts.are_closed
        if is_whole and self._calls.are_whole:
            told: FinishReason = "length" if self._is_cut else "stop"
            self._finish_reason = settled(told, has_calls=self._calls.are_any, has_refused=self._has_refused)
