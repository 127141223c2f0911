"""The native protocol where a document grows in the answer: beside the deltas, `partial` frames tell what changed.

A reader that comes back is told the document as it was then, whole, and what changes from there on. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...core.answer import CollectedAnswer
from ...core.errors import HeadraceError
from ...core.events import AnswerRestarted, Completed, Event, TextDelta, ToolCallDelta, ToolCallStarted
from ...core.partial_json import Add, JSONError, PartialJSON, Patch, apply, snapshot
from ...core.partial_json.patches import JSON
from ...core.sse import encode_event
from ...core.text_buffer import TextBuffer
from ...streaming.context import PartialMode
from . import encoder as native_encoder

_encode = msgspec.json.Encoder().encode


class NativeDocumentEncoder:
    """Writes one response.

    Args:
        partials: Whether the text is a document, and not only the arguments of tool calls.
        seen: The number of the last event that the reader has already; what comes up to it is not sent.
    """

    HEADERS = native_encoder.HEADERS

    def __init__(self, partials: PartialMode, seen: int = 0) -> None:
        self._seen = seen
        self._has_text = partials == "all"
        self._documents: dict[int | None, _Document] = {}

    def encode(self, events: list[Event], first: int | None = None, suffix: bytes = b"") -> bytes:
        """Write events, and after those that make a document grow, what changed in it; see `StreamEncoder.encode`."""
        if not events:
            return native_encoder.HEARTBEAT
        frames: list[bytes] = []
        grown: dict[int | None, list[Patch]] = {}
        # What has no number is of this reading, and new.
        for number, event in enumerate(events, first or self._seen + 1):
            call, text = self._grows(event)
            patches = [] if text is None else self._documents[call].feed(text)
            if number <= self._seen:
                frames += self._resume() if number == self._seen else []
                continue
            if call not in grown or text is None:
                frames += _written(grown)
            if type(event) is Completed:
                frames += self._end()
            frames.append(native_encoder.encode([event], None if first is None else number, suffix))
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
            case AnswerRestarted():
                self._documents.clear()
        return None, None

    def _resume(self) -> list[bytes]:
        begun = {call: document.encode_whole() for call, document in self._documents.items()}
        return _written({call: patches for call, patches in begun.items() if patches})

    def _end(self) -> list[bytes]:
        # A number that is the whole document may have grown to the last.
        return _written({call: document.end() for call, document in self._documents.items()})

    def encode_whole(self, answer: CollectedAnswer) -> dict[str, Any]:
        """Return an answer that is given in one piece, with its document."""
        written = native_encoder.encode_whole(answer)
        return {**written, "document": _of_ended(answer.text())} if self._has_text else written

    def error_body(self, error: HeadraceError) -> dict[str, Any]:
        """Return the body of a response with an error's own status, and of the document what there is of it."""
        written = native_encoder.error_body(error)
        return (
            {**written, "document": _of_ended(error.partial_text)} if self._has_text and error.partial_text else written
        )


class _Document:
    """One growing document; what is no JSON is passed on as text alone."""

    __slots__ = ("_is_wrong", "_parser", "_right", "_text")

    def __init__(self, keeps_text: bool) -> None:
        self._parser = PartialJSON()
        self._text = TextBuffer() if keeps_text else None
        self._is_wrong = False
        self._right: JSON | msgspec.UnsetType = msgspec.UNSET  # what there was when it went wrong, where texts are kept

    def feed(self, text: str) -> list[Patch]:
        if self._is_wrong:
            return []
        try:
            patches = self._parser.feed(text)
        except JSONError as error:
            self._is_wrong = True
            if self._text is not None:
                self._right = apply(_value(str(self._text)), error.patches)
            return list(error.patches)
        if self._text is not None:
            self._text.append(text)
        return patches

    def end(self) -> list[Patch]:
        if self._is_wrong:
            return []
        try:
            return self._parser.end()
        except JSONError:
            return []  # it was cut: what there is of it was told

    def encode_whole(self) -> list[Patch]:
        value = self._right if self._is_wrong else _value(str(self._text or ""))
        self._text = None
        return [] if value is msgspec.UNSET else [Add("", value)]


def _value(text: str) -> JSON | msgspec.UnsetType:
    """Return a document of which this much has come, as the patches tell it; UNSET while it has not begun."""
    try:
        return snapshot(text)
    except JSONError:
        # It is read once more by who knows where it went wrong.
        try:
            return apply(msgspec.UNSET, PartialJSON().feed(text))
        except JSONError as error:
            return apply(msgspec.UNSET, error.patches)


def _of_ended(text: str) -> JSON:
    """Return the document in a text that has come to its end; None where there is none."""
    value = _value(text)
    if value is msgspec.UNSET:
        value = _value(text + " ")  # a number may be the whole document, and a blank tells that it is
    return None if value is msgspec.UNSET else value


def _written(grown: dict[int | None, list[Patch]]) -> list[bytes]:
    frames = []
    for call, patches in grown.items():
        if patches:
            which = {} if call is None else {"call": call}
            frames.append(encode_event(b"partial", _encode({**which, "ops": patches})))
    grown.clear()
    return frames
