"""Numbers of JSON texts keep their digits, and stay numbers for those who calculate with them."""

from __future__ import annotations

import copy
import json
import math
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.core.exact_json import ExactDecoder, ExactFloat, encode, parse_number
from flask_headrace.core.json_object import exact_decoder, is_json_object, object_decoder

ODD = ["-0", "1.50", "1E5", "1e+22", "1e400", "-1e-400", "0.1000000000000000055511151231257827", "-0e-0"]
PLAIN = ["0", "-0.0", "-1", "12", "9007199254740993", "1" * 400, "0.5", "1.0", "-2.25", "1e-7", "1e16"]
fractions = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@pytest.mark.parametrize("digits", [*ODD, *PLAIN])
@pytest.mark.parametrize("decoder", [exact_decoder, object_decoder])
def test_digits_stay(decoder: ExactDecoder[dict], digits: str) -> None:
    text = f'{{"a":[{digits},{{"-0":"-0 \\" -0, "}},{digits}],"b":{digits}}}'
    assert encode(decoder.decode(text)).decode() == text
    assert encode(decoder.decode(text.encode())).decode() == text


@given(st.lists(fractions))
def test_digits_of_any_numbers_stay(numbers: list[str]) -> None:
    text = f'{{"a":[{",".join(numbers)}]}}'
    assert encode(object_decoder.decode(text)).decode() == text
    assert encode([parse_number(number) for number in numbers]).decode() == text[5:-1]


@pytest.mark.parametrize("digits", ODD)
def test_an_odd_number_is_a_float_for_all_others(digits: str) -> None:
    number = object_decoder.decode(f'{{"a":{digits}}}')["a"]
    assert isinstance(number, ExactFloat)
    assert number == float(digits)
    assert math.copysign(1, number) == math.copysign(1, float(digits))
    assert json.dumps(number) == json.dumps(float(digits))
    for same in (pickle.loads(pickle.dumps(number)), copy.deepcopy(number)):
        assert encode(same).decode() == digits


@pytest.mark.parametrize("digits", PLAIN)
def test_other_numbers_are_plain(digits: str) -> None:
    assert type(object_decoder.decode(f'{{"a":{digits}}}')["a"]) in {int, float}


def test_a_type_keeps_its_numbers() -> None:
    class Body(msgspec.Struct):
        temperature: float
        seed: int
        value: object = None

    body = ExactDecoder[Body](Body).decode(b'{"temperature":1.50,"seed":-0,"value":{"a":1E5}}')
    assert (type(body.temperature), body.temperature, body.seed) == (float, 1.5, 0)
    assert encode(body.value) == b'{"a":1E5}'


@pytest.mark.parametrize(
    "text", ['{"a":-0,', '{"a":-0 x}', '{"a":-01}', "{-0:1}", '{"a":"-0}', '{"a":--0}', '["-0", -0]']
)
def test_what_is_no_object_is_refused_where_msgspec_refuses_it(text: str) -> None:
    with pytest.raises(msgspec.DecodeError) as plain:
        msgspec.json.decode(text, type=dict)
    with pytest.raises(msgspec.DecodeError) as exact:
        object_decoder.decode(text)
    assert str(exact.value) == str(plain.value)
    assert not is_json_object(text)


def test_what_is_no_json_value_is_still_refused() -> None:
    with pytest.raises(TypeError, match="type object is unsupported"):
        encode({"a": object()})
