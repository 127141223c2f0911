"""Decodes the stream of OpenAI's Responses API to events. Pure."""

from __future__ import annotations

from ...core.errors import UpstreamProtocolError
from ...core.events import Completed, Event, Failed, FinishReason, TextDelta
from ...core.sse import ServerSentEvent
from ..chat_request import Json
from ..decoding.finish_reasons import parse_finish_reason, resolve_finish_reason
from ..decoding.json_events import DECODE_ERRORS, JSONEventDecoder, to_text
from .applied_settings import applied_settings
from .item_texts import MAX_PARTS, ItemTexts
from .responses_events import (
    KNOWN_EVENTS,
    KNOWN_ITEM_TYPES,
    TERMINAL_STATUSES,
    Item,
    Response,
    ResponseEvent,
    TokenCounts,
    decode,
    decode_text_delta,
    incomplete_reason,
    is_refusal,
    is_unknown_call,
    part_text,
    unknown_call_failure,
)
from .responses_reasoning import ItemReasoning
from .responses_tool_calls import ItemToolCalls
from .stream_errors import stream_error
from .usage import merge_counts, partial_usage, usage_from_counts


class ResponseDecoder:
    """Decodes one answer; see `StreamDecoder`.

    Args:
        upstream: Names the upstream in messages.
        model: The provider's own name of the model, for the price.
        pricing_provider: The provider's name in the price list; see `core.pricing`.

    Attributes:
        is_done: Whether the upstream has completed the answer.
    """

    __slots__ = (
        "_applied_settings",
        "_calls",
        "_early_items",
        "_failed",
        "_finish_reason",
        "_has_refused",
        "_is_begun",
        "_is_incomplete",
        "_is_usage_final",
        "_json_decoder",
        "_model",
        "_pricing_provider",
        "_reasoning",
        "_texts",
        "_unreadable_type",
        "_upstream",
        "_usage",
        "is_done",
    )  # fmt: skip

    def __init__(self, upstream: str, model: str, pricing_provider: str) -> None:
        self._upstream, self._model, self._pricing_provider = upstream, model, pricing_provider
        self._json_decoder = JSONEventDecoder(upstream, ResponseEvent, decode, KNOWN_EVENTS)
        self._calls, self._texts, self._reasoning = ItemToolCalls(upstream), ItemTexts(upstream), ItemReasoning()
        self._early_items: list[tuple[ResponseEvent, Item]] = []  # items that came with content at their start
        self._usage: TokenCounts | None = None
        self._failed: Failed | None = None
        self._applied_settings: Json | None = None
        self._finish_reason: FinishReason | None = None
        self._unreadable_type = ""  # the type of an item that cannot be decoded here
        self._is_begun = self._has_refused = self._is_incomplete = False
        self._is_usage_final = self.is_done = False

    def read(self, frames: list[ServerSentEvent], events: list[Event]) -> None:
        """Append the events in the next frames; see `StreamDecoder.read`.

        Raises:
            UpstreamProtocolError: an event is not JSON, or the answer cannot be decoded.
            UpstreamError: an event reports an error.
        """
        before, known = len(events), self._usage
        try:
            for frame in frames:
                if frame.event == b"response.output_text.delta" and self._read_text_delta(frame, events):
                    continue
                event = self._json_decoder.read(frame)
                if event is None:
                    self._finish_without_terminal(events)
                else:
                    self._read(event.type or frame.event.decode(errors="replace"), event, frame, events)
                if event is None or self._finish_reason is not None:
                    self._is_begun = self._is_begun or len(events) > before
                    last = self.end()
                    self.is_done = True
                    events += last
                    return
        finally:
            self._is_begun = self._is_begun or len(events) > before
            if not self.is_done and self._usage is not known and (usage := self._usage_so_far()):
                # In case the answer breaks off, or has failed.
                events.append(usage)

    def end(self) -> list[Event]:
        """Return the last events of the answer, since the body has ended.

        Raises:
            UpstreamProtocolError: no terminal event was sent, or nothing of the answer could be decoded.
        """
        if self._finish_reason is None:
            raise UpstreamProtocolError(
                f"{self._upstream} closed the connection in the middle of its answer. Try again."
            )
        if self._unreadable_type and not self._is_begun:
            what = f"only an item of the type {self._unreadable_type!r:.100}, which cannot be decoded"
            raise UpstreamProtocolError(f"{self._upstream} answered with {what}. Change the request.")
        events: list[Event] = []
        failed = self._failed or self._calls.end_all(events)
        usage = usage_from_counts(self._usage, self._model, self._pricing_provider)
        done = Completed(self._finish_reason, applied_settings=self._applied_settings)
        return [*events, *([usage] if usage else []), failed or done]

    def _usage_so_far(self) -> Event | None:
        return (
            usage_from_counts(self._usage, self._model, self._pricing_provider)
            if self._is_usage_final
            else partial_usage(self._usage)
        )

    def _read(self, kind: str, event: ResponseEvent, _frame: ServerSentEvent, events: list[Event]) -> None:
        keys = (event.item_id, event.output_index)
        match kind:
            case "response.output_text.delta" | "response.refusal.delta":
                self._has_refused = self._has_refused or kind == "response.refusal.delta"
                if text := part_text(event.delta):
                    self._add_text(text, event, events)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._reasoning.add(part_text(event.delta), events)
            case "response.reasoning_summary_part.added":
                self._reasoning.add_part(events)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                add = self._calls.add if kind.startswith("response.function") else self._calls.add_input
                add(to_text(event.delta), events, *keys)
            case "response.function_call_arguments.done":
                self._calls.complete(to_text(event.name), to_text(event.arguments), events, *keys)
            case "response.output_text.done":
                self._complete(event, part_text(event.text), events)
            case "response.refusal.done":
                self._has_refused = True
                self._complete(event, part_text(event.refusal), events)
            case "response.content_part.done":
                self._has_refused = self._has_refused or is_refusal(event.part)
                self._complete(event, part_text(event.part), events)
            case "response.output_item.added" | "response.output_item.done":
                self._read_item(kind, event, event.item or Item(), events)
            case _ if kind in TERMINAL_STATUSES:
                self._finish(kind, event, events)
            case _:
                self._read_other(event)

    def _read_other(self, event: ResponseEvent) -> None:
        # Some servers send a bare error here, in the format of chat completions.
        if event.error is not None:
            raise stream_error(self._upstream, event.error)
        if event.response is not None:
            self._usage = merge_counts(self._usage, event.response.usage)

    # Text

    def _read_text_delta(self, frame: ServerSentEvent, events: list[Event]) -> bool:
        """Decode an event with a piece of text, the most frequent one; return False if it is another."""
        try:
            event = decode_text_delta(frame.data)
        except DECODE_ERRORS:
            return False
        text, part = event.delta, self._texts.part
        if text:
            if (
                part is None
                or part.item_id != event.item_id
                or part.content_index != event.content_index
                or part.output_index != event.output_index
            ):
                part = self._texts.select(event.item_id, event.output_index, event.content_index)
            part.size += len(text)
            part.last = text
            events.append(TextDelta(text))
        return True

    def _add_text(self, text: str, event: ResponseEvent, events: list[Event]) -> None:
        part = self._texts.select(event.item_id, event.output_index, event.content_index)
        part.size += len(text)
        part.last = text
        events.append(TextDelta(text))

    def _complete(self, event: ResponseEvent, whole: str, events: list[Event]) -> None:
        if whole and (text := self._texts.complete(whole, event.item_id, event.output_index, event.content_index)):
            events.append(TextDelta(text))

    # Items

    def _read_item(self, kind: str, event: ResponseEvent, item: Item, events: list[Event]) -> None:
        if kind == "response.output_item.added":
            self._begin_item(event, item, events)
            return
        self._is_incomplete = self._is_incomplete or item.status == "incomplete"
        if item.is_call:
            self._failed = self._calls.end_item(item, event.output_index, events) or self._failed
        elif item.type == "message":
            self._read_message(event, item, events)
        elif item.type == "reasoning":
            self._reasoning.end_item(item, events)
        else:
            self._read_unknown_item(to_text(item.type))

    def _begin_item(self, event: ResponseEvent, item: Item, events: list[Event]) -> None:
        if item.is_call:
            self._calls.begin_item(item, event.output_index, events)
        if item.tool_arguments or (item.content and item.type == "message"):
            if len(self._early_items) >= MAX_PARTS:
                raise UpstreamProtocolError(f"{self._upstream} sent more than {MAX_PARTS} items in one answer.")
            self._early_items.append((event, item))

    def _read_unknown_item(self, item_type: str) -> None:
        if is_unknown_call(item_type):
            # An answer without the call would look complete.
            self._failed = self._failed or unknown_call_failure(self._upstream, item_type)
        elif item_type not in KNOWN_ITEM_TYPES:
            self._unreadable_type = item_type

    def _read_message(self, event: ResponseEvent, item: Item, events: list[Event]) -> None:
        self._has_refused = self._has_refused or item.has_refused
        event.item_id = item.keys[0]
        for event.content_index, text in enumerate(item.texts):
            self._complete(event, text, events)

    def _read_early(self, events: list[Event]) -> None:
        # Items that came with content only at their start: text that was received in deltas is not emitted again.
        for event, item in self._early_items:
            if item.type == "message":
                self._read_message(event, item, events)
            else:
                self._calls.complete(item.tool_name, item.tool_arguments, events, *item.keys, event.output_index)

    def _read_whole(self, response: Response, events: list[Event]) -> None:
        items = response.output or []
        messages = [item for item in items if item.type == "message"]
        missing = self._texts.missing_suffixes(["".join(item.texts) for item in messages])
        calls = thoughts = 0
        for item in items:
            if item.type == "message":
                self._has_refused = self._has_refused or item.has_refused
                events += [TextDelta(text)] if (text := next(missing)) else []
            elif item.is_call:
                self._failed = self._failed or self._calls.read_whole(calls, item, events)
                calls += 1
            elif item.type == "reasoning":
                self._reasoning.read_whole(thoughts, item, events)
                thoughts += 1
            else:
                self._read_unknown_item(to_text(item.type))

    # Ends

    def _finish(self, kind: str, event: ResponseEvent, events: list[Event]) -> None:
        response = event.response or Response()
        self._applied_settings = applied_settings(response)
        self._usage, self._is_usage_final = merge_counts(self._usage, response.usage), True
        status = to_text(response.status).lower()
        reason = incomplete_reason(response.incomplete_details)
        ends = {TERMINAL_STATUSES[kind], status}
        word = parse_finish_reason(reason) if reason or "incomplete" in ends else None
        if ends & {"failed", "cancelled", "canceled", "error"} or response.error is not None or word == "interrupted":
            usual = {"code": event.code, "message": event.message or (f"it was {status}" if status else None)}
            raise stream_error(self._upstream, response.error or event.error or usual)
        self._read_early(events)
        self._read_whole(response, events)
        if "incomplete" in ends or reason or self._is_incomplete:
            self._finish_reason = "content_filter" if word == "content_filter" else "length"
        else:
            self._finish_reason = resolve_finish_reason(
                "stop", has_calls=self._calls.has_calls, has_refused=self._has_refused
            )

    def _finish_without_terminal(self, events: list[Event]) -> None:
        # Some servers end with `[DONE]`, as chat completions do. If every item is complete, so is the answer.
        self._read_early(events)
        is_whole = (self._texts.part is not None or self._calls.has_calls) and self._texts.is_complete
        if is_whole and self._calls.are_complete:
            reason: FinishReason = "length" if self._is_incomplete else "stop"
            self._finish_reason = resolve_finish_reason(
                reason, has_calls=self._calls.has_calls, has_refused=self._has_refused
            )
