"""The public API: which names it has, that docs/api.md lists them, and that documents and examples use nothing else."""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

import flask_headrace
from flask_headrace.core import errors, events
from flask_headrace.providers import chat_request
from tests.support.service import ROOT

AGENTS = ["flask_headrace.agents." + name for name in ("pydantic_ai", "langchain", "langgraph", "openai_agents")]
PUBLIC_MODULES = ["flask_headrace", "flask_headrace.partial_json", "flask_headrace.testing", *AGENTS]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))


def classes(module: ModuleType, base: type) -> set[str]:
    """Return the public classes that a module defines."""
    return {
        name
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


def names_in_page(section: str) -> set[str]:
    """Return the names that a section of docs/api.md has a heading or a row for."""
    page = (ROOT / "docs/api.md").read_text()
    (text,) = re.findall(rf"^## `?{re.escape(section)}`?\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    headings = set(re.findall(r"^### `(\w+)`", text, re.MULTILINE))
    return headings | (set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE)) if section == "Errors" else set())


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_each_public_name_is_there_once(name: str) -> None:
    module = importlib.import_module(name)
    assert [public for public in module.__all__ if not hasattr(module, public)] == []
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize(
    ("module", "base"), [(errors, Exception), (events, msgspec.Struct), (chat_request, msgspec.Struct)]
)
def test_every_error_event_and_value_of_a_request_is_public(module: ModuleType, base: type) -> None:
    assert classes(module, base) - set(flask_headrace.__all__) == set()


def test_the_page_lists_the_public_names_and_nothing_else() -> None:
    sections = ["Application", "Signals", "Requests", "Events", "Custom providers", "Tools", "Errors"]
    assert set.union(*map(names_in_page, sections)) == set(flask_headrace.__all__)
    for name in PUBLIC_MODULES[1:]:
        assert names_in_page(name) == set(importlib.import_module(name).__all__)


def test_the_page_is_what_the_docstrings_say() -> None:
    assert check(ROOT) == ""


def test_a_docstring_that_changes_makes_the_page_out_of_date(tmp_path: Path) -> None:
    for folder in ("tools", "docs", "flask_headrace"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("static", "__pycache__"))
    signals = tmp_path / "flask_headrace/signals.py"
    signals.write_text(signals.read_text().replace("Sent when a stream is opened.", "Sent never."))
    assert "docs/api.md is out of date" in check(tmp_path)


@pytest.mark.parametrize("path", [*PAGES, *EXAMPLES], ids=lambda path: path.name)
def test_documents_and_examples_import_public_modules_alone(path: Path) -> None:
    imported = re.findall(r"^\s*(?:from|import) (flask_headrace[\w.]*)", path.read_text(), re.MULTILINE)
    assert set(imported) <= set(PUBLIC_MODULES)


def test_what_documents_and_examples_import_is_public() -> None:
    statement = r"^from (flask_headrace[\w.]*) import \(?([\w, \n]+?)\)?$"
    for path in [*PAGES, *EXAMPLES]:
        for module, names in re.findall(statement, path.read_text(), re.MULTILINE):
            wanted = set(re.findall(r"\w+", names))
            assert wanted <= set(importlib.import_module(module).__all__), path.name


def check(root: Path) -> str:
    """Run the tool that writes docs/api.md with `--check`, and return what it says."""
    command = [sys.executable, root / "tools/api_docs.py", "--check"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stderr
