"""Decompression of response bodies that are compressed although the request asks for `identity`. Pure.

A body is decompressed in pieces of limited size, because compressed data can grow a thousandfold (RFC 9110, section
8.4).
"""

from __future__ import annotations

import zlib

MAX_PIECE_BYTES = 65536
"""Maximum size in bytes of one decompressed piece."""

_GZIP_OR_ZLIB, _RAW_DEFLATE = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"

_IDENTITY = {"", "identity"}
_SUPPORTED = {"gzip", "x-gzip", "deflate"}


class DecodingError(Exception):
    """The body is not encoded as its `Content-Encoding` says, or is incomplete."""


def parse_content_encoding(field: str) -> str:
    """Return the codings of a `Content-Encoding` header's value in lower case, without `identity`; empty for none."""
    return ", ".join(name for name in map(str.strip, field.lower().split(",")) if name not in _IDENTITY)


def create_decompressor(coding: str) -> Decompressor | None:
    """Return a decompressor for `coding`, as `parse_content_encoding` returns it; None if it is not supported."""
    return Decompressor() if coding in _SUPPORTED else None


class Decompressor:
    """Incremental decompression of one body in gzip, zlib or raw deflate format."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._compressed = b""
        self._has_started = False

    def feed(self, compressed: bytes) -> None:
        """Append compressed bytes."""
        self._compressed += compressed

    def next_piece(self) -> bytes:
        """Return the next piece, at most MAX_PIECE_BYTES long; empty if more bytes are needed.

        Raises:
            DecodingError: the bytes are not in a supported format.
        """
        while self._compressed:
            is_new = self._zlib.eof or not self._has_started
            if is_new and len(self._compressed) < len(_GZIP_MAGIC):
                break  # the format is recognized by two bytes
            if self._zlib.eof:
                if not self._compressed.startswith(_GZIP_MAGIC):
                    self._compressed = b""  # padding
                    break
                self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)  # the next member of a gzip body
            piece = self._decompress()
            self._compressed = self._zlib.unconsumed_tail or self._zlib.unused_data
            if piece:
                return piece
        return b""

    def finish(self) -> None:
        """Mark the end of the body.

        Raises:
            DecodingError: the compressed data is incomplete.
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
            # Some servers send `deflate` without the zlib header.
            self._zlib = zlib.decompressobj(_RAW_DEFLATE)
            try:
                return self._zlib.decompress(self._compressed, MAX_PIECE_BYTES)
            except zlib.error:
                raise DecodingError(str(error)) from error
