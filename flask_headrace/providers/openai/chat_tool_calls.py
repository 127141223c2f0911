"""Assembles the tool calls of a chat completion, whose pieces refer to a call by its index or its id. Pure.

OpenAI counts with `index`, and sends a call's id and name once, with its first piece. Other servers leave out the
index, or give each call the same one; they repeat the name in each piece, send it later than the id, or have no id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from ...core.events import Event, Failed
from ...core.text_buffer import TextBuffer
from ..decoding.tool_calls import ToolCalls, to_failed_event

CallIndex: TypeAlias = int | str
"""The index of a tool call, as a server sends it; negative for calls without one."""


class ToolCallChunk(msgspec.Struct, gc=False):
    """A piece of a tool call; a field that the server left out is None."""

    index: CallIndex | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Call:
    """A tool call whose pieces are arriving. `number` is its index in `ToolCalls`; None until its name is known."""

    __slots__ = ("early_arguments", "id", "is_repeated", "name", "number", "round")

    def __init__(self, round_: int) -> None:
        self.round = round_  # counts the chunks; in which of them the call began
        self.id: str | None = None
        self.name: str | None = None
        self.number: int | None = None
        self.early_arguments = TextBuffer()  # arguments that arrived before the name
        self.is_repeated = False  # whether its name was sent again after the end of its arguments


class IndexedToolCalls:
    """The tool calls of one answer.

    Args:
        upstream: Names the upstream in messages.
    """

    __slots__ = ("_by_index", "_calls", "_last", "_order", "_read", "_round")

    def __init__(self, upstream: str) -> None:
        self._calls = ToolCalls(upstream)
        self._by_index: dict[CallIndex, _Call] = {}
        self._order: list[_Call] = []
        self._last: CallIndex | None = None
        self._read: list[_Call] = []  # the calls of the pieces in the latest chunk
        self._round = 0

    @property
    def last_read(self) -> list[int | None]:
        """The calls to which the pieces of the latest chunk belong, as in `ToolCalls`; None for one without a name."""
        return [call.number for call in self._read]

    @property
    def has_calls(self) -> bool:
        """Whether the answer has tool calls."""
        return self._calls.has_calls

    def read(self, chunks: Iterable[ToolCallChunk], events: list[Event]) -> None:
        """Append the events for the pieces of tool calls in one chunk of the answer.

        Raises:
            InvalidToolArguments: see `ToolCalls`.
        """
        self._round += 1
        self._read = []
        for chunk in chunks:
            index = self._index_of(chunk)
            call = self._by_index.get(index)
            if call is None or self._starts_new_call(call, chunk):
                call = self._add_call(index)
            self._last = index
            self._read.append(call)
            self._add_chunk(index, call, chunk, events)

    def read_whole(self, chunks: Iterable[ToolCallChunk], events: list[Event]) -> None:
        """Append the events for what the complete calls of a whole message add to the pieces received; see `read`."""
        known = list(self._order)
        self._round += 1
        self._read = []
        for position, chunk in enumerate(chunks):
            call = self._find_known(known, position, chunk)
            if call is None:
                index = -1 - len(self._order)
                call = self._add_call(index)
                self._read.append(call)
                self._add_chunk(index, call, chunk, events)
                continue
            self._read.append(call)
            self._name(call, chunk, events)
            if call.number is not None:
                self._calls.complete(call.number, chunk.arguments or "", events)

    def _find_known(self, known: list[_Call], position: int, chunk: ToolCallChunk) -> _Call | None:
        for call in known:
            if chunk.id and call.id == chunk.id:
                return call
        if position >= len(known):
            return None
        call = known[position]
        # Some servers give the call another id in the whole message.
        is_same = call.number is None or self._calls.matches(
            call.number, chunk.name or call.name, chunk.arguments or ""
        )
        return call if is_same else None

    def end_all(self, events: list[Event]) -> Failed | None:
        """End all open calls, in their order; return a `Failed` if one is invalid or has no name."""
        failed = self._calls.end_all(events)
        is_any_unnamed = any(call.number is None and str(call.early_arguments).strip() for call in self._order)
        return failed or (to_failed_event(self._calls.unnamed_call_error()) if is_any_unnamed else None)

    def _add_call(self, index: CallIndex) -> _Call:
        self._calls.check_count(len(self._order))
        call = self._by_index[index] = _Call(self._round)
        self._order.append(call)
        return call

    def _index_of(self, chunk: ToolCallChunk) -> CallIndex:
        index, last = chunk.index, self._last
        if index is not None and (index in self._by_index or chunk.name):
            return index
        if known := [key for key, call in self._by_index.items() if chunk.id and call.id == chunk.id]:
            return known[-1]
        if index is not None:
            return index
        if last is None or (chunk.name and self._starts_new_call(self._by_index[last], chunk)):
            return -1 - len(self._order)
        return last

    def _starts_new_call(self, call: _Call, chunk: ToolCallChunk) -> bool:
        """Whether a piece with the index of a known call belongs to a new call."""
        if call.number is None:
            return bool(call.id and chunk.id and call.id != chunk.id)
        if chunk.id and call.id != chunk.id and (chunk.name or self._calls.is_whole(call.number)):
            return bool(call.id) or self._calls.is_whole(call.number)
        if not chunk.name:
            return False
        if chunk.name != call.name:
            return True
        is_begun = self._calls.is_whole(call.number) or self._calls.is_blank(call.number)
        return call.round == self._round and is_begun

    def _name(self, call: _Call, chunk: ToolCallChunk, events: list[Event]) -> None:
        call.id, call.name = call.id or chunk.id, call.name or chunk.name
        if call.number is None and call.name:
            call.number = self._calls.begin(call.id, call.name, events)
            self._calls.add(call.number, str(call.early_arguments), events)
            call.early_arguments.clear()

    def _add_chunk(self, index: CallIndex, call: _Call, chunk: ToolCallChunk, events: list[Event]) -> None:
        is_known = call.number is not None
        self._name(call, chunk, events)
        text = chunk.arguments or ""
        if call.number is None:
            self._calls.check_size(text)
            call.early_arguments.append(text)
            return
        if is_known and chunk.name and self._calls.is_whole(call.number):
            call.is_repeated = True
            if not chunk.id:
                self._calls.flush(call.number, events)
        if not call.is_repeated:
            self._calls.add(call.number, text, events)
        elif trailing := self._calls.feed(call.number, text, events):
            self._add_chunk(index, self._add_call(index), ToolCallChunk(None, chunk.id, call.name, trailing), events)
