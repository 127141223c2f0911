"""JSON whose numbers keep their digits from decoding to encoding. Pure.

A float has some 16 significant digits, and one way to write each: `1.50`, `1E5`, `1e400` and `0.10000000000000000001`
would be encoded as other texts, or not at all. Such a number is decoded to an `ExactFloat`, which is a float with its
text. All other numbers are decoded to `int` and `float`, which are encoded as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

_encode_float = msgspec.json.Encoder().encode

# msgspec has no hook for integers, and -0 is the only one that `int` does not keep. Decoders read it as this fraction.
_NEGATIVE_ZERO = re.compile(rb"-0(?<![^\[,:\s]-0)(?![^\],}\s])")
_STRING_OR_NEGATIVE_ZERO = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|' + _NEGATIVE_ZERO.pattern, re.DOTALL)
_MARKED_ZERO = "-0e-000"


class ExactFloat(float):
    """A number whose digits a float does not have. In calculations it is the nearest float, possibly infinite.

    `json.dumps` writes it like that float; `encode` writes its digits.

    Attributes:
        digits: The number as it stood in the JSON text.
    """

    __slots__ = ("digits",)

    def __new__(cls, digits: str) -> ExactFloat:
        """Return the number that a JSON text has."""
        number = super().__new__(cls, digits)
        number.digits = digits
        return number

    digits: str

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # `__new__` takes a text
        """Return the arguments with which copies are made."""
        return (self.digits,)


def parse_number(digits: str) -> int | float:
    """Return the number that a JSON text has: an `ExactFloat` if an `int` or a `float` has not the same digits."""
    if digits.lstrip("-").isdecimal() and digits != "-0":
        return int(digits)
    return parse_fraction(digits)


def parse_fraction(digits: str) -> float:
    """Return a fraction that a JSON text has, as `parse_number` does: the `float_hook` of msgspec's JSON decoders."""
    value = float(digits)
    return value if _encode_float(value) == digits.encode() else ExactFloat(digits)


def encode_hook(value: Any) -> msgspec.Raw:  # noqa: ANN401  # anything that msgspec does not know
    """Return the digits of an `ExactFloat`, as JSON: the `enc_hook` of msgspec's JSON encoders.

    Raises:
        TypeError: the value is something else.
    """
    if isinstance(value, ExactFloat):
        return msgspec.Raw(value.digits.encode())
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


encode: Callable[[Any], bytes] = msgspec.json.Encoder(enc_hook=encode_hook).encode
"""Encode a value as JSON, with the digits of its numbers."""


def to_builtins(value: Any) -> Any:  # noqa: ANN401  # any value of msgspec's
    """Return a value as dicts, sequences and plain values, as `msgspec.to_builtins`, with the numbers as they are."""
    return msgspec.to_builtins(value, builtin_types=(ExactFloat,))


class ExactDecoder(Generic[T]):
    """Decodes JSON to a type. Where the type has `Any`, numbers keep their digits.

    Args:
        type: The type, as for `msgspec.json.Decoder`, without `msgspec.Raw`: that would have the mark of a -0.
        parse_fraction: Returns the value of a fraction, or of -0, given its text.
    """

    __slots__ = ("_decode", "type")

    def __init__(
        self,
        type: type[T] | Any,  # noqa: A002, ANN401  # msgspec's name; unions are no types
        parse_fraction: Callable[[str], Any] = parse_fraction,
    ) -> None:
        self.type = type

        def parse(digits: str) -> Any:  # noqa: ANN401
            return parse_fraction("-0" if digits == _MARKED_ZERO else digits)

        decoder = msgspec.json.Decoder(type, float_hook=parse)
        self._decode: Callable[[bytes | str], T] = decoder.decode

    def decode(self, text: bytes | str, mark: Callable[[bytes | str], bytes | None] | None = None) -> T:
        """Return the decoded value.

        Args:
            text: The JSON text.
            mark: Returns the text with the marks of `mark_zeros`; None for that function itself.

        Raises:
            msgspec.DecodeError: the text is not JSON.
            msgspec.ValidationError: the JSON value is not of the type.
            UnicodeError: the text is not UTF-8, or has half of a character.
        """
        has_zero = b"-0" in text if isinstance(text, bytes) else "-0" in text
        if has_zero and (marked := (mark or mark_zeros)(text)) is not None:
            try:
                return self._decode(marked)
            except msgspec.DecodeError:
                pass  # the places in the error would be those of the marked text, or the type has an integer there
        return self._decode(text)


def mark_zeros(text: bytes | str) -> bytes | None:
    """Return a JSON text with a mark at each number that is -0, for `ExactDecoder`; None if there is none."""
    characters = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if not _NEGATIVE_ZERO.search(characters):
        return None
    mark = _MARKED_ZERO.encode()
    return _STRING_OR_NEGATIVE_ZERO.sub(lambda found: found[0] if found[0][:1] == b'"' else mark, characters)
