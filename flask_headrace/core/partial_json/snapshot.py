"""The value of an incomplete JSON text, for readers that join later and for answers that ended early.

`partial-json-parser` completes the text. It copies all text before each string, so it gets only the last member or item
of the innermost container. It also guesses; so it is configured not to complete numbers, booleans and null, and the
texts that it completes wrongly are adjusted before. A snapshot therefore equals the document that the patches of the
same text build.
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


def snapshot(text: str, *, max_depth: int = MAX_DEPTH, decode: Callable[[str], JSON] = json.decode) -> JSON | UnsetType:
    """Return the value of the JSON document in an incomplete text, in time proportional to the text.

    Texts that `PartialJSON` rejects are rejected or read leniently.

    Args:
        text: The text so far.
        max_depth: The maximum number of nested arrays and objects.
        decode: Returns the value of a complete JSON text, with the numbers that the `parse_number` of `PartialJSON`
            gives. The default is `msgspec.json.decode`.

    Returns:
        The value; `msgspec.UNSET` if the document has not begun.

    Raises:
        Malformed: the text cannot be completed to a document.
        TooDeep: the arrays and objects are nested deeper than `max_depth`.
    """
    document = DocumentLocator().feed(text)
    if document is None:
        return UNSET
    try:
        return decode(_complete_document(document, max_depth))
    except JSONError:
        raise
    except RecursionError:
        raise TooDeep("Too many arrays and objects are open", len(text)) from None
    except (ValueError, MsgspecError, AssertionError, IndexError) as error:  # the library's own bugs, too
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
    """Return the end of a document, whether its text ends inside a string, and its open containers.

    The end is None if the document is incomplete. A container is its opening bracket and the index at which its last
    member or item begins.
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
    # The library drops whitespace at the end of an open string, and keeps half a surrogate pair.
    for at in range(max(0, len(text) - _MAX_UNFINISHED_CHARS), len(text)):
        if _UNFINISHED.match(text, at) and not _is_escaped(text, at):
            return text[:at] + '"'
    return text + '"'


def _is_escaped(text: str, at: int) -> bool:
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _delimit_number(text: str) -> str:
    # The library omits a number at the end, even if whitespace follows. A comma after the number prevents this.
    is_followed = text[-1:].strip(WHITESPACE) == "" and text.rstrip(WHITESPACE)[-1:].isdecimal()
    return text + "," if is_followed else text
