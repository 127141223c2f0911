"""The native protocol where a document grows in the answer: beside the deltas, `partial` frames tell what changed.

A reader that comes back is told the document as it was then, whole, and what changes from there on. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import HeadraceError
from ..events import Event, Restarted, TextDelta, ToolCallDelta, ToolCallStarted
from ..partial_json import Add, JSONError, PartialJSON, Patch, snapshot
from ..sse import named
from ..terms import Partials
from . import native
from .answer import Answer

_encode = msgspec.json.Encoder().encode


class NativeDocument:
    """Writes one response.

    Args:
        partials: Whether the text is a document, and not only the arguments of tool calls.
        seen: The number of the last event that the reader has already; what comes up to it is not sent.
    """

    HEADERS = native.HEADERS

    def __init__(self, partials: Partials, seen: int = 0) -> None:
        self._seen = seen
        self._has_text = partials == "all"
        self._documents: dict[int | None, _Document] = {}

    def encode(self, events: list[Event], first: int | None = None) -> bytes:
        """Write events, and after those that make a document grow, what changed in it; see `Wire.encode`."""
        if not events:
            return native.HEARTBEAT
        frames: list[bytes] = []
        grown: dict[int | None, list[Patch]] = {}
        for number, event in enumerate(events, first or 1):
            call, text = self._grows(event)
            patches = [] if text is None else self._documents[call].feed(text)
            if number <= self._seen:
                frames += self._resume() if number == self._seen else []
                continue
            if call not in grown or text is None:
                frames += _written(grown)
            frames.append(native.encode([event], None if first is None else number))
            if patches:
                grown.setdefault(call, []).extend(patches)
        return b"".join([*frames, *_written(grown)])

    def _grows(self, event: Event) -> tuple[int | None, str | None]:
        match event:
            case TextDelta(text) if self._has_text:
                self._documents.setdefault(None, _Document(self._seen > 0))
                return None, text
            case ToolCallStarted(call):
                self._documents[call] = _Document(self._seen > 0)
            case ToolCallDelta(call, text) if call in self._documents:
                return call, text
            case Restarted():
                self._documents.clear()
        return None, None

    def _resume(self) -> list[bytes]:
        begun = {call: document.whole() for call, document in self._documents.items()}
        return _written({call: patches for call, patches in begun.items() if patches})

    def whole(self, answer: Answer) -> dict[str, Any]:
        """Return an answer that is given in one piece, with its document."""
        written = native.whole(answer)
        return {**written, "document": _snapshot(answer.text())} if self._has_text else written

    def refusal(self, error: HeadraceError) -> dict[str, Any]:
        """Return the body of a response with an error's own status, and of the document what there is of it."""
        written = native.refusal(error)
        return {**written, "document": _snapshot(error.text)} if self._has_text and error.text else written


class _Document:
    """One growing document; what is no JSON is passed on as text alone."""

    __slots__ = ("_is_wrong", "_parser", "_texts")

    def __init__(self, keeps_text: bool) -> None:
        self._parser = PartialJSON()
        self._texts: list[str] | None = [] if keeps_text else None
        self._is_wrong = False

    def feed(self, text: str) -> list[Patch]:
        if self._texts is not None:
            self._texts.append(text)
        if self._is_wrong:
            return []
        try:
            return self._parser.feed(text)
        except JSONError as error:
            self._is_wrong = True
            return list(error.patches)

    def whole(self) -> list[Patch]:
        value = _snapshot("".join(self._texts or ()), msgspec.UNSET)
        self._texts = None
        return [] if value is msgspec.UNSET else [Add("", value)]


def _snapshot(text: str, nothing: Any = None) -> Any:  # noqa: ANN401  # a JSON value
    try:
        value = snapshot(text)
    except JSONError:
        return nothing
    return nothing if value is msgspec.UNSET else value


def _written(grown: dict[int | None, list[Patch]]) -> list[bytes]:
    frames = []
    for call, patches in grown.items():
        if patches:
            which = {} if call is None else {"call": call}
            frames.append(named(b"partial", _encode({**which, "ops": patches})))
    grown.clear()
    return frames
