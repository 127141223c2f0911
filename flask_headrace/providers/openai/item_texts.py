"""The text of a response of the Responses API, which is told piece by piece and then whole, more than once. Pure.

A part of a message is told in deltas, again whole at its own end, at its message's, and at the response's. Servers
leave out the deltas, or all but one of the ends: what one of them tells beyond what has come is passed on, and nothing
twice. Of the text that has passed only the length and the last piece are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from ...core.errors import UpstreamProtocolError

ItemKey: TypeAlias = str | int | None

MAX_PARTS = 1024
"""Parts that the messages of one answer may have."""


class OutputTextPart:
    """One part of a message: how much of it has come.

    Attributes:
        item_id: The item's id, as it was told last.
        output_index: The item's place in the output.
        content_index: The part's place in the item.
        size: Characters that have come.
        last: The last piece of them.
        is_closed: Whether it was told whole.
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
    """The parts of one answer's messages.

    Args:
        upstream: How messages name the upstream.

    Attributes:
        part: That of which the last piece came; None before the first.
    """

    __slots__ = ("_by_key", "_parts", "_upstream", "part")

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._by_key: dict[tuple[str, ItemKey, ItemKey], OutputTextPart] = {}
        self._parts: list[OutputTextPart] = []
        self.part: OutputTextPart | None = None

    @property
    def is_complete(self) -> bool:
        """Whether each part was told whole."""
        return all(part.is_complete for part in self._parts)

    def select(self, item_id: ItemKey, output_index: ItemKey, content_index: ItemKey) -> OutputTextPart:
        """Return the part that goes by these names, one of which is enough; where none is known, it is a new one.

        Raises:
            UpstreamProtocolError: there are too many.
        """
        names = [("id", item_id, content_index)] if item_id is not None else []
        names += [("place", output_index, content_index)] if output_index is not None else []
        part = next((self._by_key[name] for name in names if name in self._by_key), None)
        if part is None and not names and self.part is not None and not self.part.is_complete:
            part = self.part
        if part is None:
            if len(self._parts) >= MAX_PARTS:
                raise UpstreamProtocolError(f"{self._upstream} sent more than {MAX_PARTS} parts of text in one answer.")
            part = OutputTextPart()
            self._parts.append(part)
        self._by_key |= dict.fromkeys(names, part)
        part.item_id, part.output_index, part.content_index = item_id, output_index, content_index
        self.part = part
        return part

    def complete(self, whole: str, item_id: ItemKey, output_index: ItemKey, content_index: ItemKey) -> str:
        """Take a part's whole text, and return what of it has not come."""
        part = None
        if output_index is None and ("id", item_id, content_index) not in self._by_key:
            part = self._unnamed_part(whole)
        part = part or self.select(item_id, output_index, content_index)
        missing = missing_suffix(whole, part.size, part.last) or ""
        part.size, part.last, part.is_complete = part.size + len(missing), missing or part.last, True
        return missing

    def _unnamed_part(self, whole: str) -> OutputTextPart | None:
        """Return the part that this is the text of, where each event has another name for it; None where there is none.

        It is what has come since the last that was told whole, or that once more.
        """
        part = self.part
        if part is None:
            return None
        if part.is_complete:
            return part if missing_suffix(whole, part.size, part.last) == "" else None
        opened = [part for part in self._parts if not part.is_complete]
        size = sum(part.size for part in opened)
        if missing_suffix(whole, size, part.last) is None:
            return None
        for part in opened:
            part.size, part.is_complete = 0, True
        part.size = size
        return part

    def missing_suffixes(self, wholes: list[str]) -> Iterator[str]:
        """Yield what has not come of the texts of all messages, one by one, in their order."""
        size, last = sum(part.size for part in self._parts), self.part.last if self.part else ""
        for whole in wholes:
            if size < len(whole):
                yield missing_suffix(whole, size, last[-size:] if size else "") or ""
            else:
                yield ""
            size = max(size - len(whole), 0)


def missing_suffix(whole: str, size: int, last: str) -> str | None:
    """Return what a text has behind its first `size` characters; None where those do not end with `last`."""
    return whole[size:] if len(whole) >= size and whole.endswith(last, 0, size) else None
