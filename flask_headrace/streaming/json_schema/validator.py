"""A JSON Schema against which answers are validated.

Schemas and answers are not trusted, so the checks run in a sandbox with limits (see `sandbox` and `checks`).
"""

from __future__ import annotations

from typing import Any

from ...core.errors import InvalidRequest
from .sandbox import CHECK_TIMEOUT, CheckAbortedError, Sandbox

_sandbox = Sandbox()

close_sandbox = _sandbox.close
"""Kill the sandbox's server process, if no checks are expected for a while; the next check starts it again."""


class SchemaValidator:
    """Validates answers against a JSON Schema.

    Args:
        schema: The schema, of draft 2020-12 or the draft that its `$schema` names. The constructor checks it, which
            takes up to 5 seconds; other greenlets run meanwhile.
        owner: The owner of the request; see `Sandbox.check`.

    Raises:
        InvalidRequest: the schema is invalid, has a broken reference, or cannot be checked in time.
        ChecksBusy: too many checks are running; 503.
    """

    __slots__ = ("_owner", "_schema")

    def __init__(self, schema: dict[str, Any], owner: str = "") -> None:
        try:
            problem = _sandbox.check(schema, owner=owner)
        except CheckAbortedError:
            raise InvalidRequest(f"schema takes more than {CHECK_TIMEOUT:g} s to check: make it smaller.") from None
        except RecursionError:
            raise InvalidRequest("schema is nested too deep: make it flatter.") from None
        if problem is not None:
            raise InvalidRequest(f"schema is not a valid JSON Schema: {problem}.")
        self._schema, self._owner = schema, owner

    def validation_error(self, text: str) -> str | None:
        """Return what is wrong with the text of an answer; None if it is one document that matches the schema.

        Raises:
            ChecksBusy: too many checks are running; 503.
        """
        try:
            return _sandbox.check(self._schema, text, owner=self._owner)
        except CheckAbortedError:
            return f"the schema cannot be checked within {CHECK_TIMEOUT:g} s"
        except UnicodeEncodeError:
            return "it is not JSON: it contains half of a character"
