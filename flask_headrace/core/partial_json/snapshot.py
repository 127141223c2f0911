"""The value of a cut document, whole: what a reader needs who joins in the middle, and what there was at the end.

`partial-json-parser` completes what is unfinished. It copies all that comes before each string, so it gets only the
last member or item of the innermost container; and it would guess, so it is told to leave numbers, booleans and null,
and what it gets wrong all the same is settled before. So a snapshot is what the patches have made of the same text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import UNSET, MsgspecError, UnsetType, json
from partial_json_parser import Allow, ensure_json

from .errors import JSONError, Malformed, TooDeep
from .locate import WORD, DocumentLocator
from .parser import MAX_DEPTH
from .patches import JSON
from .tokens import WHITESPACE, match_end

_ALLOWED = Allow.STR | Allow.ARR | Allow.OBJ
_CLOSERS = {"{": "}", "[": "]"}
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*("?)|[{}\[\],]', re.DOTALL)
_UNFINISHED = re.compile(r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?$")
_MAX_UNFINISHED_CHARS = 11
_complete: Callable[[str, Allow], str] = ensure_json
_decode: Callable[[str], JSON] = json.decode


def snapshot(text: str, *, max_depth: int = MAX_DEPTH) -> JSON | UnsetType:
    """Return the value of a document of which this much has come; `msgspec.UNSET` while it has not begun.

    It takes time in proportion to the text. What `PartialJSON` refuses may be refused or read leniently.

    Raises:
        Malformed: the text cannot be completed to a document.
        TooDeep: more arrays and objects are open inside each other than may be.
    """
    document = DocumentLocator().feed(text)
    if document is None:
        return UNSET
    try:
        return _decode(_complete_document(document, max_depth))
    except JSONError:
        raise
    except RecursionError:
        raise TooDeep("Too many arrays and objects are open", len(text)) from None
    except (ValueError, MsgspecError, AssertionError, IndexError) as error:  # the library's own mistakes, too
        raise Malformed("The text so far cannot be completed to a JSON document", len(text)) from error


def _complete_document(document: str, max_depth: int) -> str:
    if document[0] not in '{["':
        return document[: match_end(WORD, document)]
    end, in_string, containers = _outline(document, max_depth)
    if end is not None:
        return document[:end]
    ended = _close_string if in_string else _delimit_number
    if not containers:
        return _complete(ended(document), _ALLOWED)
    mark, last = containers[-1]
    inside = _complete(mark + ended(document[last:]), _ALLOWED)[1:-1]
    before = document[:last] if inside.strip() else document[:last].removesuffix(",")
    return before + inside + "".join(_CLOSERS[mark] for mark, _ in reversed(containers))


def _outline(document: str, max_depth: int) -> tuple[int | None, bool, list[tuple[str, int]]]:
    """Return where a document ends, whether its text ends inside a string, and its open containers.

    The end is None where it does not end. A container is its opening mark and where what is last in it begins.
    """
    containers: list[tuple[str, int]] = []
    for token in _TOKEN.finditer(document):
        mark, end = document[token.start()], token.end()
        if mark in "{[":
            containers.append((mark, end))
        elif mark == '"' and not token[1]:
            return None, True, containers
        elif mark in "}]":
            containers.pop()
        if not containers:
            return end, False, containers
        if mark in "}],":
            containers[-1] = (containers[-1][0], end)
        if len(containers) > max_depth:
            raise TooDeep(f"More than {max_depth} arrays and objects are open", token.start())
    return None, False, containers


def _close_string(text: str) -> str:
    # The library drops the blanks at an open string's end, and leaves half a surrogate pair in it.
    for at in range(max(0, len(text) - _MAX_UNFINISHED_CHARS), len(text)):
        if _UNFINISHED.match(text, at) and not _is_escaped(text, at):
            return text[:at] + '"'
    return text + '"'


def _is_escaped(text: str, at: int) -> bool:
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _delimit_number(text: str) -> str:
    # The library leaves out the number at the end, also where a blank has followed it. A comma tells it more.
    is_followed = text[-1:].strip(WHITESPACE) == "" and text.rstrip(WHITESPACE)[-1:].isdecimal()
    return text + "," if is_followed else text
