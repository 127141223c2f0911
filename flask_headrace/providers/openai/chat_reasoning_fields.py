"""Collects what of a chat completion a server wants back with the next turn: its reasoning, in its own fields. Pure.

Servers have fields of several names for the reasoning, with or without signatures, and Gemini's signatures stand in the
tool calls; see `reasoning_state.MESSAGE_FIELDS`. They go back under the same names.
"""

from __future__ import annotations

from typing import Any

from ...core.events import Completed, Event, FinishReason, ToolCallStarted
from ...core.json_pieces import JSONPieces
from ...core.sse import ServerSentEvent
from ..chat_request import Json
from ..decoding.provider_events import decode_fields, object_or_empty
from ..decoding.reasoning_recorder import add_state
from ..reasoning_state import CALL_FIELDS, MAX_STATE_CHARS, MESSAGE_FIELDS, ReasoningState, raw
from .chat_decoder import ChatDecoder
from .chat_provider_fields import FAMILY, answer_choice

_EMPTY: tuple[Any, ...] = (None, "", [], {})


class ReasoningFieldsDecoder(ChatDecoder):
    """A `ChatDecoder` whose answers end with the state of their reasoning; see `reasoning_state`."""

    __slots__ = ("_call_fields", "_call_ids", "_message", "_size")

    def __init__(self, upstream: str, model: str, pricing_provider: str) -> None:
        super().__init__(upstream, model, pricing_provider)
        self._message = JSONPieces()
        self._call_fields: dict[int, JSONPieces] = {}
        self._call_ids: dict[int, str] = {}
        self._size = 0  # bytes of the chunks with reasoning

    def _keep_own_fields(self, frame: ServerSentEvent, events: list[Event]) -> None:
        self._learn_ids(events)
        self._add(frame.data)

    def _end(self, reported: FinishReason) -> list[Event]:
        events = super()._end(reported)
        self._learn_ids(events)
        fields = {name: raw(value) for name, value in self._message.value().items()}
        calls = {
            self._call_ids[index]: {name: raw(value) for name, value in pieces.value().items()}
            for index, pieces in self._call_fields.items()
            if index in self._call_ids
        }
        if isinstance(events[-1], Completed) and (fields or calls) and self._is_small:
            add_state(ReasoningState(FAMILY, self._upstream, self._model, fields=fields, calls=calls), events)
        return events

    @property
    def _is_small(self) -> bool:
        # What stands around each piece is not kept.
        return self._size <= 64 * MAX_STATE_CHARS

    def _learn_ids(self, events: list[Event]) -> None:
        self._call_ids |= {event.index: event.id for event in events if isinstance(event, ToolCallStarted)}

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        if not self._is_small:
            return
        choice = answer_choice(decode_fields(data), self._choice)
        delta, whole = object_or_empty(choice.get("delta")), object_or_empty(choice.get("message"))
        self._message.add(_fields(delta))
        self._message.replace(_fields(whole))
        self._add_calls(delta or whole)

    def _add_calls(self, delta: Json) -> None:
        calls, numbers = delta.get("tool_calls"), self._calls.last_read if self._calls else []
        for call, number in zip([calls] if isinstance(calls, dict) else calls or (), numbers, strict=False):
            others = {
                name: value
                for name, value in object_or_empty(call).items()
                if name not in CALL_FIELDS and value not in _EMPTY
            }
            if number is not None and others:
                self._call_fields.setdefault(number, JSONPieces()).add(others)


def _fields(message: Json) -> Json:
    return {name: value for name, value in message.items() if name in MESSAGE_FIELDS and value not in _EMPTY}
