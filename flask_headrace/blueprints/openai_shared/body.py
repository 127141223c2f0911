"""Types that the request bodies of OpenAI's two protocols have in common. Values, and no more."""

from __future__ import annotations

import msgspec

from ...providers.chat_request import Json


class StrictStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has no other fields than those that are named."""


class FunctionDefinition(StrictStruct, frozen=True):
    """A function that the model may call."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None


class FunctionName(StrictStruct, frozen=True):
    """The name of a function."""

    name: str


class AllowedToolsChoice(msgspec.Struct, frozen=True, tag_field="type", tag="allowed_tools"):
    """Some of the tools, which is refused."""


class TextFormat(StrictStruct, frozen=True, tag_field="type", tag="text"):
    """That the answer is text."""


class JSONObjectFormat(StrictStruct, frozen=True, tag_field="type", tag="json_object"):
    """That the answer is a JSON object."""


class JSONSchemaDefinition(StrictStruct, frozen=True):
    """What the answer's JSON must fit."""

    name: str
    schema: Json
    strict: bool | None = None
    description: str | None = None
