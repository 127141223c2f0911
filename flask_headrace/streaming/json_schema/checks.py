"""Checks a JSON Schema, and an answer against its schema. Pure; a check may take unbounded time.

Schemas and answers are not trusted, so the checks run in a separate process that can be killed (see `sandbox`). The
validator is jsonschema-rs: its regular expressions are those of ECMA-262, of bounded size and without catastrophic
backtracking, and references in a schema are never fetched.
"""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import msgspec

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
    except JSONError as malformed:
        return f"it is not JSON: {malformed}"
    try:
        error = next(_validator(schema).iter_errors(document), None)
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


def parse_document(text: str) -> Any:  # noqa: ANN401  # any JSON value
    """Return the JSON document in an answer, without a Markdown fence and text around it.

    Raises:
        JSONError: the answer contains no document, or an incomplete one.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        parser = PartialJSON()
        return apply(msgspec.UNSET, [*parser.feed(text), *parser.end()])
