"""The calls of a chat completion, whose pieces say by an index, or by the call's id, to which they belong. Pure.

OpenAI counts with `index`, and tells a call's id and name with its first piece, once. Other servers leave the index
out, or give each call the same; they repeat the name with each piece, tell it later than the id, or leave the id out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from ...core.events import Event, Failed
from ...core.text_buffer import TextBuffer
from ..decoding.tool_calls import ToolCalls, failed_by

Place: TypeAlias = int | str


class Piece(msgspec.Struct, gc=False):
    """A piece of a call: what a server tells of it, None where that is left out."""

    index: Place | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Call:
    """A call whose pieces come: its number once it has begun, which it does with its name."""

    __slots__ = ("early", "id", "is_named_again", "name", "number", "round")

    def __init__(self, round_: int) -> None:
        self.round = round_  # in which list of pieces it began
        self.id: str | None = None
        self.name: str | None = None
        self.number: int | None = None
        self.early = TextBuffer()  # arguments that came before the name
        self.is_named_again = False  # behind the end of its arguments


class IndexedCalls:
    """The calls of one answer.

    Args:
        upstream: How messages name the upstream.
    """

    __slots__ = ("_by_place", "_calls", "_last", "_order", "_round")

    def __init__(self, upstream: str) -> None:
        self._calls = ToolCalls(upstream)
        self._by_place: dict[Place, _Call] = {}
        self._order: list[_Call] = []
        self._last: Place | None = None
        self._round = 0

    @property
    def are_any(self) -> bool:
        """Whether the answer has calls."""
        return self._calls.are_any

    def read(self, pieces: Iterable[Piece], events: list[Event]) -> None:
        """Append the events in the pieces of one chunk.

        Raises:
            InvalidToolArguments: see `ToolCalls`.
        """
        self._round += 1
        for piece in pieces:
            place = self._place_of(piece)
            call = self._by_place.get(place)
            if call is None or self._is_another(call, piece):
                call = self._put(place)
            self._last = place
            self._add(place, call, piece, events)

    def read_whole(self, pieces: Iterable[Piece], events: list[Event]) -> None:
        """Append what the calls of a whole message add to those that have come in pieces. Raises: see `read`."""
        known = list(self._order)
        self._round += 1
        for n, piece in enumerate(pieces):
            call = self._known(known, n, piece)
            if call is None:
                place = -1 - len(self._order)
                self._add(place, self._put(place), piece, events)
                continue
            self._name(call, piece, events)
            if call.number is not None:
                self._calls.complete(call.number, piece.arguments or "", events)

    def _known(self, known: list[_Call], n: int, piece: Piece) -> _Call | None:
        for call in known:
            if piece.id and call.id == piece.id:
                return call
        if n >= len(known):
            return None
        call = known[n]
        # Some servers give the call another id in the whole message.
        is_same = call.number is None or self._calls.fits(call.number, piece.name or call.name, piece.arguments or "")
        return call if is_same else None

    def end_all(self, events: list[Event]) -> Failed | None:
        """End the calls, in their order; where one is not what it should be, return how the stream ends."""
        failed = self._calls.end_all(events)
        is_any_nameless = any(call.number is None and str(call.early).strip() for call in self._order)
        return failed or (failed_by(self._calls.nameless()) if is_any_nameless else None)

    def _put(self, place: Place) -> _Call:
        self._calls.count(len(self._order))
        call = self._by_place[place] = _Call(self._round)
        self._order.append(call)
        return call

    def _place_of(self, piece: Piece) -> Place:
        index, last = piece.index, self._last
        if index is not None and (index in self._by_place or piece.name):
            return index
        if known := [place for place, call in self._by_place.items() if piece.id and call.id == piece.id]:
            return known[-1]
        if index is not None:
            return index
        if last is None or (piece.name and self._is_another(self._by_place[last], piece)):
            return -1 - len(self._order)
        return last

    def _is_another(self, call: _Call, piece: Piece) -> bool:
        """Whether a piece at the place of a call begins another."""
        if call.number is None:
            return bool(call.id and piece.id and call.id != piece.id)
        if piece.id and call.id != piece.id and (piece.name or self._calls.is_whole(call.number)):
            return bool(call.id) or self._calls.is_whole(call.number)
        if not piece.name:
            return False
        if piece.name != call.name:
            return True
        is_begun = self._calls.is_whole(call.number) or self._calls.are_blank(call.number)
        return call.round == self._round and is_begun

    def _name(self, call: _Call, piece: Piece, events: list[Event]) -> None:
        call.id, call.name = call.id or piece.id, call.name or piece.name
        if call.number is None and call.name:
            call.number = self._calls.begin(call.id, call.name, events)
            self._calls.add(call.number, str(call.early), events)
            call.early.clear()

    def _add(self, place: Place, call: _Call, piece: Piece, events: list[Event]) -> None:
        is_known = call.number is not None
        self._name(call, piece, events)
        text = piece.arguments or ""
        if call.number is None:
            self._calls.weigh(text)
            call.early.append(text)
            return
        if is_known and piece.name and self._calls.is_whole(call.number):
            call.is_named_again = True
            if not piece.id:
                self._calls.settle(call.number, events)
        if not call.is_named_again:
            self._calls.add(call.number, text, events)
        elif behind := self._calls.take(call.number, text, events):
            self._add(place, self._put(place), Piece(None, piece.id, call.name, behind), events)
