"""The text of one JSON document, as it grows: what the Vercel AI SDK's `useObject` reads.

A model may say something before the document, or put a fence around it, which no reader of JSON would understand: it is
left out. A document that ends before it is whole, or is none, breaks the connection, as all that is no proper end of a
text. Pure.
"""

from __future__ import annotations

import re

from ...core.partial_json import JSONError, PartialJSON
from ...core.partial_json.locate import DocumentLocator
from ..encoding.base import AbortConnection
from .text_encoder import PlainTextEncoder

_PIECE_UP_TO_BRACKET = re.compile(r"[^}\]]*[}\]]|[^}\]]+")
"""Pieces of a text; a document that something came before ends with one of them."""


class ObjectTextEncoder(PlainTextEncoder):
    """Writes one response."""

    HEARTBEAT = b" "
    """JSON may begin with spaces; within it, one could end up in a string."""

    __slots__ = ("_locator", "_parser")

    def __init__(self) -> None:
        super().__init__()
        self._locator = DocumentLocator()
        self._parser = PartialJSON()

    def _more(self, text: str) -> str:
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
        # What may be the beginning of a longer word was held back: it is all there is.
        rest = "" if self._has_begun else self._more(" ")
        try:
            self._parser.end()
        except JSONError:
            raise AbortConnection from None
        return rest

    def _restart(self) -> None:
        super()._restart()
        self._locator = DocumentLocator()
