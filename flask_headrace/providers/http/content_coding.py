"""Bodies that come compressed although nobody asked for it. Pure.

They are unpacked piece by piece, and no piece is longer than it may be: what is small when it arrives can become a
thousand times as large (RFC 9110, section 8.4).
"""

from __future__ import annotations

import zlib

MAX_PIECE_BYTES = 65536
"""Bytes that one piece may have."""

_GZIP_OR_ZLIB, _RAW_DEFLATE = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"

_IDENTITY = {"", "identity"}
_SUPPORTED = {"gzip", "x-gzip", "deflate"}


class DecodingError(Exception):
    """The body is not what its head says, or breaks off."""


def parse_content_encoding(field: str) -> str:
    """Return how a body is encoded, told by the value of `Content-Encoding`; empty where it is not."""
    return ", ".join(name for name in map(str.strip, field.lower().split(",")) if name not in _IDENTITY)


def create_decompressor(coding: str) -> Decompressor | None:
    """Return what unpacks a body of such a coding; None where nothing here can."""
    return Decompressor() if coding in _SUPPORTED else None


class Decompressor:
    """One body: packed bytes go in, and pieces come out."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._compressed = b""
        self._has_started = False

    def feed(self, compressed: bytes) -> None:
        """Take bytes that have arrived."""
        self._compressed += compressed

    def next_piece(self) -> bytes:
        """Return the next piece; empty where more bytes are needed for one.

        Raises:
            CodingError: they are not what they were said to be.
        """
        while self._compressed:
            is_new = self._zlib.eof or not self._has_started
            if is_new and len(self._compressed) < len(_GZIP_MAGIC):
                break  # two bytes tell which of its forms it has
            if self._zlib.eof:
                if not self._compressed.startswith(_GZIP_MAGIC):
                    self._compressed = b""  # padding
                    break
                self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)  # another member of the same body
            piece = self._decompress()
            self._compressed = self._zlib.unconsumed_tail or self._zlib.unused_data
            if piece:
                return piece
        return b""

    def finish(self) -> None:
        """Take the end of the body.

        Raises:
            CodingError: it came too early.
        """
        if (self._has_started or self._compressed) and not self._zlib.eof:
            raise DecodingError("it ends too early")

    def _decompress(self) -> bytes:
        is_first, self._has_started = not self._has_started, True
        try:
            return self._zlib.decompress(self._compressed, MAX_PIECE_BYTES)
        except zlib.error as error:
            if not is_first:
                raise DecodingError(str(error)) from error
            # Some take `deflate` by its name, and leave out what zlib wraps around it.
            self._zlib = zlib.decompressobj(_RAW_DEFLATE)
            try:
                return self._zlib.decompress(self._compressed, MAX_PIECE_BYTES)
            except zlib.error:
                raise DecodingError(str(error)) from error
