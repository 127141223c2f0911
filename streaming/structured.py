"""Answers that are to be one JSON document: held to their schema when they are whole.

The schema comes from whoever asks. So nothing that it refers to is fetched, it has a bound, and neither it nor any
pattern in it may take for ever.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from contextvars import ContextVar
from functools import cache
from itertools import islice
from typing import Any, TypeAlias

import gevent
import jsonschema
import msgspec
import referencing.exceptions
import regex
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from jsonschema_specifications import REGISTRY

from .errors import AnswerInvalid, InvalidRequest
from .events import Done, Event, Failed, Note, Restarted, TextDelta
from .partial_json import JSONError, PartialJSON, apply
from .pump import Source

MOST_PARTS = 2000
"""Objects that a schema may consist of. Each takes half a millisecond to check."""

LIMIT = 5.0
"""Seconds that the check of a schema, or of an answer, may take: by references a small one can be followed for ever."""

PATTERN_LIMIT = 0.25
"""Seconds that one pattern of a schema may take over one string."""

MOST_QUOTED = 200
"""Characters of a reason that are shown."""

_until: ContextVar[float] = ContextVar("until")
"""When the checking must have ended, in monotonic seconds."""

_Check: TypeAlias = Callable[[Any, Any, Any, Any], "Iterator[jsonschema.ValidationError] | None"]
"""What a keyword of a schema means: called with validator, the keyword's value, the instance, and the schema."""


class Schema:
    """A JSON Schema (draft 2020-12, or the one that its `$schema` names) that answers are held to.

    Args:
        schema: The schema.

    Raises:
        InvalidRequest: it is none.
    """

    __slots__ = ("_validator",)

    def __init__(self, schema: dict[str, Any]) -> None:
        _until.set(time.monotonic() + LIMIT)
        kind = _draft_of(schema)
        try:
            _refuse_costly_parts(schema)
            error = next(_validator(_draft_of(kind.META_SCHEMA), kind.META_SCHEMA).iter_errors(schema), None)
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
        _until.set(time.monotonic() + LIMIT)
        try:
            error = jsonschema.exceptions.best_match(self._validator.iter_errors(document_in(text)))
        except JSONError as malformed:
            return f"it is no JSON: {malformed}"
        except referencing.exceptions.Unresolvable as missing:
            return f"the schema refers to {missing.ref!r:.100}, which is not in it"
        except (ArithmeticError, RecursionError, TimeoutError) as cause:
            return f"the schema cannot be followed ({type(cause).__name__})"
        return None if error is None else f"at {error.json_path}, {error.message:.{MOST_QUOTED}}"


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
    # Its patterns are searched in places that cannot be told to give up.
    if any("patternProperties" in part for part in parts):
        raise InvalidRequest("schema has patternProperties, which is not supported here: name the properties.")
    for part in parts:
        if isinstance(pattern := part.get("pattern"), str):
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
    return _bounded(kind)(schema, registry=REGISTRY)  # type: ignore[arg-type]  # classes are hashable


@cache
def _bounded(kind: type[Validator]) -> type[Validator]:
    checks: dict[str, _Check] = {**kind.VALIDATORS, "pattern": _pattern, "uniqueItems": _unique_items}
    bounded: type[Validator] = extend(kind, {keyword: _in_time(check) for keyword, check in checks.items()})
    return bounded


def _in_time(check: _Check) -> _Check:
    def checked(*given: Any) -> Iterator[jsonschema.ValidationError] | None:  # noqa: ANN401  # see _Check
        if time.monotonic() > _until.get():
            raise TimeoutError
        return check(*given)

    return checked


def _pattern(_: Validator, pattern: str, instance: object, __: object) -> Iterator[jsonschema.ValidationError]:
    # Patterns are those of ECMA-262, which knows more than Python's own library. This one lets other threads run
    # meanwhile, and can be told to give up; that one can do neither.
    if isinstance(instance, str) and not regex.search(pattern, instance, timeout=PATTERN_LIMIT, concurrent=True):
        yield jsonschema.ValidationError(f"{instance!r:.100} does not match {pattern!r:.100}")


def _unique_items(_: Validator, wanted: object, instance: object, __: object) -> Iterator[jsonschema.ValidationError]:
    # The library holds each item against all others.
    if wanted and isinstance(instance, list) and len({_likeness(item) for item in instance}) < len(instance):
        yield jsonschema.ValidationError(f"{instance!r:.100} has an item twice")


def _likeness(value: object) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: object) -> object:
    # 1.0 is 1 in JSON.
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain(inner) for inner in value]
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
    return value


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
