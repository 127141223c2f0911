"""Types that the request bodies of OpenAI's two protocols share. Values only."""

from __future__ import annotations

import msgspec

from ...providers.chat_request import Json


class StrictStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base class: unknown fields are rejected."""


class FunctionDefinition(msgspec.Struct, frozen=True):
    """A function that the model may call."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None


class FunctionName(msgspec.Struct, frozen=True):
    """The name of a function."""

    name: str


class AllowedToolsChoice(msgspec.Struct, frozen=True, tag_field="type", tag="allowed_tools"):
    """A tool choice of some of the tools; rejected."""


class TextFormat(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """The answer is text."""


class JSONObjectFormat(msgspec.Struct, frozen=True, tag_field="type", tag="json_object"):
    """The answer is a JSON object."""


class JSONSchemaDefinition(msgspec.Struct, frozen=True):
    """The JSON Schema that the answer must match."""

    name: str
    schema: Json
    strict: bool | None = None
    description: str | None = None
