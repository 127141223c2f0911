"""The references in a JSON Schema, looked up where they stand, before anything is held to it."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Any

from jsonschema.protocols import Validator
from jsonschema_specifications import REGISTRY
from referencing import Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

from .errors import InvalidRequest
from .schema_keywords import keep_time

_KEYWORDS = ("$ref", "$dynamicRef")


def refuse_lost_references(kind: type[Validator], schema: dict[str, Any]) -> None:
    """Return if no reference certainly leads to nothing. Nothing is fetched.

    Args:
        kind: The validator of the schema's draft.
        schema: A schema that is one by its draft.

    Raises:
        InvalidRequest: one does; the message names it.
        TimeoutError: it takes longer than it may; see `schema_keywords.UNTIL`.
    """
    specification = specification_with(kind.META_SCHEMA.get("$id") or kind.META_SCHEMA["id"])
    root: Resource[Any] = specification.create_resource(schema)
    found = deque([(_resolver_at(root), root)])
    while found:
        resolver, part = found.popleft()
        for keyword in _KEYWORDS:
            if keyword in kind.VALIDATORS and keyword in part.contents:
                _refuse_lost(resolver, part.contents[keyword])
        for inner in part.subresources():
            # A part of another draft has other keywords, and was not checked by them.
            if isinstance(inner.contents, dict) and inner.contents.get("$schema") in (None, schema.get("$schema")):
                found.append((_inside(resolver, inner), inner))


def _resolver_at(root: Resource[Any]) -> Any:  # noqa: ANN401  # the library's, of any contents
    registry = REGISTRY.with_resource(root.id() or "", root)
    with suppress(AttributeError, ValueError):  # see `_refuse_lost`, and `_inside`
        # Once: else the library looks for all names again for each that is looked up.
        registry = registry.crawl()
    return registry.resolver(root.id() or "")


def _refuse_lost(resolver: Any, reference: str) -> None:  # noqa: ANN401  # as above
    keep_time()
    try:
        target = resolver.lookup(reference).contents
    except (Unresolvable, AttributeError, TypeError, ValueError):
        # All but the first are what comes of pointers through lists and numbers, and of parts of another draft.
        target = None
    if not isinstance(target, (dict, bool)):
        raise InvalidRequest(
            f"schema refers to {reference!r:.100}, where no schema is: put one into $defs and refer to that. Nothing "
            "is fetched."
        )


def _inside(resolver: Any, part: Resource[Any]) -> Any:  # noqa: ANN401  # as above
    try:
        return resolver.in_subresource(part)
    except ValueError:
        raise InvalidRequest(f"schema has {part.id()!r:.100} as an $id: it must be a URL.") from None
