"""A JSON Schema that answers are held to.

It comes from whoever asks. So nothing that it refers to is fetched, it has a bound, and its checks take no longer than
they may (see `schema_keywords`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import gevent
import jsonschema
import msgspec
import referencing.exceptions
import regex
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from jsonschema_specifications import REGISTRY

from .errors import InvalidRequest
from .partial_json import JSONError, PartialJSON, apply
from .schema_keywords import UNTIL, bounded
from .schema_references import refuse_lost_references

MOST_PARTS = 2000
"""Objects that a schema may consist of. Each takes half a millisecond to check."""

LIMIT = 5.0
"""Seconds that the check of a schema, or of an answer, may take: by references a small one can be followed for ever."""

MOST_QUOTED = 200
"""Characters of a reason that are shown."""


class Schema:
    """A JSON Schema (draft 2020-12, or the one that its `$schema` names) that answers are held to.

    Args:
        schema: The schema.

    Raises:
        InvalidRequest: it is none, or refers to one that is not there.
    """

    __slots__ = ("_validator",)

    def __init__(self, schema: dict[str, Any]) -> None:
        UNTIL.set(time.monotonic() + LIMIT)
        kind = _draft_of(schema)
        try:
            _refuse_costly_parts(schema)
            error = next(_validator(_draft_of(kind.META_SCHEMA), kind.META_SCHEMA).iter_errors(schema), None)
            if error is None:
                refuse_lost_references(kind, schema)
        except RecursionError:
            raise InvalidRequest("schema is nested too deep.") from None
        except TimeoutError:
            raise InvalidRequest(f"schema takes more than {LIMIT:g} s to check: make it smaller.") from None
        if error is not None:
            raise InvalidRequest(f"schema is no JSON Schema: at {error.json_path}, {error.message:.200}.")
        self._validator = _validator(kind, schema)

    @classmethod
    def of(cls, schema: dict[str, Any]) -> Schema:
        """Return a schema without blocking the loop; see the class for what it raises."""

        def made() -> Schema | InvalidRequest:
            try:
                return cls(schema)
            except InvalidRequest as error:
                return error  # raised there, it would be logged as a mistake of ours

        found: Schema | InvalidRequest = gevent.get_hub().threadpool.apply(made)
        if isinstance(found, InvalidRequest):
            raise found
        return found

    def mistake_in(self, text: str) -> str | None:
        """Return what is wrong with an answer; None where it is one document that fits. Does not block the loop."""
        return gevent.get_hub().threadpool.apply(self._mistake_in, (text,))  # type: ignore[no-any-return]

    def _mistake_in(self, text: str) -> str | None:
        UNTIL.set(time.monotonic() + LIMIT)
        try:
            error = jsonschema.exceptions.best_match(self._validator.iter_errors(document_in(text)))
        except JSONError as malformed:
            return f"it is no JSON: {malformed}"
        except referencing.exceptions.Unresolvable as missing:
            return f"the schema refers to {missing.ref!r:.100}, which is not in it"
        except (ArithmeticError, RecursionError, TimeoutError, jsonschema.exceptions.UnknownType) as cause:
            return f"the schema cannot be followed ({type(cause).__name__})"
        if error is None:
            return None
        place = error.json_path if error.path else "the top of the document"
        return f"at {place}, {error.message:.{MOST_QUOTED}}"


def _draft_of(schema: Any) -> type[Validator]:  # noqa: ANN401  # an object, or true or false
    try:
        kind: type[Validator] = validator_for(schema, default=jsonschema.Draft202012Validator)
    except (AttributeError, TypeError, ValueError):  # the library's own, of what is no text or no URL
        told = schema["$schema"]
        raise InvalidRequest(f"schema has {told!r:.100} as its $schema: it must name a draft by its URL.") from None
    return kind


def _refuse_costly_parts(schema: dict[str, Any]) -> None:
    parts = list(islice(_parts(schema), MOST_PARTS + 1))
    if len(parts) > MOST_PARTS:
        raise InvalidRequest(f"schema has more than {MOST_PARTS} parts: ask for less at once.")
    # There the library searches for patterns in a way that cannot be told to give up.
    if all(any(keyword in part for part in parts) for keyword in ("patternProperties", "unevaluatedProperties")):
        raise InvalidRequest(
            "schema has patternProperties and unevaluatedProperties, which cannot be had together here: use "
            "additionalProperties."
        )
    for part in parts:
        for pattern in _patterns(part):
            _check_pattern(pattern)


def _patterns(part: dict[str, Any]) -> Iterator[str]:
    if isinstance(pattern := part.get("pattern"), str):
        yield pattern
    if isinstance(patterns := part.get("patternProperties"), dict):
        yield from patterns


def _check_pattern(pattern: str) -> None:
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError) as error:
        raise InvalidRequest(f"schema has the pattern {pattern!r:.100}, which is none: {error}.") from None


def _parts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def _validator(kind: type[Validator], schema: Any) -> Validator:  # noqa: ANN401  # as above
    return bounded(kind)(schema, registry=REGISTRY)  # type: ignore[arg-type]  # classes are hashable


def document_in(text: str) -> Any:  # noqa: ANN401  # any JSON value
    """Return the JSON document in an answer, without a fence and text around it.

    Raises:
        JSONError: there is none, or it is not whole.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        parser = PartialJSON()
        return apply(msgspec.UNSET, [*parser.feed(text), *parser.end()])
