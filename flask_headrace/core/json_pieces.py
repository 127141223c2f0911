"""JSON objects that arrive in pieces, as the deltas of a chat completion do. Pure."""

from __future__ import annotations

from typing import Any

from .text_buffer import TextBuffer

_REPLACED = frozenset({"index", "type", "id", "format", "role", "name"})
"""Fields that a later piece repeats rather than continues."""

_DISTINCT = ("type", "id")
"""Fields in which two entries of a list differ if they are not the same one, although their `index` is."""

_MAX_OPEN_ENTRIES = 256
"""Entries of a list, from its end, that a piece may continue."""


class JSONPieces:
    """An object that grows piece by piece, as OpenAI's SDKs put it together.

    Texts and lists go on, objects are merged, and so are entries of a list with the same `index`. Other values replace
    the earlier ones.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._known)

    def add(self, piece: dict[str, Any]) -> None:
        """Add a piece, which belongs to this object afterwards."""
        _merge(self._known, piece)

    def replace(self, fields: dict[str, Any]) -> None:
        """Set fields, whatever was received of them before."""
        self._known |= fields

    def value(self) -> dict[str, Any]:
        """Return the object as far as it has been received."""
        value: dict[str, Any] = _joined(self._known)
        return value


def _merge(known: dict[str, Any], piece: dict[str, Any]) -> None:
    for name, value in piece.items():
        before = known.get(name)
        if isinstance(before, (str, TextBuffer)) and isinstance(value, str) and name not in _REPLACED:
            known[name] = buffer = _as_buffer(before)
            buffer.append(value)
        elif isinstance(before, dict) and isinstance(value, dict):
            _merge(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            _extend(before, value)
        elif value is not None or name not in known:
            known[name] = value


def _as_buffer(text: str | TextBuffer) -> TextBuffer:
    if isinstance(text, TextBuffer):
        return text
    buffer = TextBuffer()  # joining two texts for each piece would take time in the square of the length
    buffer.append(text)
    return buffer


def _extend(known: list[Any], pieces: list[Any]) -> None:
    for piece in pieces:
        entry = _continued_entry(known, piece) if isinstance(piece, dict) else None
        if entry is None:
            known.append(piece)
        else:
            _merge(entry, piece)


def _continued_entry(known: list[Any], piece: dict[str, Any]) -> dict[str, Any] | None:
    if not isinstance(piece.get("index"), int):
        return None
    recent = reversed(known[-_MAX_OPEN_ENTRIES:])
    return next((entry for entry in recent if isinstance(entry, dict) and _is_same_entry(entry, piece)), None)


def _is_same_entry(entry: dict[str, Any], piece: dict[str, Any]) -> bool:
    known = [(entry.get(name), piece.get(name)) for name in _DISTINCT]
    return entry.get("index") == piece["index"] and all(None in pair or pair[0] == pair[1] for pair in known)


def _joined(value: Any) -> Any:  # noqa: ANN401  # any JSON, with buffers in place of texts
    if isinstance(value, TextBuffer):
        return str(value)
    if isinstance(value, dict):
        return {name: _joined(inner) for name, inner in value.items()}
    return [_joined(inner) for inner in value] if isinstance(value, list) else value
