"""A JSON Schema that answers are held to.

It comes from whoever asks, and so does, in a way, the answer. So both are looked at elsewhere, within bounds (see
`sandbox` and `schema_checks`).
"""

from __future__ import annotations

from typing import Any

from ...core.errors import InvalidRequest
from .sandbox import CHECK_TIMEOUT, CheckAbortedError, Sandbox

_sandbox = Sandbox()

close_sandbox = _sandbox.close
"""End the process in which schemas are checked, where none will be for long; the next check starts it again."""


class SchemaValidator:
    """A JSON Schema (draft 2020-12, or the one that its `$schema` names) that answers are held to.

    Args:
        schema: The schema. It is checked within 5 seconds; other greenlets run meanwhile.

    Raises:
        InvalidRequest: it is none, refers to one that is not there, or cannot be checked in time.
        ChecksBusy: too many are being checked; 503.
    """

    __slots__ = ("_schema",)

    def __init__(self, schema: dict[str, Any]) -> None:
        try:
            mistake = _sandbox.check(schema)
        except CheckAbortedError:
            raise InvalidRequest(f"schema takes more than {CHECK_TIMEOUT:g} s to check: make it smaller.") from None
        except RecursionError:
            raise InvalidRequest("schema is nested too deep.") from None
        if mistake is not None:
            raise InvalidRequest(f"schema is no JSON Schema: {mistake}.")
        self._schema = schema

    def validation_error(self, text: str) -> str | None:
        """Return what is wrong with an answer; None where it is one document that fits.

        Raises:
            ChecksBusy: too many are being checked.
        """
        try:
            return _sandbox.check(self._schema, text)
        except CheckAbortedError:
            return f"the schema cannot be followed within {CHECK_TIMEOUT:g} s"
        except UnicodeEncodeError:
            return "it is no JSON: it holds half of a character"
