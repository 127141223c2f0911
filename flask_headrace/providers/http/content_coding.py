"""Bodies that come compressed although nobody asked for it. Pure.

They are unpacked piece by piece, and no piece is longer than it may be: what is small when it arrives can become a
thousand times as large (RFC 9110, section 8.4).
"""

from __future__ import annotations

import zlib

MOST_AT_ONCE = 65536
"""Bytes that one piece may have."""

_GZIP_OR_ZLIB, _RAW = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_GZIP = b"\x1f\x8b"

_PLAIN = {"", "identity"}
_KNOWN = {"gzip", "x-gzip", "deflate"}


class CodingError(Exception):
    """The body is not what its head says, or breaks off."""


def coding_of(field: str) -> str:
    """Return how a body is encoded, told by the value of `Content-Encoding`; empty where it is not."""
    return ", ".join(name for name in map(str.strip, field.lower().split(",")) if name not in _PLAIN)


def unpacking_of(coding: str) -> Unpacking | None:
    """Return what unpacks a body of such a coding; None where nothing here can."""
    return Unpacking() if coding in _KNOWN else None


class Unpacking:
    """One body: packed bytes go in, and pieces come out."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._packed = b""
        self._is_begun = False

    def feed(self, packed: bytes) -> None:
        """Take bytes that have arrived."""
        self._packed += packed

    def piece(self) -> bytes:
        """Return the next piece; empty where more bytes are needed for one.

        Raises:
            CodingError: they are not what they were said to be.
        """
        while self._packed:
            is_new = self._unpacker.eof or not self._is_begun
            if is_new and len(self._packed) < len(_GZIP):
                break  # two bytes tell which of its forms it has
            if self._unpacker.eof:
                if not self._packed.startswith(_GZIP):
                    self._packed = b""  # padding
                    break
                self._unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)  # another member of the same body
            piece = self._unpack()
            self._packed = self._unpacker.unconsumed_tail or self._unpacker.unused_data
            if piece:
                return piece
        return b""

    def end(self) -> None:
        """Take the end of the body.

        Raises:
            CodingError: it came too early.
        """
        if (self._is_begun or self._packed) and not self._unpacker.eof:
            raise CodingError("it ends too early")

    def _unpack(self) -> bytes:
        is_first, self._is_begun = not self._is_begun, True
        try:
            return self._unpacker.decompress(self._packed, MOST_AT_ONCE)
        except zlib.error as error:
            if not is_first:
                raise CodingError(str(error)) from error
            # Some take `deflate` by its name, and leave out what zlib wraps around it.
            self._unpacker = zlib.decompressobj(_RAW)
            try:
                return self._unpacker.decompress(self._packed, MOST_AT_ONCE)
            except zlib.error:
                raise CodingError(str(error)) from error
