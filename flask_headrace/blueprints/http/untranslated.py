"""What of a request has no place in a `ChatRequest`, by name. Values, and pure.

Providers of the client's own protocol receive it in the client's own words. For the others these names decide: a
provider can do without, or it cannot answer the request.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ...providers.chat_request import ChatRequest, Json
from ...providers.source_request import Family, SourceRequest, SourceTurn

MAX_NAMES = 200
"""Names that are collected of one kind: the client chooses them, and a header shows only some."""


class UntranslatedNames:
    """Collects the names of what a `ChatRequest` does not contain.

    Attributes:
        unread: What providers of another protocol do without; see `SourceRequest`.
        essential: What the question depends on.
        state: What names a state that the provider's server keeps.
    """

    def __init__(self) -> None:
        self.unread: list[str] = []
        self.essential: list[str] = []
        self.state: list[str] = []

    def add_unread(self, *names: str) -> None:
        """Add what a provider of another protocol does without."""
        _extend(self.unread, names)

    def add_essential(self, *names: str) -> None:
        """Add what the question depends on."""
        _extend(self.essential, names)

    def add_state(self, *names: str) -> None:
        """Add what names a state of the provider's server."""
        _extend(self.state, names)

    def add_part(self, part_type: str, path: str, *, is_question: bool) -> None:
        """Add a content part of an unknown type; `is_question` says whether it is a part of what the user asks."""
        (self.add_essential if is_question else self.add_unread)(f"{path} ({part_type:.40})")

    def source_request(
        self,
        family: Family,
        fields: Json,
        turns: Sequence[SourceTurn],
        headers: tuple[tuple[str, str], ...],
        converted: ChatRequest,
    ) -> SourceRequest:
        """Return the request as its client sent it, with these names; for the arguments see `SourceRequest`."""
        names = (tuple(self.unread), tuple(self.essential), tuple(self.state))
        return SourceRequest(family, fields, tuple(turns), headers, *names, converted=converted)


def unread_names(fields: Json, known: Collection[str], defaults: Mapping[str, tuple[Any, ...]]) -> list[str]:
    """Return the names of an object's fields that are not read, and ask for something.

    Args:
        fields: The object.
        known: The names of the fields that are read.
        defaults: Values that ask for what every provider does anyway, by the field's name. Null, false, zero, and empty
            values do so too.
    """
    return [
        name
        for name, value in fields.items()
        if name not in known and value not in (None, False, [], {}) and value not in defaults.get(name, ())
    ]


def _extend(names: list[str], more: Iterable[str]) -> None:
    names += list(more)[: max(0, MAX_NAMES - len(names))]
