"""References in schemas: broken ones are rejected before any answer, others are accepted."""

from __future__ import annotations

import pytest

from flask_headrace.core.errors import InvalidRequest
from flask_headrace.streaming.json_schema.validator import SchemaValidator

OLD = {"$schema": "http://json-schema.org/draft-07/schema#"}
NAMED = {"$id": "http://mill/root"}


class TestAReference:
    @pytest.mark.parametrize(
        ("schema", "named"),
        [
            ({"$ref": "#/$defs/mill"}, "#/$defs/mill"),
            ({"properties": {"a": {"items": {"$ref": "#/$defs/b"}}}, "$defs": {"a": {}}}, "#/$defs/b"),
            ({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/b"}]}, "#/$defs/b"),
            ({**OLD, "$ref": "#/definitions/a", "definitions": {"a": {"not": {"$ref": "#/b"}}}}, "#/b"),
            ({"$ref": "#mill", "$defs": {"mill": {"$anchor": "wheel"}}}, "#mill"),
            ({"$dynamicRef": "#mill"}, "#mill"),
            ({"$ref": "http://127.0.0.1:9/mill.json"}, "http://127.0.0.1:9/mill.json"),
            ({**NAMED, "$ref": "wheel", "$defs": {"wheel": {"$id": "weel"}}}, "http://mill/wheel"),
            ({**NAMED, "items": {"$id": "sub", "items": {"$ref": "#/$defs/a"}}, "$defs": {"a": {}}}, "#/$defs/a"),
            ({"$ref": "#/$defs/a/b", "$defs": {"a/b": {}}}, "#/$defs/a/b"),
            ({"$ref": "#/allOf/1", "allOf": [{}]}, "#/allOf/1"),
            ({"$ref": "#/minimum/0", "minimum": 1}, "#/minimum/0"),
        ],
        ids=str,
    )
    def test_that_leads_to_no_schema_is_refused_by_its_name(self, schema: dict, named: str) -> None:
        with pytest.raises(InvalidRequest) as raised:
            SchemaValidator(schema)
        assert raised.value.message == (
            f"schema is not a valid JSON Schema: it refers to {named!r}, which does not exist: put a schema into "
            "$defs and refer to that. References are never fetched."
        )

    @pytest.mark.parametrize(
        "schema",
        [
            {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": "integer"}}},
            {**OLD, "$ref": "#/definitions/a", "definitions": {"a": {"type": "integer"}}},
            {"$ref": "#/definitions/a", "definitions": {"a": {"type": "integer"}}},
            {"$ref": "#/components/schemas/a", "components": {"schemas": {"a": {"type": "integer"}}}},
            {"$ref": "#/$defs/a~1b%25%20~0c", "$defs": {"a/b% ~c": {"type": "integer"}}},
            {"$ref": "#/allOf/0/not", "allOf": [{"not": {"type": "integer"}}]},
            {"$ref": "#a", "$defs": {"x": {"$anchor": "a", "type": "integer"}}},
            {"$dynamicRef": "#a", "$defs": {"x": {"$dynamicAnchor": "a", "type": "integer"}}},
            {**OLD, "$ref": "#a", "definitions": {"x": {"$id": "#a", "type": "integer"}}},
            {"$schema": "http://json-schema.org/draft-04/schema#", "$ref": "#a", "definitions": {"x": {"id": "#a"}}},
            {**NAMED, "$ref": "wheel", "$defs": {"wheel": {"$id": "wheel", "type": "integer"}}},
            {**NAMED, "$ref": "http://mill/root#/$defs/a", "$defs": {"a": {"type": "integer"}}},
            {**NAMED, "items": {"$id": "sub", "items": {"$ref": "#/$defs/a"}, "$defs": {"a": {}}}},
            {"items": {"$ref": "https://json-schema.org/draft/2020-12/schema"}},
            {"items": {"$schema": "http://json-schema.org/draft-04/schema#", "id": 5}},
            {"$defs": {"unused": {"$ref": "#/$defs/nowhere"}}},
            {"$schema": "https://json-schema.org/draft/2019-09/schema", "items": {"$recursiveRef": "#"}},
            {"properties": {"$ref": {"type": "string"}}},
            {"enum": [1, {"$ref": "#/nowhere"}], "examples": [{"$ref": "#/nowhere"}]},
            {**OLD, "$dynamicRef": "#nowhere"},
        ],
        ids=str,
    )
    def test_that_leads_somewhere_or_is_none_is_taken(self, schema: dict) -> None:
        SchemaValidator(schema)

    @pytest.mark.parametrize(
        ("schema", "says"),
        [
            ({"$ref": "#/allOf/x", "allOf": [{}]}, "pointer '/allOf/x'"),
            ({"$ref": "#/allOf", "allOf": [{}]}, 'at $.allOf, [{}] is not of types "boolean", "object"'),
            ({"$ref": "#/title", "title": "mill"}, 'at $.title, "mill" is not of types'),
            ({**NAMED, "$ref": "http://["}, "Invalid URI reference 'http://['"),
            ({**NAMED, "items": {"$id": "http://["}}, "Invalid URI reference 'http://['"),
            ({**NAMED, "items": {"$id": "//["}}, "Invalid URI reference '//['"),
        ],
        ids=str,
    )
    def test_to_what_cannot_be_one_is_refused_with_the_place(self, schema: dict, says: str) -> None:
        with pytest.raises(InvalidRequest) as raised:
            SchemaValidator(schema)
        assert says in raised.value.message

    def test_is_looked_up_by_its_name_among_many(self) -> None:
        names = [f"a{number}" for number in range(900)]
        SchemaValidator({"$defs": {name: {"$anchor": name, "items": {"$ref": f"#{name}"}} for name in names}})
