"""The JSON Schemas in the settings' folder, and the sentences about those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_headrace.core.errors import ConfigurationError
from flask_headrace.settings import Settings
from flask_headrace.setup import schemas


def read(folder: Path) -> dict[str, dict[str, object]]:
    return schemas.load_schemas(Settings(schemas=str(folder)))


def test_without_a_folder_there_are_none() -> None:
    assert schemas.load_schemas(Settings()) == {}


def test_each_file_is_a_schema_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"type": "object"}')
    (tmp_path / "tea-2.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("no schema")
    assert read(tmp_path) == {"recipe": {"type": "object"}, "tea-2": {}}


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"HEADRACE_SCHEMAS is .*nowhere.*: it must be a folder"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 5000, b'{"type": 1}', b'{"$ref": "#/a"}'])
def test_a_file_that_is_no_schema_stops_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "recipe.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"recipe\.json in HEADRACE_SCHEMAS is no JSON Schema"):
        read(tmp_path)


def test_a_name_that_models_are_not_told_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "my recipe.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"my recipe\.json in HEADRACE_SCHEMAS has a name"):
        read(tmp_path)
