"""Loads the JSON Schemas from the folder of HEADRACE_SCHEMAS."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from ..core.errors import ConfigurationError, InvalidRequest
from ..providers.chat_request import Json
from ..settings import Settings
from ..streaming.json_schema.validator import SchemaValidator

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def load_schemas(settings: Settings) -> dict[str, Json]:
    """Return the schemas of the folder, by the names of their files without `.json`; empty if no folder is set.

    Raises:
        ConfigurationError: the folder does not exist, or a file in it is not a JSON Schema; the message names it.
    """
    if settings.schemas is None:
        return {}
    folder = Path(settings.schemas)
    if not folder.is_dir():
        raise ConfigurationError(f"HEADRACE_SCHEMAS is {settings.schemas!r}: it must be a folder of files NAME.json.")
    return {path.stem: _load_schema(path) for path in sorted(folder.glob("*.json"))}


def _load_schema(path: Path) -> Json:
    if not _NAME.fullmatch(path.stem):
        raise ConfigurationError(
            f"{path} in HEADRACE_SCHEMAS has a name that providers do not accept: use 1 to 64 letters, digits, hyphens "
            "and underscores."
        )
    try:
        schema: Json = msgspec.json.decode(path.read_bytes(), type=dict)
        SchemaValidator(schema)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidRequest) as error:
        raise ConfigurationError(f"{path} in HEADRACE_SCHEMAS is no JSON Schema: {error}.") from None
    return schema
