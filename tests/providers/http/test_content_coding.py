"""Compressed bodies are decompressed in pieces, in every format and wherever the input is cut."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.providers.http.content_coding import (
    MAX_PIECE_BYTES,
    DecodingError,
    Decompressor,
    create_decompressor,
    parse_content_encoding,
)

TEXT = b"data: hello\n\n" * 100


def raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "zlib": zlib.compress(TEXT),
    "raw deflate": raw(TEXT),
    "two members": gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]),
    "padded": gzip.compress(TEXT) + b"\0" * 512,
}


def unpacked(pieces: list[bytes]) -> bytes:
    unpacking, found = Decompressor(), b""
    for packed in pieces:
        unpacking.feed(packed)
        while piece := unpacking.next_piece():
            assert len(piece) <= MAX_PIECE_BYTES
            found += piece
    unpacking.finish()
    return found


@given(st.sampled_from(sorted(PACKED)), st.lists(st.integers(0, 700), max_size=6))
def test_is_the_same_wherever_it_is_cut(kind: str, places: list[int]) -> None:
    packed, cuts = PACKED[kind], sorted(places)
    pieces = [packed[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(packed)], strict=True)]
    assert unpacked(pieces) == TEXT


@pytest.mark.parametrize("kind", PACKED)
def test_is_the_same_byte_by_byte(kind: str) -> None:
    assert unpacked([bytes([byte]) for byte in PACKED[kind]]) == TEXT


def test_what_becomes_a_thousand_times_as_large_comes_in_pieces() -> None:
    packed = gzip.compress(b"\0" * 10_000_000)
    assert len(packed) < 20_000
    assert len(unpacked([packed])) == 10_000_000


@pytest.mark.parametrize("packed", [PACKED["gzip"][:-20], PACKED["zlib"][:20], b"\x1f"], ids=["gzip", "zlib", "a byte"])
def test_that_ends_too_early_is_told_so(packed: bytes) -> None:
    with pytest.raises(DecodingError, match="too early"):
        unpacked([packed])


def test_that_is_nothing_of_the_kind_is_told_so() -> None:
    with pytest.raises(DecodingError):
        unpacked([b"<html>no</html>"])
    with pytest.raises(DecodingError):
        unpacked([PACKED["gzip"][:30], b"<html>no</html>" * 20])


def test_of_nothing_is_nothing() -> None:
    assert unpacked([]) == unpacked([b""]) == b""


@pytest.mark.parametrize(
    ("field", "coding", "is_known"),
    [
        ("", "", False),
        ("identity", "", False),
        (" GZIP ", "gzip", True),
        ("x-gzip", "x-gzip", True),
        ("deflate, identity", "deflate", True),
        ("br", "br", False),
        ("gzip, gzip", "gzip, gzip", False),
    ],
)
def test_which_are_known(field: str, coding: str, is_known: bool) -> None:
    assert parse_content_encoding(field) == coding
    assert (create_decompressor(coding) is not None) == is_known
