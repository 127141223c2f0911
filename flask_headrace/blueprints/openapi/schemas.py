"""The JSON Schemas of types, under names that are unique in the OpenAPI document. Pure."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias, get_args

import msgspec

from .operation import OTHERS, STRING_SCHEMA, EventStream, Frame

Json: TypeAlias = dict[str, Any]

_REF_PREFIX = "#/components/schemas/"


class NamedSchemas:
    """The named schemas of one document, and the schemas of its contents, which refer to them.

    Args:
        contents: All contents: types, `EventStream`s, and tuples of several of them; None is a string without a schema.

    Attributes:
        named: The named schemas, by their names.

    Raises:
        ValueError: two schemas have one name.
    """

    def __init__(self, contents: Iterable[Any]) -> None:
        self.named: Json = {}
        parts = [part for content in contents for part in _parts(content)]
        streams = [part for part in parts if isinstance(part, EventStream)]
        frames = [frame for stream in streams for frame in stream.frames]
        self._types = [part for part in parts if not isinstance(part, EventStream)]
        self._types += [data for frame in frames for data in frame.data]
        schemas, components = msgspec.json.schema_components(self._types, ref_template=f"{_REF_PREFIX}{{name}}")
        # Some types have no hash; `_types` keeps them, so that none gets the identity of another.
        self._schema_of = {id(part): self._tidy(schema) for part, schema in zip(self._types, schemas, strict=True)}
        self._add_components(components)
        for frame in frames:
            self._add(frame.name, self._frame_schema(frame))
        for stream in streams:
            if stream.name != stream.frames[0].name:
                self._add(stream.name, _any_of([_reference(frame.name) for frame in stream.frames]))

    def schema_of(self, content: Any) -> Json:  # noqa: ANN401  # see the class
        """Return the schema of one of the contents."""
        if content is None:
            return dict(STRING_SCHEMA)
        parts = _parts(content)
        return _any_of(
            [_reference(part.name) if isinstance(part, EventStream) else self._schema_of[id(part)] for part in parts]
        )

    def _add(self, name: str, schema: Json) -> None:
        if self.named.setdefault(name, schema) != schema:
            raise ValueError(f"Two schemas of the OpenAPI document are named {name!r}: rename one of them.")

    def _add_components(self, components: Json) -> None:
        classes = {
            kind.__name__: kind for part in self._types for kind in get_args(part) or [part] if isinstance(kind, type)
        }
        for name, schema in components.items():
            _check_name(name, components)
            _add_descriptions(schema, classes.get(name))
            self._add(name, {keyword: self._tidy_keyword(keyword, value) for keyword, value in schema.items()})

    def _frame_schema(self, frame: Frame) -> Json:
        data: Json = {"const": "[DONE]"}
        if frame.data:
            content = _any_of([self._schema_of[id(part)] for part in frame.data])
            data = {"type": "string", "contentMediaType": "application/json", "contentSchema": content}
        event: Json = {"const": "message"}
        if frame.events != ():
            event = {"type": "string"} if frame.events is None else {"enum": list(frame.events)}
        return {
            "type": "object",
            "description": frame.description,
            "required": ["data"] if frame.events == () else ["event", "data"],
            "properties": {
                "event": {**_simplified(event), "description": "The kind of the frame."},
                "id": {"type": "string", "description": "The event's id, if the stream is resumable."},
                "data": data,
            },
        }

    def _tidy(self, schema: Json) -> Json:
        """Return a schema as generators of clients understand it, and add what is named in it."""
        tidy = _simplified({keyword: self._tidy_keyword(keyword, value) for keyword, value in schema.items()})
        if OTHERS in tidy:
            known = tidy.pop("discriminator")["mapping"]
            other = _object_of_another_type(list(known), tidy.pop(OTHERS))
            tidy["anyOf"].append(self._named(f"Provider{tidy['title']}", other))
        if "title" not in tidy:
            return tidy
        of_place = {keyword: tidy.pop(keyword) for keyword in ("description",) if keyword in tidy}
        return {**self._named(tidy["title"], tidy), **of_place}

    def _tidy_keyword(self, keyword: str, value: Any) -> Any:  # noqa: ANN401  # any JSON
        match keyword, value:
            case "properties", dict():
                return {name: self._tidy(inner) for name, inner in value.items()}
            case (("anyOf" | "prefixItems"), list()):
                return [self._tidy(inner) for inner in value]
            case (("items" | "additionalProperties" | "propertyNames"), dict()):
                return self._tidy(value)
        return value

    def _named(self, name: str, schema: Json) -> Json:
        self._add(name, schema)
        return _reference(name)


def _parts(content: Any) -> tuple[Any, ...]:  # noqa: ANN401  # see `NamedSchemas`
    if content is None:
        return ()
    return content if type(content) is tuple else (content,)


def _check_name(name: str, components: Iterable[str]) -> None:
    # Types of one name get their modules' names in front of it.
    if "." not in name:
        return
    short = name.rpartition(".")[2]
    same = sorted(other for other in components if other.rpartition(".")[2] == short)
    raise ValueError(f"Several types of the OpenAPI document are named {short!r}: rename all but one of {same}.")


def _simplified(schema: Json) -> Json:
    """Return a schema without what generators of clients misread.

    They make a class of an `enum` of one value, a required field of one with a default, an object that must be empty of
    one without properties, and nothing of an array without items.
    """
    simple = dict(schema)
    match simple:
        case {"enum": [value]}:
            del simple["enum"]
            simple["const"] = value
        case {"enum": [*values]} if all(isinstance(value, str) for value in values):
            simple["type"] = "string"
        case {"type": "object"} if not simple.keys() & {"properties", "additionalProperties"}:
            simple["additionalProperties"] = True
        case {"type": "array"} if not simple.keys() & {"items", "prefixItems"}:
            simple["items"] = {}
    if (default := simple.pop("default", None)) not in (None, [], (), {}, ""):
        text = f"{simple.get('description', '')} Default: `{msgspec.json.encode(default).decode()}`."
        simple["description"] = text.strip()
    return simple


def _object_of_another_type(known: list[str], others: tuple[str, ...] | None) -> Json:
    schema: Json = {"type": "object", "description": "An object of another `type`, as the provider sends it."}
    if others is not None:
        return schema | {"required": ["type"], "properties": {"type": {"type": "string", "enum": list(others)}}}
    return schema | {"not": {"required": ["type"], "properties": {"type": {"enum": known}}}}


def _any_of(schemas: list[Json]) -> Json:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _reference(name: str) -> Json:
    return {"$ref": f"{_REF_PREFIX}{name}"}


def _add_descriptions(schema: Json, kind: type | None) -> None:
    # A docstring describes the fields in its `Args` section (Google style), those of base classes in theirs.
    text = inspect.cleandoc(schema.get("description", ""))
    if not text:
        return
    schema["description"] = " ".join(text.partition("\n\nArgs:\n")[0].split())
    inherited = [base.__doc__ or "" for base in kind.__mro__ if base.__module__ != "msgspec"] if kind else []
    for docstring in [text, *inherited]:
        for name, meaning in _described_fields(docstring):
            schema.get("properties", {}).get(name, {}).setdefault("description", meaning)


def _described_fields(docstring: str) -> Iterator[tuple[str, str]]:
    """Yield the names and meanings of the fields in a docstring's `Args` section."""
    fields = inspect.cleandoc(docstring).partition("\n\nArgs:\n")[2]
    for name, meaning in re.findall(r"^    (\w+): (.*(?:\n        .*)*)", fields, re.MULTILINE):
        yield name, " ".join(meaning.split())
