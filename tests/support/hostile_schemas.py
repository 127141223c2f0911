"""Small JSON Schemas whose check takes exponential time. Values only."""

from __future__ import annotations

from typing import Any


def doubling_references(levels: int) -> dict[str, Any]:
    """Return a schema whose references can be followed in 2 to the power of `levels` ways."""
    deeper = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**deeper, f"d{levels}": {"type": "string"}}}


def nested_dependent_schemas(levels: int) -> dict[str, Any]:
    """Return a schema of nested dependent schemas that allows no further properties."""
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"dependentSchemas": {"a": schema}}
    return {"unevaluatedProperties": False, **schema}
