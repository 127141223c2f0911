"""The encoder of the text of one growing JSON document, for the Vercel AI SDK's `useObject`.

A model may write text around the document, put the document into a Markdown code fence, or repeat it; only the document
is sent. An incomplete or invalid document, or another one after it, breaks the connection, like every abnormal end of
plain text. Pure.
"""

from __future__ import annotations

from ...core.events import FinishReason
from ...core.exact_json import parse_number
from ...core.partial_json import JSONError, PartialJSON
from ..encoding.base import AbortConnection
from .text_encoder import PlainTextEncoder


class ObjectTextEncoder(PlainTextEncoder):
    """Encodes one response."""

    HEARTBEAT = b" "
    """Bytes of a heartbeat before the document, which may begin with blanks. Within it, a blank could be in a string.
    """

    __slots__ = ("_parser",)

    def __init__(self) -> None:
        super().__init__()
        self._parser = PartialJSON(parse_number=parse_number)

    def _append_text(self, text: str) -> str:
        try:
            self._parser.feed(text)
        except JSONError:
            raise AbortConnection from None
        self._has_begun = self._parser.is_begun
        return self._parser.document_text

    def _end(self, reason: FinishReason) -> str:  # a document that is whole was not cut
        has_begun = self._has_begun
        try:
            self._parser.end()
        except JSONError:
            raise AbortConnection from None
        # The parser may have kept back the beginning of a word such as `true`.
        return "" if has_begun else self._parser.document_text

    def _restart(self) -> None:
        super()._restart()
        self._parser = PartialJSON(parse_number=parse_number)
