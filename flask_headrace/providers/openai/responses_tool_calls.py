"""Assembles the tool calls of a response of the Responses API, which are output items. Pure.

Events refer to an item by several keys: its id, its call id, and its index in the output. Some servers leave some of
them out, or change the id; one key that stays is enough. The tool's name may come as late as the end of the item.
"""

from __future__ import annotations

from typing import TypeAlias

from ...core.custom_tool_input import InputToArguments
from ...core.events import Event, Failed
from ...core.text_buffer import TextBuffer
from ..decoding.tool_calls import ToolCalls, to_failed_event
from .responses_events import Item

ItemKey: TypeAlias = str | int | None
"""An id or an index by which events refer to an item; None where an event has none."""


class _Item:
    """An item that is a tool call. `number` is its index in `ToolCalls`; None until its name is known."""

    __slots__ = ("early_arguments", "id", "input", "is_complete", "number")

    def __init__(self) -> None:
        self.id: str | None = None
        self.number: int | None = None
        self.early_arguments = TextBuffer()  # arguments that arrived before the name
        self.input: InputToArguments | None = None  # of a custom tool
        self.is_complete = False


class ItemToolCalls:
    """The tool calls of one answer.

    Args:
        upstream: Names the upstream in messages.
    """

    __slots__ = ("_by_key", "_calls", "_items")

    def __init__(self, upstream: str) -> None:
        self._calls = ToolCalls(upstream)
        self._by_key: dict[str | int, _Item] = {}
        self._items: list[_Item] = []

    @property
    def has_calls(self) -> bool:
        """Whether the answer has tool calls."""
        return self._calls.has_calls

    @property
    def are_complete(self) -> bool:
        """Whether the arguments of all tool calls are complete."""
        return all(
            item.is_complete or (item.number is not None and self._calls.is_whole(item.number)) for item in self._items
        )

    def begin_item(self, item: Item, output_index: ItemKey, events: list[Event]) -> None:
        """Begin the call of an item that was added. Raises InvalidToolArguments; see `ToolCalls`."""
        id_, call_id = item.keys
        self.begin(call_id or id_, item.tool_name, events, id_, call_id, output_index)

    def end_item(self, item: Item, output_index: ItemKey, events: list[Event]) -> Failed | None:
        """End the call of a complete item; see `end`."""
        id_, call_id = item.keys
        return self.end(call_id or id_, item.tool_name, item.tool_arguments, events, id_, call_id, output_index)

    def begin(self, id: str | None, name: str, events: list[Event], *keys: ItemKey) -> None:  # noqa: A002
        """Begin the tool call of an item, or set its name if it has begun.

        Args:
            id: The call id.
            name: The tool's name; empty if it is not known yet.
            events: Receives the events.
            keys: The keys of the item.

        Raises:
            InvalidToolArguments: see `ToolCalls`.
        """
        self._begin_named(self._find_or_begin(id, keys), name, events)

    def add(self, text: str, events: list[Event], *keys: ItemKey) -> None:
        """Add a piece of the arguments of an item's call. Raises InvalidToolArguments; see `ToolCalls`."""
        item = self._find(keys)
        if item is None or not text:
            return
        if item.number is not None:
            self._calls.add(item.number, text, events)
            return
        self._calls.check_size(text)
        item.early_arguments.append(text)

    def add_input(self, text: str, events: list[Event], *keys: ItemKey) -> None:
        """Add a piece of the free text of an item's call; see `add`."""
        item = self._find(keys)
        if item is not None and text:
            item.input = item.input or InputToArguments()
            self.add(item.input.feed(text), events, *keys)

    def complete(self, name: str, arguments: str, events: list[Event], *keys: ItemKey) -> None:
        """Add the complete arguments of an item's call; some servers send them without any pieces before.

        Raises:
            InvalidToolArguments: see `ToolCalls`.
        """
        item = self._find(keys)
        if item is not None:
            self._begin_named(item, name, events)
            if item.number is not None:
                self._calls.complete(item.number, arguments, events)

    def end(self, id: str | None, name: str, arguments: str, events: list[Event], *keys: ItemKey) -> Failed | None:  # noqa: A002  # the field
        """End the tool call of a complete item, even of one that was never begun.

        Returns:
            The terminal event of the stream if the call is invalid.
        """
        return self._end_item(self._find_or_begin(id, keys), name, arguments, events)

    def read_whole(self, position: int, sent: Item, events: list[Event]) -> Failed | None:
        """End the tool call at a position in the whole response, whether it was received before or not; see `end`."""
        keys, name, arguments = sent.keys, sent.tool_name, sent.tool_arguments
        item = self._find(keys) or self._item_at(position, name, arguments)
        item = item or self._find_or_begin(keys[1] or keys[0], keys)
        return self._end_item(item, name, arguments, events)

    def end_all(self, events: list[Event]) -> Failed | None:
        """End all open calls; return a `Failed` if one is invalid or has no name."""
        failed = self._calls.end_all(events)
        is_any_unnamed = any(item.number is None for item in self._items)
        return failed or (to_failed_event(self._calls.unnamed_call_error()) if is_any_unnamed else None)

    def _end_item(self, item: _Item, name: str, arguments: str, events: list[Event]) -> Failed | None:
        self._begin_named(item, name, events)
        item.is_complete = True
        if item.number is None:
            return to_failed_event(self._calls.unnamed_call_error())
        self._calls.complete(item.number, arguments, events)
        return self._calls.end(item.number, events)

    def _item_at(self, position: int, name: str, arguments: str) -> _Item | None:
        # Some servers give the item other keys in the whole response.
        item = self._items[position] if position < len(self._items) else None
        is_same = item and (item.number is None or self._calls.matches(item.number, name, arguments))
        return item if is_same else None

    def _find_or_begin(self, id: str | None, keys: tuple[ItemKey, ...]) -> _Item:  # noqa: A002
        item = self._find(keys)
        if item is None or (id and item.id and item.id != id):
            # Some servers give each item the same index.
            self._calls.check_count(len(self._items))
            item = _Item()
            self._items.append(item)
        item.id = item.id or id
        self._by_key |= {key: item for key in keys if key is not None}
        return item

    def _begin_named(self, item: _Item, name: str, events: list[Event]) -> None:
        if item.number is None and name:
            item.number = self._calls.begin(item.id, name, events)
            self._calls.add(item.number, str(item.early_arguments), events)
            item.early_arguments.clear()

    def _find(self, keys: tuple[ItemKey, ...]) -> _Item | None:
        return next((self._by_key[key] for key in keys if key is not None and key in self._by_key), None)
