"""The JSON document in the text of a structured answer, whose numbers keep their digits. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from . import exact_json
from .exact_json import ExactDecoder
from .partial_json import JSONError, PartialJSON, apply, snapshot
from .partial_json.patches import JSON

_decode = ExactDecoder[Any](Any).decode


def document_parser() -> PartialJSON:
    """Return a parser for the pieces of a growing document."""
    return PartialJSON(parse_number=exact_json.parse_number)


def partial_document(text: str) -> JSON | UnsetType:
    """Return the value of an incomplete document, as its patches build it; UNSET before its first character."""
    try:
        return snapshot(text, decode=_decode)
    except JSONError:
        # The parser reads the text again, because its error has the patches up to the syntax error.
        try:
            return apply(UNSET, document_parser().feed(text))
        except JSONError as error:
            return apply(UNSET, error.patches)


def document_in(text: str) -> JSON:
    """Return the document in a complete text, as far as it is there; None if there is none."""
    value = partial_document(text)
    if value is UNSET:
        value = partial_document(text + " ")  # a blank completes a document that is a number
    return None if value is UNSET else value
