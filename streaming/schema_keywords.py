"""The keywords of JSON Schema, such that neither all of them together nor one pattern can take for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeAlias

import attrs
import jsonschema
import regex
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for

PATTERN_LIMIT = 0.25
"""Seconds that one pattern of a schema may take over one string."""

UNTIL: ContextVar[float] = ContextVar("until")
"""When the checking must have ended, in monotonic seconds: after that every keyword raises TimeoutError."""

_Check: TypeAlias = Callable[[Any, Any, Any, Any], "Iterator[jsonschema.ValidationError] | None"]
"""What a keyword of a schema means: called with validator, the keyword's value, the instance, and the schema."""


@cache
def bounded(kind: type[Validator]) -> type[Validator]:
    """Return the validator of a draft, with keywords that keep to `UNTIL` and `PATTERN_LIMIT`."""
    checks: dict[str, _Check] = {**kind.VALIDATORS, **_OWN}
    extended: type[Validator] = extend(kind, {keyword: _in_time(check) for keyword, check in checks.items()})
    extended.evolve = _evolve  # the library calls it for each part
    return extended


def _evolve(validator: Validator, **changes: Any) -> Validator:  # noqa: ANN401  # what the library changes
    """Return a validator of a part. The library's own is unbounded where the part names its draft."""
    mine = type(validator)
    kind = validator_for(changes.setdefault("schema", validator.schema), default=mine)
    same = {field.alias: getattr(validator, field.name) for field in attrs.fields(mine) if field.init}
    return (kind if kind is mine else bounded(kind))(**{**same, **changes})


def keep_time() -> None:
    """Return if there is time left; see `UNTIL`. Raises TimeoutError."""
    if time.monotonic() > UNTIL.get():
        raise TimeoutError


def _in_time(check: _Check) -> _Check:
    def checked(*given: Any) -> Iterator[jsonschema.ValidationError] | None:  # noqa: ANN401  # see _Check
        keep_time()
        return check(*given)

    return checked


def _matches(pattern: str, text: str) -> bool:
    # Patterns are those of ECMA-262, which knows more than Python's own library. This one lets other threads run
    # meanwhile, and can be told to give up; that one can do neither.
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


_OWN: dict[str, _Check] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
