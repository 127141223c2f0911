"""Architecture rules that no other tool holds: sizes, names of packages, and what may run in gevent's thread pool.

Which package may import which is held by import-linter; its contracts stand in pyproject.toml.
"""

from __future__ import annotations

import ast
import importlib
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
            *(PACKAGE / "static").rglob("*.js"),
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
def test_nothing_of_ours_runs_in_the_threads_in_which_gevent_looks_up_names(path: Path) -> None:
    used = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert "threadpool" not in used


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in FILES}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_files_that_are_begun_first_are_there() -> None:
    assert [name for name in LONG if not (HERE / name).is_file()] == []


@pytest.mark.parametrize("name", ["blueprints", "providers"])
def test_a_package_imported_by_its_top_level_name_says_which_name_to_use(name: str) -> None:
    with pytest.raises(ImportError, match=f"import flask_headrace.{name} instead"):
        importlib.import_module(name)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("streaming")
