"""The native protocol's encoder for growing JSON documents: `partial` frames contain JSON Patch operations.

A client that resumes first receives the whole document as of its cursor, and then the operations after that. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...core import exact_json
from ...core.answer import CollectedAnswer
from ...core.errors import HeadraceError
from ...core.events import AnswerRestarted, Completed, Event, TextDelta, ToolCallDelta, ToolCallStarted
from ...core.exact_json import ExactDecoder
from ...core.partial_json import Add, JSONError, PartialJSON, Patch, apply, snapshot
from ...core.partial_json.patches import JSON
from ...core.sse import encode_event
from ...core.text_buffer import TextBuffer
from ...streaming.context import PartialMode
from . import encoder as native_encoder

_encode = exact_json.encode
_decode = ExactDecoder[Any](Any).decode


class NativeDocumentEncoder:
    """Encodes one response with `partial` frames.

    Args:
        partials: `all` if the text is a JSON document too; `calls` if only the arguments of tool calls are.
        seen: The number of the last event that the client has received. Frames of events up to this number are not
            sent.
    """

    HEADERS = native_encoder.HEADERS

    def __init__(self, partials: PartialMode, seen: int = 0) -> None:
        self._seen = seen
        self._has_text = partials == "all"
        self._documents: dict[int | None, _Document] = {}

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the frames of the next events and of the changes in the documents; see `StreamEncoder.encode`."""
        if not events:
            return native_encoder.HEARTBEAT
        frames: list[bytes] = []
        changes: dict[int | None, list[Patch]] = {}
        # Events without a number exist only for this reader, so they are always new.
        for number, event in enumerate(events, first_id or self._seen + 1):
            call, text = self._document_text(event)
            patches = [] if text is None else self._documents[call].feed(text)
            if number <= self._seen:
                frames += self._resume_frames() if number == self._seen else []
                continue
            if call not in changes or text is None:
                frames += _partial_frames(changes)
            if type(event) is Completed:
                frames += self._end_documents()
            frames.append(native_encoder.encode([event], None if first_id is None else number, id_suffix))
            if patches:
                changes.setdefault(call, []).extend(patches)
        return b"".join([*frames, *_partial_frames(changes)])

    def _document_text(self, event: Event) -> tuple[int | None, str | None]:
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

    def _resume_frames(self) -> list[bytes]:
        values = {call: document.catch_up() for call, document in self._documents.items()}
        return _partial_frames({call: patches for call, patches in values.items() if patches})

    def _end_documents(self) -> list[bytes]:
        # A document that consists of a number is complete only at the end.
        return _partial_frames({call: document.end() for call, document in self._documents.items()})

    def encode_whole(self, answer: CollectedAnswer) -> dict[str, Any]:
        """Return a complete answer as one JSON value, with its document if the text is one."""
        body = native_encoder.encode_whole(answer)
        return {**body, "document": _final_value(answer.text())} if self._has_text else body

    def error_body(self, error: HeadraceError) -> dict[str, Any]:
        """Return the body of an error response, with the document received before the error."""
        body = native_encoder.error_body(error)
        return {**body, "document": _final_value(error.partial_text)} if self._has_text and error.partial_text else body


class _Document:
    """One growing document. After a syntax error it no longer changes; the client still receives its text."""

    __slots__ = ("_is_invalid", "_last_valid_value", "_parser", "_text")

    def __init__(self, keeps_text: bool) -> None:
        self._parser = _parser()
        self._text = TextBuffer() if keeps_text else None
        self._is_invalid = False
        self._last_valid_value: JSON | msgspec.UnsetType = msgspec.UNSET  # at the syntax error; only with `keeps_text`

    def feed(self, text: str) -> list[Patch]:
        if self._is_invalid:
            return []
        try:
            patches = self._parser.feed(text)
        except JSONError as error:
            self._is_invalid = True
            if self._text is not None:
                self._last_valid_value = apply(_partial_value(str(self._text)), error.patches)
            return list(error.patches)
        if self._text is not None:
            self._text.append(text)
        return patches

    def end(self) -> list[Patch]:
        if self._is_invalid:
            return []
        try:
            return self._parser.end()
        except JSONError:
            return []  # the document is incomplete; its content has been sent

    def catch_up(self) -> list[Patch]:
        value = self._last_valid_value if self._is_invalid else _partial_value(str(self._text or ""))
        self._text = None
        return [] if value is msgspec.UNSET else [Add("", value)]


def _parser() -> PartialJSON:
    return PartialJSON(parse_number=exact_json.parse_number)


def _partial_value(text: str) -> JSON | msgspec.UnsetType:
    """Return the value of an incomplete document, as its patches build it; UNSET before its first character."""
    try:
        return snapshot(text, decode=_decode)
    except JSONError:
        # The parser reads the text again, because its error has the patches up to the syntax error.
        try:
            return apply(msgspec.UNSET, _parser().feed(text))
        except JSONError as error:
            return apply(msgspec.UNSET, error.patches)


def _final_value(text: str) -> JSON:
    """Return the document in a complete text; None if there is none."""
    value = _partial_value(text)
    if value is msgspec.UNSET:
        value = _partial_value(text + " ")  # a blank completes a document that is a number
    return None if value is msgspec.UNSET else value


def _partial_frames(changes: dict[int | None, list[Patch]]) -> list[bytes]:
    frames = []
    for call, patches in changes.items():
        if patches:
            call_field = {} if call is None else {"call": call}
            frames.append(encode_event(b"partial", _encode({**call_field, "ops": patches})))
    changes.clear()
    return frames
