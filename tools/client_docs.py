"""Fill docs/clients.md with what the tests show a user writing. Uses the standard library alone.

    python tools/client_docs.py [--check]

The tests mark it, in whatever language: from a comment `docs: NAME` to a comment `end docs`. The page has the line
`<!-- NAME -->` where it is to stand. Above a block stands what it takes from the imports at its file's top; what a test
gets in another way than its users is told in the block, in comments that begin with a colon. With `--check` nothing is
written, and a page that is out of date is a failure.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / "tests/clients"
PAGE = ROOT / "docs/clients.md"
PACKAGES = ROOT / "tests/package.json"
LANGUAGES = {".py": "python", ".mjs": "js", ".sh": "sh", ".yaml": "yaml"}

BEGINNING = re.compile(r"\s*(?:#|//) docs: (.+)")
END = re.compile(r"\s*(?:#|//) end docs")
SAID = re.compile(r"^([ ]*)(?:#|//):(?: |$)", re.MULTILINE)
IMPORT = re.compile(r"""^import (?:(\w+)|\{ (.+) \}) from "([^"]+)";$""", re.MULTILINE)
OWN = ("tests", "flask_headrace", "__future__")
"""Packages that users have not, or need not name."""
PLACE = re.compile(r"^<!-- ([^\n]+) -->\n(?:\n*```.*?^```\n)?", re.MULTILINE | re.DOTALL)


class TroubleError(Exception):
    """Why the page cannot be filled: a sentence for the person."""


def marked_in(path: Path) -> dict[str, str]:
    """Return the marked blocks of a file by their names, fenced.

    Raises:
        TroubleError: one does not end, or two have the same name.
    """
    found: dict[str, str] = {}
    name, lines = "", list[str]()
    source = path.read_text(encoding="utf-8")
    for line in source.splitlines():
        if beginning := BEGINNING.fullmatch(line):
            if name:
                break
            name, lines = beginning[1], []
        elif name and END.fullmatch(line):
            block = textwrap.dedent(SAID.sub(r"\1", "\n".join(lines))).strip()
            imports = imports_of(block, source, path.suffix)
            add(found, name, fenced("\n".join([*imports, "", block] if imports else [block]), LANGUAGES[path.suffix]))
            name = ""
        else:
            lines.append(line)
    if name:
        raise TroubleError(f"{path.relative_to(ROOT)}: the block {name!r} does not end: add the comment `end docs`.")
    return found


def add(found: dict[str, str], name: str, block: str) -> None:
    """Add a block to those found.

    Raises:
        TroubleError: there is one of this name.
    """
    if name in found:
        raise TroubleError(f"Two blocks are named {name!r}: give one another name.")
    found[name] = block


def fenced(block: str, language: str) -> str:
    """Return a text as a block of the page."""
    return f"```{language}\n{block}\n```\n"


def imports_of(block: str, source: str, suffix: str) -> list[str]:
    """Return the lines that import what a block takes from its file's imports."""
    match suffix:
        case ".py":
            return python_imports(block, source)
        case ".mjs":
            return js_imports(block, source)
        case _:
            return []


def python_imports(block: str, source: str) -> list[str]:
    """Return a Python block's imports; see `imports_of`."""
    nodes = list(ast.walk(ast.parse(block)))
    own = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    used = {node.id for node in nodes if isinstance(node, ast.Name)} - own
    lines = []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        node.names = [alias for alias in node.names if (alias.asname or alias.name) in used]
        module = node.module if isinstance(node, ast.ImportFrom) else ""
        if node.names and (module or "").partition(".")[0] not in OWN:
            lines.append(ast.unparse(node))
    return lines


def js_imports(block: str, source: str) -> list[str]:
    """Return a JavaScript block's imports; see `imports_of`."""
    own = {name for found in IMPORT.finditer(block) for name in (found[1] or found[2]).split(", ")}
    used = set(re.findall(r"(?<![.\w])[A-Za-z]\w*", block)) - own
    lines = []
    for default, several, package in IMPORT.findall(source):
        if package.startswith("."):
            continue
        names = [name for name in several.split(", ") if name.split(" as ")[-1] in used]
        what = f"{{ {', '.join(names)} }}" if names else default if default in used else ""
        if what:
            lines.append(f'import {what} from "{published(package)}";')
    return lines


def published(package: str) -> str:
    """Return the name under which users install a package: the tests have several versions of some, by other names."""
    wanted = json.loads(PACKAGES.read_text(encoding="utf-8"))["dependencies"] if PACKAGES.exists() else {}
    alias = re.fullmatch(r"npm:(.+)@[^@]+", wanted.get(package, ""))
    return alias[1] if alias else package


def all_marked() -> dict[str, str]:
    """Return the marked blocks of all the tests of clients by their names, fenced.

    Raises:
        TroubleError: see `marked_in`.
    """
    found: dict[str, str] = {}
    for path in sorted(path for path in CLIENTS.rglob("*") if path.suffix in LANGUAGES):
        for name, block in marked_in(path).items():
            add(found, name, block)
    return found


def filled(page: str, blocks: dict[str, str]) -> str:
    """Return the page with each block in its place.

    Raises:
        TroubleError: a block has no place, or two, or a place has no block.
    """
    places = [place[1] for place in PLACE.finditer(page)]
    if lacking := [name for name in blocks if places.count(name) != 1]:
        raise TroubleError(f"Each block needs one line `<!-- NAME -->` in {PAGE.name}: {', '.join(lacking)}.")
    if empty := [name for name in places if name not in blocks]:
        raise TroubleError(f"No test marks what {PAGE.name} has a place for: {', '.join(empty)}.")
    return PLACE.sub(lambda place: f"<!-- {place[1]} -->\n{blocks[place[1]]}", page)


def main() -> int:
    """Fill or check the page and return the exit status."""
    parser = argparse.ArgumentParser(description="Fill docs/clients.md with what the tests show a user writing.")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where the page is out of date")
    is_check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    try:
        wanted = filled(page, all_marked())
    except TroubleError as trouble:
        print(trouble, file=sys.stderr)
        return 1
    if is_check and page != wanted:
        print(f"{PAGE.name} is out of date: run python tools/client_docs.py", file=sys.stderr)
        return 1
    if page != wanted:
        PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
