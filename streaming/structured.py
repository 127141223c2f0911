"""Answers that are to be one JSON document: held to their schema when they are whole.

The schema comes from whoever asks. So nothing that it refers to is fetched, and no pattern in it may take for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import gevent
import jsonschema
import msgspec
import referencing.exceptions
import regex
from jsonschema.protocols import Validator
from jsonschema_specifications import REGISTRY

from .errors import AnswerInvalid, InvalidRequest
from .events import Done, Event, Failed, Note, Restarted, TextDelta
from .partial_json import JSONError, PartialJSON, apply
from .pump import Source

PATTERN_LIMIT = 0.25
"""Seconds that one pattern of a schema may take over one string."""

MOST_QUOTED = 200
"""Characters of a reason that are shown."""

# Patterns are those of ECMA-262, which knows more than Python's own.
_NO_FORMATS = jsonschema.FormatChecker(formats=())


class Schema:
    """A JSON Schema (draft 2020-12, or the one that its `$schema` names) that answers are held to.

    Args:
        schema: The schema.

    Raises:
        InvalidRequest: it is none.
    """

    __slots__ = ("_validator",)

    def __init__(self, schema: dict[str, Any]) -> None:
        kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        try:
            kind.check_schema(schema, format_checker=_NO_FORMATS)
            is_too_much = _has(schema, "patternProperties") and _has(schema, "unevaluatedProperties")
        except jsonschema.SchemaError as error:
            raise InvalidRequest(f"schema is no JSON Schema: at {error.json_path}, {error.message:.200}.") from None
        except RecursionError:
            raise InvalidRequest("schema is nested too deep.") from None
        if is_too_much:
            raise InvalidRequest(
                "schema has patternProperties and unevaluatedProperties, which cannot be had together here: use "
                "additionalProperties."
            )
        bounded: type[Validator] = jsonschema.validators.extend(kind, _BOUNDED)
        self._validator = bounded(schema, registry=REGISTRY)

    def mistake_in(self, text: str) -> str | None:
        """Return what is wrong with an answer; None where it is one document that fits. Does not block the loop."""
        return gevent.get_hub().threadpool.apply(self._mistake_in, (text,))  # type: ignore[no-any-return]

    def _mistake_in(self, text: str) -> str | None:
        try:
            error = jsonschema.exceptions.best_match(self._validator.iter_errors(document_in(text)))
        except JSONError as malformed:
            return f"it is no JSON: {malformed}"
        except referencing.exceptions.Unresolvable as missing:
            return f"the schema refers to {missing.ref!r:.100}, which is not in it"
        except (RecursionError, TimeoutError, regex.error) as cause:
            return f"the schema cannot be followed ({type(cause).__name__})"
        return None if error is None else f"at {error.json_path}, {error.message:.{MOST_QUOTED}}"


def _has(value: object, keyword: str) -> bool:
    if isinstance(value, dict):
        return keyword in value or any(_has(inner, keyword) for inner in value.values())
    return isinstance(value, list) and any(_has(inner, keyword) for inner in value)


def _matches(pattern: str, text: str) -> bool:
    # This library lets other threads run meanwhile, and can be told to give up; Python's own can do neither.
    return regex.search(pattern, text, timeout=PATTERN_LIMIT, concurrent=True) is not None


def _pattern(_: Validator, pattern: str, instance: object, __: object) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and not _matches(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r:.100} does not match {pattern!r:.100}")


def _pattern_properties(
    validator: Validator, patterns: dict[str, Any], instance: object, _: object
) -> Iterator[jsonschema.ValidationError]:
    members = instance.items() if isinstance(instance, dict) else ()
    for pattern, schema in patterns.items():
        for name, value in members:
            if _matches(pattern, name):
                yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Validator, wanted: object, instance: object, schema: dict[str, Any]
) -> Iterator[jsonschema.ValidationError]:
    # The library's own searches the patterns too, and cannot be told to give up: it is shown what matches none.
    known = {"properties": schema.get("properties", {})}
    patterns = schema.get("patternProperties", {})
    if isinstance(instance, dict):
        names = [name for name in instance if not any(_matches(pattern, name) for pattern in patterns)]
        instance = {name: instance[name] for name in names}
    own = jsonschema.Draft202012Validator.VALIDATORS["additionalProperties"]
    yield from own(validator, wanted, instance, known)


_BOUNDED = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}


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


def held_to(schema: Schema, source: Source, model: str) -> Source:
    """Return a source that ends with a failure where the answer does not fit a schema.

    Args:
        schema: The schema.
        source: Where the answer comes from.
        model: How the failure names the model.
    """
    return lambda: _checked(schema, source, model)


def _checked(schema: Schema, source: Source, model: str) -> Iterator[list[Event] | Note]:
    texts: list[str] = []
    with closing(source()) as batches:  # type: ignore[type-var]  # sources are generators
        for events in batches:
            if isinstance(events, Note):
                yield events
                continue
            if any(isinstance(event, Restarted) for event in events):
                texts.clear()
            texts += [event.text for event in events if isinstance(event, TextDelta)]
            last = events[-1] if events else None
            # Calls of tools, and refusals, are no document, and are not meant to be one.
            if isinstance(last, Done) and last.finish_reason not in {"tool_calls", "content_filter"}:
                yield [*events[:-1], _end(last, schema.mistake_in("".join(texts)), model)]
            else:
                yield events


def _end(done: Done, mistake: str | None, model: str) -> Done | Failed:
    if mistake is None:
        return done
    cut = " It was cut at max_tokens." if done.finish_reason == "length" else ""
    error = AnswerInvalid(f"The answer of {model} does not fit the schema: {mistake}.{cut}")
    return Failed(error.code, error.message, error.retryable)
