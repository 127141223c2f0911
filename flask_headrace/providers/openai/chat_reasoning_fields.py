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


class _KeptFields:
    """The fields of one answer that go back, of its message and of its tool calls by their index.

    Attributes:
        message: Those of the message.
        calls: Those of the tool calls.
        call_ids: The ids of the tool calls.
        size: Bytes of the chunks with such fields.
    """

    __slots__ = ("call_ids", "calls", "message", "size")

    def __init__(self) -> None:
        self.message = JSONPieces()
        self.calls: dict[int, JSONPieces] = {}
        self.call_ids: dict[int, str] = {}
        self.size = 0

    @property
    def is_small(self) -> bool:
        """Whether the answer ends with these fields: what stands around each piece is not kept."""
        return self.size <= 64 * MAX_STATE_CHARS

    def learn_ids(self, events: list[Event]) -> None:
        """Add the ids of tool calls that begin in the next events."""
        self.call_ids |= {event.index: event.id for event in events if isinstance(event, ToolCallStarted)}

    def add_calls(self, delta: Json, numbers: list[int | None]) -> None:
        """Add the fields of a delta's tool calls, which have these indexes."""
        calls = delta.get("tool_calls")
        for call, number in zip([calls] if isinstance(calls, dict) else calls or (), numbers, strict=False):
            others = {
                name: value
                for name, value in object_or_empty(call).items()
                if name not in CALL_FIELDS and value not in _EMPTY
            }
            if number is not None and others:
                self.calls.setdefault(number, JSONPieces()).add(others)

    def state(self, upstream: str, model: str) -> ReasoningState | None:
        """Return the state with these fields; None if there are none."""
        fields = {name: raw(value) for name, value in self.message.value().items()}
        calls = {
            self.call_ids[index]: {name: raw(value) for name, value in pieces.value().items()}
            for index, pieces in self.calls.items()
            if index in self.call_ids
        }
        if not (fields or calls) or not self.is_small:
            return None
        return ReasoningState(FAMILY, upstream, model, fields=fields, calls=calls)


class ReasoningFieldsDecoder(ChatDecoder):
    """A `ChatDecoder` whose answers end with the state of their reasoning; see `reasoning_state`."""

    __slots__ = ("_kept",)

    def __init__(self, upstream: str, model: str, pricing_provider: str) -> None:
        super().__init__(upstream, model, pricing_provider)
        self._kept: _KeptFields | None = None  # most answers have none

    def _keep_own_fields(self, frame: ServerSentEvent, events: list[Event]) -> None:
        kept = self._kept = self._kept or _KeptFields()
        kept.learn_ids(events)
        kept.size += len(frame.data)
        if not kept.is_small:
            return
        choice = answer_choice(decode_fields(frame.data), self._choice)
        delta, whole = object_or_empty(choice.get("delta")), object_or_empty(choice.get("message"))
        kept.message.add(_fields(delta))
        kept.message.replace(_fields(whole))
        kept.add_calls(delta or whole, self._calls.last_read if self._calls else [])

    def _end(self, reported: FinishReason) -> list[Event]:
        events = super()._end(reported)
        if self._kept is not None and isinstance(events[-1], Completed):
            self._kept.learn_ids(events)
            if state := self._kept.state(self._upstream, self._model):
                add_state(state, events)
        return events


def _fields(message: Json) -> Json:
    return {name: value for name, value in message.items() if name in MESSAGE_FIELDS and value not in _EMPTY}
