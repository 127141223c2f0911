"""The encoder of the text of one growing JSON document, for the Vercel AI SDK's `useObject`.

A model may write text before the document, or put the document into a Markdown code fence; both are omitted. An
incomplete or invalid document breaks the connection, like every abnormal end of plain text. Pure.
"""

from __future__ import annotations

import re

from ...core.partial_json import JSONError, PartialJSON
from ...core.partial_json.locate import DocumentLocator
from ..encoding.base import AbortConnection
from .text_encoder import PlainTextEncoder

_PIECE_UP_TO_BRACKET = re.compile(r"[^}\]]*[}\]]|[^}\]]+")
"""Splits a text after each closing bracket, since a document that follows other text ends with such a bracket."""


class ObjectTextEncoder(PlainTextEncoder):
    """Encodes one response."""

    HEARTBEAT = b" "
    """Bytes of a heartbeat before the document, which may begin with blanks. Within it, a blank could be in a string.
    """

    __slots__ = ("_locator", "_parser")

    def __init__(self) -> None:
        super().__init__()
        self._locator = DocumentLocator()
        self._parser = PartialJSON()

    def _append_text(self, text: str) -> str:
        if not self._has_begun:
            found = self._locator.feed(text)
            if found is None:
                return ""
            self._has_begun, text = True, found
        if self._locator.is_alone:
            return self._validated(text)
        pieces: list[str] = _PIECE_UP_TO_BRACKET.findall(text)
        return "".join([self._validated(piece) for piece in pieces if not self._parser.is_complete])

    def _validated(self, text: str) -> str:
        try:
            self._parser.feed(text)
        except JSONError:
            raise AbortConnection from None
        return text

    def _end(self) -> str:
        # The locator may have kept back the beginning of a word such as `true`; a blank completes it.
        rest = "" if self._has_begun else self._append_text(" ")
        try:
            self._parser.end()
        except JSONError:
            raise AbortConnection from None
        return rest

    def _restart(self) -> None:
        super()._restart()
        self._locator = DocumentLocator()
