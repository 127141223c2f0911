"""A large body has files and a text: the text is bounded, and a file changes nothing about how the text is read."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.blueprints.http.body_files import MIN_FILE_BYTES, split_body
from flask_headrace.core.exact_json import ExactDecoder, ExactFloat, encode

FILE = base64.b64encode(bytes(range(256)) * (MIN_FILE_BYTES // 128)).decode()
URL = f"data:application/vnd.ms-excel;base64,{FILE}"
URLSAFE = base64.urlsafe_b64encode(b"\xfb\xff-0" * MIN_FILE_BYTES).decode()
decoder: ExactDecoder[Any] = ExactDecoder(Any)


@pytest.mark.parametrize("file", [FILE, URL, URLSAFE, "A" * MIN_FILE_BYTES])
def test_a_file_is_no_text(file: str) -> None:
    data = json.dumps({"text": "hello", "url": file}).encode()
    body = split_body(data, 100)
    assert body is not None
    assert body.text == data.replace(file.encode(), b"")


def test_a_file_of_php_is_no_text() -> None:
    data = json.dumps({"url": URL}).replace("/", "\\/").encode()
    body = split_body(data, 100)
    assert body is not None
    assert body.text == b'{"url": ""}'
    assert decoder.decode(data, body.mark_zeros) == {"url": URL}


@pytest.mark.parametrize(
    "long",
    [
        "word " * MIN_FILE_BYTES,
        r"\n" * MIN_FILE_BYTES,
        r"\\/" * MIN_FILE_BYTES,
        "a,b," * MIN_FILE_BYTES,
        "[" * 9999,
        "{" * 9999,
        "é" * 9999,
    ],
    ids=["words", "escapes", "backslashes", "commas", "brackets", "braces", "letters"],
)
def test_a_long_text_is_no_file(long: str) -> None:
    assert split_body(f'{{"url": "{long}"}}'.encode(), 1000) is None


def test_many_short_files_are_text() -> None:
    assert split_body(json.dumps(["A" * 1000] * 100).encode(), 10_000) is None


@pytest.mark.parametrize("hostile", [b'"' * 100_000, b'"",' * 50_000, b'"\\"' * 50_000, b"[" * 100_000])
def test_a_body_of_nothing_but_marks_is_text(hostile: bytes) -> None:
    assert split_body(hostile, 10_000) is None


PIECES = st.sampled_from([FILE, URL, URLSAFE, "hi", "-0", ", -0,", '\\"', '"', "", "\u00e9"])


@given(st.recursive(PIECES | st.sampled_from([-0.0, 1, None]), lambda inner: st.lists(inner, max_size=4)))
def test_a_body_is_decoded_as_without_a_split(value: Any) -> None:
    data = encode({"value": value, "file": URL}).replace(b"-0.0", b"-0")
    body = split_body(data, len(data) - 1)
    assert body is not None
    decoded = decoder.decode(data, body.mark_zeros)
    assert encode(decoded) == data == encode(decoder.decode(data))


def test_a_number_beside_a_file_keeps_its_digits() -> None:
    data = f'{{"zero": -0, "long": 1.50, "file": "{URLSAFE}", "text": ", -0,"}}'.encode()
    body = split_body(data, 200)
    assert body is not None
    decoded = decoder.decode(data, body.mark_zeros)
    assert isinstance(decoded["zero"], ExactFloat)
    assert encode(decoded) == data.replace(b": ", b":").replace(b', "', b',"')
