"""Architecture rules that no other tool checks: sizes, package names, gevent's threads, and the picture of the layers.

Which package may import which is checked by import-linter; its contracts are in pyproject.toml.
"""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.conftest import HERE, LONG

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "flask_headrace"
FILES = sorted(PACKAGE.rglob("*.py"))


def functions() -> list[tuple[str, int]]:
    """Return every function's name and number of lines, its docstring not counted."""
    found = []
    for path in [*FILES, ROOT / "app.py", ROOT / "gunicorn.conf.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                body = node.body
                if ast.get_docstring(node) is not None:
                    body = body[1:]
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                found.append((f"{path.relative_to(ROOT)}:{node.name}", lines))
    return sorted(found, key=lambda item: item[1])


class TestSizes:
    def test_a_file_is_under_300_lines(self) -> None:
        scripts = [
            *[path for path in (PACKAGE / "static").rglob("*.js") if "libraries" not in path.parts],
            *[path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts],
            *(ROOT / "benchmarks").rglob("*.py"),
        ]
        for path in [*FILES, *scripts]:
            count = len(path.read_text().splitlines())
            assert count < 300, f"{path.relative_to(ROOT)} has {count} lines"

    def test_functions_are_short(self) -> None:
        sizes = functions()
        assert sizes[len(sizes) // 2][1] <= 9
        assert sizes[len(sizes) * 9 // 10][1] < 30
        assert sizes[-1][1] <= 40, sizes[-1]


@pytest.mark.parametrize("path", [*FILES, ROOT / "gunicorn.conf.py"], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_uses_the_threads_in_which_gevent_resolves_names(path: Path) -> None:
    used = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert "threadpool" not in used


def test_every_module_that_says_it_is_pure_is_in_the_contract_of_pure_functions() -> None:
    contract = re.search(
        r'name = "Values and pure functions know.+?source_modules = \[(.+?)\n\]',
        (ROOT / "pyproject.toml").read_text(),
        re.DOTALL,
    )
    assert contract is not None
    checked = re.findall(r'"(.+)"', contract[1])
    for path in FILES:
        summary = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
        if re.search(r"\b[Pp]ure\b|Values only", summary):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            assert any(fnmatch(name, known) or name.startswith(f"{known}.") for known in checked), (
                f"{name} is not in the contract of values and pure functions in pyproject.toml"
            )


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in FILES}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_files_that_run_first_exist() -> None:
    assert [name for name in LONG if not (HERE / name).is_file()] == []


@pytest.mark.parametrize("name", ["blueprints", "providers"])
def test_a_package_imported_by_its_top_level_name_says_which_name_to_use(name: str) -> None:
    with pytest.raises(ImportError, match=f"import flask_headrace.{name} instead"):
        importlib.import_module(name)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("streaming")


class TestPicture:
    """docs/layers.svg shows the imports of the source as it is."""

    def test_the_picture_of_the_layers_is_up_to_date(self) -> None:
        assert layers(ROOT, "--check") == ""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """Return a small project with the tool: `blueprints` imports `streaming`, and `streaming` imports `core`."""
        for folder in ("tools", "docs", "flask_headrace/blueprints", "flask_headrace/streaming", "flask_headrace/core"):
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / "__init__.py").touch()
        (tmp_path / "flask_headrace/__init__.py").touch()
        shutil.copy(ROOT / "tools/layers.py", tmp_path / "tools")
        package = tmp_path / "flask_headrace"
        (package / "core/events.py").touch()
        (package / "streaming/session.py").write_text("from ..core.events import Event\n")
        (package / "blueprints/endpoint.py").write_text("from flask_headrace.streaming import session\n")
        return tmp_path

    def test_layers_stand_in_the_order_of_their_imports(self, root: Path) -> None:
        assert "out of date" in layers(root, "--check")
        assert layers(root) == layers(root, "--check") == ""
        picture = (root / "docs/layers.svg").read_text()
        places = [picture.index(f">{name}/<") for name in ("blueprints", "streaming", "core")]
        assert places == sorted(places)
        assert picture.count("<polyline") == 2

    def test_an_import_that_is_added_makes_the_picture_stale(self, root: Path) -> None:
        layers(root)
        (root / "flask_headrace/blueprints/state.py").write_text("from ..core import events\n")
        assert "out of date" in layers(root, "--check")


def layers(root: Path, *arguments: str) -> str:
    """Run the tool that draws the layers, and return its error message; an empty text where it succeeded."""
    command = [sys.executable, root / "tools/layers.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert bool(done.stderr) == bool(done.returncode)
    return done.stderr
