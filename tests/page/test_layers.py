"""The page's modules: which folder may import which, and how long a module may be."""

from __future__ import annotations

import json
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
STATIC = ROOT / "flask_headrace/static"
MODULES = sorted(path for path in STATIC.rglob("*.js") if "libraries" not in path.relative_to(STATIC).parts)
"""The page's own modules: not the libraries that the set-up fetches."""

LAYERS = ({"network", "json", "markdown", "dom", "words"}, {"form"}, {"answer"}, {"conversation"}, {"store"}, {"chat"})
"""Folders; each may import those of the layers before its own, and itself."""

IMPORT = re.compile(
    r"""^(?:import|export)\b[^;'"]*?\bfrom\s*["']([^"']+)["']|^import\s*["']([^"']+)["']""", re.MULTILINE
)
LAZY = re.compile(r"""\bawait import\(["']([^"']+)["']\)()""")
TYPES = re.compile(r"""@import\b[^;'"]*?\bfrom\s*["']([^"']+)["']|\bimport\(["']([^"']+)["']\)""")


def name_of(path: Path) -> str:
    return str(path.relative_to(STATIC))


def imports(path: Path, *patterns: re.Pattern[str]) -> set[str]:
    """Return the modules that a module imports, by their names inside the static folder."""
    found = [next(filter(None, groups)) for pattern in patterns for groups in pattern.findall(path.read_text())]
    for address in found:
        assert address.startswith("."), f"{name_of(path)} imports {address}: a browser finds relative addresses only"
        assert (path.parent / address).is_file(), f"{name_of(path)} imports {address}, which is not there"
    return {name_of((path.parent / address).resolve()) for address in found}


def allowed(folder: str) -> set[str]:
    place = next(place for place, layer in enumerate(LAYERS) if folder in layer)
    return {folder}.union(*LAYERS[:place])


def test_every_folder_has_a_layer() -> None:
    folders = {path.relative_to(STATIC).parts[0] for path in MODULES}
    assert folders == set().union(*LAYERS)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_folder_imports_only_folders_of_the_layers_before_it(path: Path) -> None:
    folders = {name.partition("/")[0] for name in imports(path, IMPORT, TYPES)}
    assert folders <= allowed(path.relative_to(STATIC).parts[0])


def test_no_module_imports_itself_by_way_of_others_not_even_its_types() -> None:
    graph = {name_of(path): imports(path, IMPORT, TYPES) for path in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' → '.join(reversed(error.args[1]))}")


def test_every_module_is_imported_by_the_page() -> None:
    seen, left = set(), {"chat/main.js"}
    while left:
        name = left.pop()
        seen.add(name)
        left |= imports(STATIC / name, IMPORT, LAZY) - seen
    assert {name_of(path) for path in MODULES} - seen == set()


def test_every_folder_that_knows_no_dom_is_checked_without_it() -> None:
    text = re.sub(r"^\s*//.*$", "", (ROOT / "tsconfig.pure.json").read_text(), flags=re.MULTILINE)
    checked = json.loads(text)["include"]
    assert {"flask_headrace/static/" + folder for folder in LAYERS[0] - {"dom"}} <= set(checked)
    assert [path for path in checked if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_under_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 300
