"""The public API: which names it has, that docs/api.md lists them, and that
documents, examples and the applications in tests use nothing else.
"""

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
from tests.support.public_names import PUBLIC_MODULES, host_programs, private_names
from tests.support.service import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
TESTS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if "node_modules" not in path.parts]
HOSTS = [path for path in TESTS if path.name == "application.py" or path.parent.name == "middleware"]
"""Applications, and tests of applications, that are files."""


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


@pytest.mark.parametrize("path", [*PAGES, *EXAMPLES, *HOSTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_examples_and_hosts_use_public_names_alone(path: Path) -> None:
    assert private_names(path.read_text()) == []


def test_the_applications_in_the_tests_use_public_names_alone() -> None:
    programs = [(path, code) for path in TESTS for code in host_programs(path)]
    assert len(programs) > 30
    assert [(path.name, private) for path, code in programs if (private := private_names(code))] == []


@pytest.mark.parametrize(
    ("code", "private"),
    [
        ("from flask_headrace import Headrace, Usage as U", []),
        ("from flask_headrace import (\n    Headrace,\n    Usage,  # tokens\n)", []),
        ("from flask_headrace import Usage, usage", ["flask_headrace.usage"]),
        ("from flask_headrace import (\n    Usage,\n    core,\n)", ["flask_headrace.core"]),
        ("    from flask_headrace.core.events import Usage", ["flask_headrace.core.events.Usage"]),
        ("from flask_headrace.testing import Pause, fake_provider", ["flask_headrace.testing.fake_provider"]),
        ("from flask_headrace.agents import langchain", []),
        ("from flask_headrace.agents import run", ["flask_headrace.agents.run"]),
        ("from flask_headrace import *", ["flask_headrace.*"]),
        ("import json, flask_headrace.extension", ["flask_headrace.extension"]),
        ("import flask_headrace\nflask_headrace.Headrace(app)\nflask_headrace.testing.Pause(1)", []),
        ("import flask_headrace\nflask_headrace.core.usage.x()", ["flask_headrace.core.usage.x"]),
        ("import flask_headrace as fh\nfh.Usage(1, 2)\nfh.metrics.render()", ["flask_headrace.metrics.render"]),
        ("from flask_headrace import testing as t\nt.Pause(1)\nt.script.x", ["flask_headrace.testing.script.x"]),
    ],
)
def test_what_is_not_public_is_found(code: str, private: list[str]) -> None:
    assert private_names(code) == private


def test_the_typed_application_uses_each_public_name() -> None:
    # Type checkers read it in tests/packaging/test_typing.py.
    code = (ROOT / "tests/packaging/every_name.py").read_text()
    assert private_names(code) == []
    for module, alias in {"": "fh", "partial_json": "partial_json", "testing": "testing"}.items():
        public = importlib.import_module(f"flask_headrace.{module}".rstrip(".")).__all__
        assert set(public) - set(re.findall(rf"\b{alias}\.(\w+)", code)) == set()


def check(root: Path) -> str:
    """Run the tool that writes docs/api.md with `--check`, and return what it says."""
    command = [sys.executable, root / "tools/api_docs.py", "--check"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stderr
