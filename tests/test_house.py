"""The laws of the house: who may import whom, and how long things may be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import HERE, LONG

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("flask_headrace", "blueprints", "providers", "streaming")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

FLOOR = {"events", "errors", "sse", "surrogates", "partial_json", "prices"}
"""Modules of the engine that providers may use: values and pure functions."""

ALLOWED = {
    "app": {"flask_headrace"},
    "flask_headrace": {"flask_headrace", "blueprints", "providers", "streaming", "streaming floor"},
    "blueprints": {"blueprints", "providers", "streaming", "streaming floor"},
    "providers": {"providers", "streaming floor"},
    "streaming": {"streaming", "streaming floor"},
    "streaming floor": {"streaming floor"},
}

FOREIGN = {
    "flask": {"flask_headrace", "blueprints", "app"},
    "werkzeug": {"flask_headrace", "blueprints"},
    "openai": {"providers"},
    "anthropic": {"providers"},
    "httpx2": {"providers"},
}
"""Packages that only some rooms know."""

PURE = {"streaming/events.py", "streaming/errors.py", "streaming/sse.py", "streaming/prices.py", "streaming/usage.py"}
PURE |= {"streaming/surrogates.py", "streaming/accounts.py", "providers/rescue.py", "providers/joint.py"}
PURE |= {"providers/retry.py", "providers/quoted.py", "providers/content_coding.py"}
PURE |= {str(path.relative_to(ROOT)) for path in (ROOT / "streaming/wire").glob("*.py")}
PURE |= {str(path.relative_to(ROOT)) for path in (ROOT / "streaming/partial_json").glob("*.py")}
PURE |= {f"providers/{name}_decoder.py" for name in ("openai_chat", "openai_responses", "anthropic")} | {
    f"providers/{name}.py" for name in ("openai_tokens", "openai_failure", "bodies", "counts", "json_frames")
}
PURE |= {f"providers/{name}_frames.py" for name in ("openai_chat", "openai_responses", "anthropic")} | {
    f"providers/{name}.py" for name in ("finish_reasons", "tool_arguments", "tool_calls", "indexed_calls")
}
PURE |= {"providers/item_calls.py", "providers/item_texts.py"}


def room_of(parts: tuple[str, ...]) -> str:
    """Return the room in which a module lies, told by its path from the root, such as ("streaming", "session")."""
    room = parts[0]
    if room == "streaming" and len(parts) > 1 and parts[1] in FLOOR:
        return "streaming floor"
    return room


def imports(path: Path) -> list[tuple[str, ...]]:
    """Return what a file imports: modules of ours by their path from the root, others by their dotted name's parts."""
    place = path.relative_to(ROOT).with_suffix("").parts
    package = place[:-1]
    found: list[tuple[str, ...]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                found.append(tuple((node.module or "").split(".")))
                continue
            # Installed, the rooms lie inside the front door's package.
            inside = ("flask_headrace", *package) if package[0] != "flask_headrace" else package
            base = inside[: len(inside) - node.level + 1]
            named = (*base, *(node.module.split(".") if node.module else ()))
            is_package = (ROOT.joinpath(*ours(named)) / "__init__.py").exists()
            found += [(*named, alias.name) if is_package else named for alias in node.names]
    return [ours(parts) for parts in found]


def ours(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Take the front door's name off a module of a room."""
    return parts[1:] if parts[0] == "flask_headrace" and len(parts) > 1 and parts[1] in ROOMS else parts


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
class TestLayers:
    def test_imports_run_downward_only(self, path: Path) -> None:
        here = room_of(path.relative_to(ROOT).with_suffix("").parts)
        for parts in imports(path):
            if parts[0] in ROOMS:
                assert room_of(parts) in ALLOWED[here], f"{path.name} ({here}) imports {'.'.join(parts)}"

    def test_foreign_packages_stay_in_their_rooms(self, path: Path) -> None:
        here = path.relative_to(ROOT).parts[0]
        for parts in imports(path):
            assert here in FOREIGN.get(parts[0], {here}), f"{path.name} imports {parts[0]}"

    def test_pure_files_know_no_clock_and_no_loop(self, path: Path) -> None:
        if str(path.relative_to(ROOT)) in PURE:
            assert not {"gevent", "time", "socket", "flask"} & {parts[0] for parts in imports(path)}


def test_the_test_reads_relative_imports() -> None:
    found = imports(ROOT / "providers/openai_server.py")
    assert ("streaming", "events") in found
    assert ("providers", "transport") in found


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
            *(ROOT / "tests").rglob("*.py"),
            *(ROOT / "benchmarks").rglob("*.py"),
        ]
        for path in [*FILES, *scripts]:
            count = len(path.read_text().splitlines())
            assert count < 300, f"{path.relative_to(ROOT)} has {count} lines"

    def test_functions_are_short(self) -> None:
        sizes = functions()
        assert sizes[len(sizes) // 2][1] <= 9
        assert sizes[len(sizes) * 9 // 10][1] < 30
        assert sizes[-1][1] <= 60, sizes[-1]


@pytest.mark.parametrize("path", [*FILES, ROOT / "gunicorn.conf.py"], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_ours_runs_in_the_threads_in_which_gevent_looks_up_names(path: Path) -> None:
    used = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert "threadpool" not in used


def test_the_files_that_are_begun_first_are_there() -> None:
    assert [name for name in LONG if not (HERE / name).is_file()] == []


def test_a_room_imported_by_its_top_level_name_fails_loudly() -> None:
    with pytest.raises(ImportError):
        __import__("providers.sdk")
