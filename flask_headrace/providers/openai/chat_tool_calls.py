"""The calls of a chat completion, whose pieces say by an index, or by the call's id, to which they belong. Pure.

OpenAI counts with `index`, and tells a call's id and name with its first piece, once. Other servers leave the index
out, or give each call the same; they repeat the name with each piece, tell it later than the id, or leave the id out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from ...core.events import Event, Failed
from ...core.text_buffer import GrowingText
from ..decoding.tool_calls import ToolCalls, to_failed_event

CallIndex: TypeAlias = int | str


class ToolCallChunk(msgspec.Struct, gc=False):
    """A piece of a call: what a server tells of it, None where that is left out."""

    index: CallIndex | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Call:
    """A call whose pieces come: its number once it has begun, which it does with its name."""

    __slots__ = ("early_arguments", "id", "is_repeated", "name", "number", "round")

    def __init__(self, round_: int) -> None:
        self.round = round_  # in which list of pieces it began
        self.id: str | None = None
        self.name: str | None = None
        self.number: int | None = None
        self.early_arguments = GrowingText()  # arguments that came before the name
        self.is_repeated = False  # behind the end of its arguments


class IndexedToolCalls:
    """The calls of one answer.

    Args:
        upstream: How messages name the upstream.
    """

    __slots__ = ("_by_index", "_calls", "_last", "_order", "_round")

    def __init__(self, upstream: str) -> None:
        self._calls = ToolCalls(upstream)
        self._by_index: dict[CallIndex, _Call] = {}
        self._order: list[_Call] = []
        self._last: CallIndex | None = None
        self._round = 0

    @property
    def has_calls(self) -> bool:
        """Whether the answer has calls."""
        return self._calls.has_calls

    def read(self, pieces: Iterable[ToolCallChunk], events: list[Event]) -> None:
        """Append the events in the pieces of one chunk.

        Raises:
            InvalidToolArguments: see `ToolCalls`.
        """
        self._round += 1
        for piece in pieces:
            place = self._index_of(piece)
            call = self._by_index.get(place)
            if call is None or self._starts_new_call(call, piece):
                call = self._add_call(place)
            self._last = place
            self._add_chunk(place, call, piece, events)

    def read_whole(self, pieces: Iterable[ToolCallChunk], events: list[Event]) -> None:
        """Append what the calls of a whole message add to those that have come in pieces. Raises: see `read`."""
        known = list(self._order)
        self._round += 1
        for n, piece in enumerate(pieces):
            call = self._find_known(known, n, piece)
            if call is None:
                place = -1 - len(self._order)
                self._add_chunk(place, self._add_call(place), piece, events)
                continue
            self._name(call, piece, events)
            if call.number is not None:
                self._calls.complete(call.number, piece.arguments or "", events)

    def _find_known(self, known: list[_Call], n: int, piece: ToolCallChunk) -> _Call | None:
        for call in known:
            if piece.id and call.id == piece.id:
                return call
        if n >= len(known):
            return None
        call = known[n]
        # Some servers give the call another id in the whole message.
        is_same = call.number is None or self._calls.matches(
            call.number, piece.name or call.name, piece.arguments or ""
        )
        return call if is_same else None

    def end_all(self, events: list[Event]) -> Failed | None:
        """End the calls, in their order; where one is not what it should be, return how the stream ends."""
        failed = self._calls.end_all(events)
        is_any_nameless = any(call.number is None and str(call.early_arguments).strip() for call in self._order)
        return failed or (to_failed_event(self._calls.unnamed_call_error()) if is_any_nameless else None)

    def _add_call(self, place: CallIndex) -> _Call:
        self._calls.check_count(len(self._order))
        call = self._by_index[place] = _Call(self._round)
        self._order.append(call)
        return call

    def _index_of(self, piece: ToolCallChunk) -> CallIndex:
        index, last = piece.index, self._last
        if index is not None and (index in self._by_index or piece.name):
            return index
        if known := [place for place, call in self._by_index.items() if piece.id and call.id == piece.id]:
            return known[-1]
        if index is not None:
            return index
        if last is None or (piece.name and self._starts_new_call(self._by_index[last], piece)):
            return -1 - len(self._order)
        return last

    def _starts_new_call(self, call: _Call, piece: ToolCallChunk) -> bool:
        """Whether a piece at the place of a call begins another."""
        if call.number is None:
            return bool(call.id and piece.id and call.id != piece.id)
        if piece.id and call.id != piece.id and (piece.name or self._calls.is_whole(call.number)):
            return bool(call.id) or self._calls.is_whole(call.number)
        if not piece.name:
            return False
        if piece.name != call.name:
            return True
        is_begun = self._calls.is_whole(call.number) or self._calls.is_blank(call.number)
        return call.round == self._round and is_begun

    def _name(self, call: _Call, piece: ToolCallChunk, events: list[Event]) -> None:
        call.id, call.name = call.id or piece.id, call.name or piece.name
        if call.number is None and call.name:
            call.number = self._calls.begin(call.id, call.name, events)
            self._calls.add(call.number, str(call.early_arguments), events)
            call.early_arguments.clear()

    def _add_chunk(self, place: CallIndex, call: _Call, piece: ToolCallChunk, events: list[Event]) -> None:
        is_known = call.number is not None
        self._name(call, piece, events)
        text = piece.arguments or ""
        if call.number is None:
            self._calls.check_size(text)
            call.early_arguments.add(text)
            return
        if is_known and piece.name and self._calls.is_whole(call.number):
            call.is_repeated = True
            if not piece.id:
                self._calls.flush(call.number, events)
        if not call.is_repeated:
            self._calls.add(call.number, text, events)
        elif behind := self._calls.feed(call.number, text, events):
            self._add_chunk(place, self._add_call(place), ToolCallChunk(None, piece.id, call.name, behind), events)
