"""Checks a JSON Schema, and an answer against its schema. Pure; a check may take unbounded time.

Schemas and answers are not trusted, so the checks run in a separate process that can be killed (see `sandbox`). The
validator is jsonschema-rs: its regular expressions are those of ECMA-262, of bounded size and without catastrophic
backtracking, and references in a schema are never fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Any

import jsonschema_rs
import msgspec

from ...core import exact_json
from ...core.exact_json import ExactFloat
from ...core.partial_json import JSONError, PartialJSON, apply
from .patterns import translate_patterns

MAX_QUOTED_CHARS = 200
"""Characters of the validator's message that are quoted."""

_BROKEN_REFERENCE = re.compile(r"^(Pointer|Anchor|Resource) '(.*?)' (?:does not exist|is not present)")


def schema_error(schema: dict[str, Any]) -> str | None:
    """Return why `schema` is not a valid JSON Schema; None if it is one."""
    try:
        _validator(schema)
    except jsonschema_rs.ValidationError as error:
        return _format_error(error)
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        return _truncate(str(error))
    return None


def answer_error(schema: dict[str, Any], text: str) -> str | None:
    """Return what is wrong with an answer; None if it is one JSON document that matches the schema.

    Args:
        schema: A valid JSON Schema.
        text: The text of the answer.
    """
    try:
        document = parse_document(text)
        error = next(_validator(schema).iter_errors(document), None)
    except JSONError as malformed:
        return f"it is not JSON: {malformed}"
    except (ValueError, OverflowError) as cause:
        return f"it cannot be checked against the schema: {_truncate(str(cause))}"
    if error is None:
        return None
    path = _path(error.instance_path)
    return f"at {path if error.instance_path else 'the top of the document'}, {_truncate(error.message)}"


def _validator(schema: dict[str, Any]) -> Any:  # noqa: ANN401  # a class for each draft
    return jsonschema_rs.validator_for(translate_patterns(schema), offline=True)


def _format_error(error: jsonschema_rs.ValidationError) -> str:
    if broken := _BROKEN_REFERENCE.match(error.message):
        kind, name = broken.groups()
        reference = {"Pointer": f"#{name}", "Anchor": f"#{name}"}.get(kind, name)
        return (
            f"it refers to {reference!r:.100}, which does not exist: put a schema into $defs and refer to that. "
            "References are never fetched"
        )
    if error.message.startswith("Unknown meta-schema"):
        return (
            f"at $.$schema, {error.message.partition('.')[0]}: it must be the URL of draft 4, 6, 7, 2019-09 or 2020-12"
        )
    return f"at {_path(error.instance_path)}, {_truncate(error.message)}"


def _path(keys: list[str | int]) -> str:
    return "$" + "".join([f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys])


def _truncate(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= MAX_QUOTED_CHARS else line[:MAX_QUOTED_CHARS] + "…"


def _parse_number(digits: str) -> int | float | Decimal:
    """Return a number as the validator takes it: a decimal if a float has not the same digits.

    Raises:
        ValueError: the number's exponent is too large even for a decimal.
    """
    number = exact_json.parse_number(digits)
    try:
        return Decimal(number.digits) if isinstance(number, ExactFloat) else number
    except DecimalException:
        raise ValueError(f"{digits:.100} is too large or too small a number") from None


_decoder = msgspec.json.Decoder(float_hook=_parse_number)

decode: Callable[[bytes | str], Any] = _decoder.decode
"""Decode JSON to a value that the validator takes. Its numbers keep their digits."""


def parse_document(text: str) -> Any:  # noqa: ANN401  # any JSON value
    """Return the JSON document in an answer, without a Markdown fence and text around it.

    Raises:
        JSONError: the answer contains no document, an incomplete one, or two.
        ValueError: a number cannot be checked.
    """
    try:
        return decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        parser = PartialJSON(parse_number=_parse_number)
        return apply(msgspec.UNSET, [*parser.feed(text), *parser.end()])
