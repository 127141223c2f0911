"""The calls of a response of the Responses API, which are items of its output. Pure.

An item goes by several names: its id, its call's id, and its place in the output. Servers leave some of them out, or
make up the first anew; one that they kept to is enough. What they call the tool may come as late as the item's end.
"""

from __future__ import annotations

from typing import TypeAlias

from ...core.events import Event, Failed
from ...core.text_buffer import TextBuffer
from ..decoding.tool_calls import ToolCalls, failed_by

Name: TypeAlias = str | int | None


class _Item:
    """An item that is a call: the number of the call once it has begun, which it does with its tool's name."""

    __slots__ = ("early", "id", "is_ended", "number")

    def __init__(self) -> None:
        self.id: str | None = None
        self.number: int | None = None
        self.early = TextBuffer()  # arguments that came before the name
        self.is_ended = False


class ItemCalls:
    """The calls of one answer.

    Args:
        upstream: How messages name the upstream.
    """

    __slots__ = ("_by_name", "_calls", "_items")

    def __init__(self, upstream: str) -> None:
        self._calls = ToolCalls(upstream)
        self._by_name: dict[str | int, _Item] = {}
        self._items: list[_Item] = []

    @property
    def are_any(self) -> bool:
        """Whether the answer has calls."""
        return self._calls.are_any

    @property
    def are_whole(self) -> bool:
        """Whether nothing is missing of any of them."""
        return all(
            item.is_ended or (item.number is not None and self._calls.is_whole(item.number)) for item in self._items
        )

    def begin(self, id: str | None, name: str, events: list[Event], *names: Name) -> None:  # noqa: A002
        """Begin the call of an item, or tell its name where it has begun. Raises InvalidToolArguments; see `ToolCalls`.

        Args:
            id: The call's own.
            name: The tool's name; empty where that comes later.
            events: Takes the events.
            names: What the item goes by.
        """
        self._name(self._begun(id, names), name, events)

    def add(self, text: str, events: list[Event], *names: Name) -> None:
        """Pass on a piece of the arguments of an item's call. Raises InvalidToolArguments; see `ToolCalls`."""
        item = self._find(names)
        if item is None or not text:
            return
        if item.number is not None:
            self._calls.add(item.number, text, events)
            return
        self._calls.weigh(text)
        item.early.append(text)

    def complete(self, name: str, arguments: str, events: list[Event], *names: Name) -> None:
        """Take the arguments of an item's call that are told once more; servers that had them at once sent no pieces.

        Raises:
            InvalidToolArguments: see `ToolCalls`.
        """
        item = self._find(names)
        if item is not None:
            self._name(item, name, events)
            if item.number is not None:
                self._calls.complete(item.number, arguments, events)

    def end(self, id: str | None, name: str, arguments: str, events: list[Event], *names: Name) -> Failed | None:  # noqa: A002  # the fields of an item
        """End the call of an item that is told whole, also one that was never begun.

        Returns:
            How the stream ends, where the call is not what it should be.
        """
        return self._ended(self._begun(id, names), name, arguments, events)

    def read_whole(  # the fields of an item
        self,
        place: int,
        id: str | None,  # noqa: A002
        name: str,
        arguments: str,
        events: list[Event],
        *names: Name,
    ) -> Failed | None:
        """End the call of that place in the whole response, which has come before or comes here alone; see `end`."""
        item = self._find(names) or self._at(place, name, arguments) or self._begun(id, names)
        return self._ended(item, name, arguments, events)

    def end_all(self, events: list[Event]) -> Failed | None:
        """End the calls that are still open; see `IndexedCalls`."""
        failed = self._calls.end_all(events)
        is_any_nameless = any(item.number is None for item in self._items)
        return failed or (failed_by(self._calls.nameless()) if is_any_nameless else None)

    def _ended(self, item: _Item, name: str, arguments: str, events: list[Event]) -> Failed | None:
        self._name(item, name, events)
        item.is_ended = True
        if item.number is None:
            return failed_by(self._calls.nameless())
        self._calls.complete(item.number, arguments, events)
        return self._calls.end(item.number, events)

    def _at(self, place: int, name: str, arguments: str) -> _Item | None:
        # Some servers give the item other names in the whole response.
        item = self._items[place] if place < len(self._items) else None
        is_same = item and (item.number is None or self._calls.fits(item.number, name, arguments))
        return item if is_same else None

    def _begun(self, id: str | None, names: tuple[Name, ...]) -> _Item:  # noqa: A002
        item = self._find(names)
        if item is None or (id and item.id and item.id != id):
            # Some servers give each item the same place.
            self._calls.count(len(self._items))
            item = _Item()
            self._items.append(item)
        item.id = item.id or id
        self._by_name |= {name: item for name in names if name is not None}
        return item

    def _name(self, item: _Item, name: str, events: list[Event]) -> None:
        if item.number is None and name:
            item.number = self._calls.begin(item.id, name, events)
            self._calls.add(item.number, str(item.early), events)
            item.early.clear()

    def _find(self, names: tuple[Name, ...]) -> _Item | None:
        return next((self._by_name[name] for name in names if name is not None and name in self._by_name), None)
