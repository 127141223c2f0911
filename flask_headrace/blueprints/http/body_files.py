r"""The files in a JSON body, told apart from its text: base64, which needs no attention. Pure.

One request is decoded without interruption, and some checks of a text take a second for some tens of megabytes of
hostile text. So a body may have megabytes of files, and not of text. A file is a JSON string that is long and has no
escapes but `\/`, which PHP writes, and no blanks, brackets or commas, but for that of a `data:` URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ...core.exact_json import mark_zeros

MIN_FILE_BYTES = 4096
"""Bytes of a string from which on it can count as a file."""

_NOT_IN_FILES = (b" ", b"[", b"{", b"<")


class BodyText(NamedTuple):
    """A body without its files.

    Args:
        text: The JSON text, in which an empty string is in the place of each file.
        files: The files by their places among the pieces between quotation marks.
    """

    text: bytes
    files: Mapping[int, bytes] = {}

    def place_in_body(self, place: int) -> int:
        """Return where in the body a place in the text is."""
        quotes = self.text.count(b'"', 0, place)
        return place + sum([len(file) for number, file in self.files.items() if number <= quotes])

    def mark_zeros(self, _body: bytes | str) -> bytes | None:
        """Return the whole body with the marks of `exact_json.mark_zeros`; None if there is nothing to mark."""
        marked = mark_zeros(self.text)
        if marked is None or not self.files:
            return marked
        pieces = marked.split(b'"')
        for place, file in self.files.items():
            pieces[place] = file
        return b'"'.join(pieces)


def split_body(data: bytes, max_text: int) -> BodyText | None:
    """Return a body's text and its files; None if the text is longer than `max_text` bytes.

    Args:
        data: The body.
        max_text: Maximum bytes of the text.
    """
    if len(data) <= max_text:
        return BodyText(data)
    # A text of `max_text` bytes has no more pieces than that.
    pieces = data.split(b'"', max_text + 1)
    if len(pieces) > max_text + 1:
        return None
    files = {place: piece for place, piece in enumerate(pieces) if len(piece) >= MIN_FILE_BYTES and _is_file(piece)}
    if len(data) - sum(map(len, files.values())) > max_text:
        return None
    return BodyText(b'"'.join([b"" if place in files else piece for place, piece in enumerate(pieces)]), files)


def _has_few_slashes(piece: bytes) -> bool:
    # Of 64 letters of base64 one is a slash. To find that megabytes have no other escape takes half a second.
    return piece.count(b"\\") * 16 <= len(piece) and b"\\" not in piece.replace(b"\\/", b"")


def _is_file(piece: bytes) -> bool:
    comma = piece.find(b",")
    return (
        piece.isascii()
        and (b"\\" not in piece or _has_few_slashes(piece))
        and not any(mark in piece for mark in _NOT_IN_FILES)
        and (comma < 0 or piece.find(b",", comma + 1) < 0)
    )
