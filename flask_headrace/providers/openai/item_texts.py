"""The texts of a response of the Responses API, which sends them in deltas and then whole, more than once. Pure.

A part of a message comes in deltas, and whole at the end of the part, of its message and of the response. Some servers
leave out the deltas, or all but one of the ends. Every text is emitted once, from the first event that contains it. Of
the emitted text only the length and the last piece are stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from ...core.errors import UpstreamProtocolError

ItemKey: TypeAlias = str | int | None
"""An id or an index by which events refer to an item; None where an event has none."""

PartKey: TypeAlias = tuple[str, ItemKey, ItemKey]
"""Names one part: "index" or "id", the item's index or id, and the index of the part in the item."""

MAX_PARTS = 1024
"""Text parts that the messages of one answer may have."""


class OutputTextPart:
    """One text part of a message: how much of it was received.

    Attributes:
        item_id: The id of the item, from the latest event.
        output_index: The index of the item in the output.
        content_index: The index of the part in the item.
        size: Number of characters received.
        last: The last piece received.
        is_complete: Whether the whole text was received.
    """

    __slots__ = ("content_index", "is_complete", "item_id", "last", "output_index", "size")

    def __init__(self) -> None:
        self.item_id: ItemKey = None
        self.output_index: ItemKey = None
        self.content_index: ItemKey = None
        self.size = 0
        self.last = ""
        self.is_complete = False


class ItemTexts:
    """The text parts of one answer's messages.

    Args:
        upstream: Names the upstream in messages.

    Attributes:
        part: The part of the last delta; None before the first.
    """

    __slots__ = ("_by_key", "_parts", "_upstream", "part")

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._by_key: dict[PartKey, OutputTextPart] = {}
        self._parts: list[OutputTextPart] = []
        self.part: OutputTextPart | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the whole text of every part was received."""
        return all(part.is_complete for part in self._parts)

    def select(self, item_id: ItemKey, output_index: ItemKey, content_index: ItemKey) -> OutputTextPart:
        """Return the part to which an event refers, by the item's id or index; a new part if it is unknown.

        Raises:
            UpstreamProtocolError: the answer has too many parts.
        """
        keys = _keys(item_id, output_index, content_index)
        part = self._find(keys, output_index)
        if part is None and not keys and self.part is not None and not self.part.is_complete:
            part = self.part
        if part is None:
            if len(self._parts) >= MAX_PARTS:
                raise UpstreamProtocolError(f"{self._upstream} sent more than {MAX_PARTS} parts of text in one answer.")
            part = OutputTextPart()
            self._parts.append(part)
        self._by_key |= dict.fromkeys(keys, part)
        part.item_id, part.output_index, part.content_index = item_id, output_index, content_index
        self.part = part
        return part

    def complete(self, whole: str, item_id: ItemKey, output_index: ItemKey, content_index: ItemKey) -> str:
        """Record the whole text of a part, and return the end of it that was not received in deltas."""
        keys = _keys(item_id, output_index, content_index)
        part = self._find(keys, output_index)
        if part is None and (output_index is None or any(key in self._by_key for key in keys)):
            part = self._unnamed_part(whole)
        part = part or self.select(item_id, output_index, content_index)
        missing = missing_suffix(whole, part.size, part.last) or ""
        part.size, part.last, part.is_complete = part.size + len(missing), missing or part.last, True
        return missing

    def _find(self, keys: list[PartKey], output_index: ItemKey) -> OutputTextPart | None:
        """Return the part that has one of these keys. Some servers give several items one id: the index decides."""
        for key in keys:
            part = self._by_key.get(key)
            if part is not None and (key[0] == "index" or None in (output_index, part.output_index)):
                return part
        return None

    def _unnamed_part(self, whole: str) -> OutputTextPart | None:
        """Return the part with this text, if its events have other ids or indexes; None if there is no such part.

        It consists of all deltas since the last complete part, or is that part once more.
        """
        part = self.part
        if part is None:
            return None
        if part.is_complete:
            return part if missing_suffix(whole, part.size, part.last) == "" else None
        incomplete = [other for other in self._parts if not other.is_complete]
        size = sum(other.size for other in incomplete)
        if missing_suffix(whole, size, part.last) is None:
            return None
        for other in incomplete:
            other.size, other.is_complete = 0, True
        part.size = size
        return part

    def missing_suffixes(self, wholes: list[str]) -> Iterator[str]:
        """Yield, for the whole text of each message in order, the end of it that was not received."""
        size, last = sum(part.size for part in self._parts), self.part.last if self.part else ""
        for whole in wholes:
            if size < len(whole):
                yield missing_suffix(whole, size, last[-size:] if size else "") or ""
            else:
                yield ""
            size = max(size - len(whole), 0)


def _keys(item_id: ItemKey, output_index: ItemKey, content_index: ItemKey) -> list[PartKey]:
    return [
        (kind, value, content_index) for kind, value in (("index", output_index), ("id", item_id)) if value is not None
    ]


def missing_suffix(whole: str, size: int, last: str) -> str | None:
    """Return a text without its first `size` characters; None if these do not end with `last`."""
    return whole[size:] if len(whole) >= size and whole.endswith(last, 0, size) else None
