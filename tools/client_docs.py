"""Copy the marked blocks of the client tests into docs/clients.md. Uses the standard library alone.

    .venv/bin/python tools/client_docs.py [--check]

A test in any language marks a block from a comment `docs: NAME` to a comment `end docs`. The page has the line
`<!-- NAME -->` at the block's place. The page shows above the block the imports of the test file that the block uses. A
line that only users need is a comment that begins with a colon: the page shows it without the comment sign.

With `--check` nothing is written, and a page that is out of date is a failure.
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
CLIENTS = (ROOT / "tests/clients", ROOT / "tests/programs")
PAGE = ROOT / "docs/clients.md"
PACKAGES = ROOT / "tests/package.json"
LANGUAGES = {".py": "python", ".mjs": "js", ".ts": "ts", ".sh": "sh", ".yaml": "yaml"}

BEGINNING = re.compile(r"\s*(?:#|//) docs: (.+)")
END = re.compile(r"\s*(?:#|//) end docs")
USERS_LINE = re.compile(r"^([ ]*)(?:#|//):(?: |$)", re.MULTILINE)
IMPORT = re.compile(r"""^import (?:(\w+)|\{ (.+) \}) from "([^"]+)";$""", re.MULTILINE)
OWN_PACKAGES = ("tests", "flask_headrace", "__future__")
"""Packages whose imports the page leaves out."""
PLACE = re.compile(r"^<!-- ([^\n]+) -->\n(?:\n*```.*?^```\n)?", re.MULTILINE | re.DOTALL)


class DocsError(Exception):
    """The page cannot be filled; the message says why."""


def marked_blocks(path: Path) -> dict[str, str]:
    """Return the marked blocks of a file by their names, fenced.

    Raises:
        DocsError: one does not end, or two have the same name.
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
            block = textwrap.dedent(USERS_LINE.sub(r"\1", "\n".join(lines))).strip()
            imports = used_imports(block, source, path.suffix)
            add(
                found,
                name,
                code_block("\n".join([*imports, "", block] if imports else [block]), LANGUAGES[path.suffix]),
            )
            name = ""
        else:
            lines.append(line)
    if name:
        raise DocsError(f"{path.relative_to(ROOT)}: the block {name!r} does not end: add the comment `end docs`.")
    return found


def add(found: dict[str, str], name: str, block: str) -> None:
    """Add a block to those found.

    Raises:
        DocsError: there is one of this name.
    """
    if name in found:
        raise DocsError(f"Two blocks are named {name!r}: give one another name.")
    found[name] = block


def code_block(block: str, language: str) -> str:
    """Return a text as a block of the page."""
    return f"```{language}\n{block}\n```\n"


def used_imports(block: str, source: str, suffix: str) -> list[str]:
    """Return the lines that import what a block takes from its file's imports."""
    match suffix:
        case ".py":
            return python_imports(block, source)
        case ".mjs" | ".ts":
            return js_imports(block, source)
        case _:
            return []


def python_imports(block: str, source: str) -> list[str]:
    """Return a Python block's imports; see `used_imports`."""
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
        if node.names and (module or "").partition(".")[0] not in OWN_PACKAGES:
            lines.append(ast.unparse(node))
    return lines


def js_imports(block: str, source: str) -> list[str]:
    """Return a JavaScript block's imports; see `used_imports`."""
    own = {name for found in IMPORT.finditer(block) for name in (found[1] or found[2]).split(", ")}
    used = set(re.findall(r"(?<![.\w])[A-Za-z]\w*", block)) - own
    lines = []
    for default, several, package in IMPORT.findall(source):
        if package.startswith("."):
            continue
        names = [name for name in several.split(", ") if name.split(" as ")[-1] in used]
        what = f"{{ {', '.join(names)} }}" if names else default if default in used else ""
        if what:
            lines.append(f'import {what} from "{published_name(package)}";')
    return lines


def published_name(package: str) -> str:
    """Return the name under which users install a package; the tests install some versions under aliases."""
    wanted = json.loads(PACKAGES.read_text(encoding="utf-8"))["dependencies"] if PACKAGES.exists() else {}
    alias = re.fullmatch(r"npm:(.+)@[^@]+", wanted.get(package, ""))
    return alias[1] if alias else package


def all_marked_blocks() -> dict[str, str]:
    """Return the marked blocks of all the tests of clients by their names, fenced.

    Raises:
        DocsError: see `marked_blocks`.
    """
    found: dict[str, str] = {}
    for path in sorted(path for folder in CLIENTS for path in folder.rglob("*") if path.suffix in LANGUAGES):
        for name, block in marked_blocks(path).items():
            add(found, name, block)
    return found


def fill_page(page: str, blocks: dict[str, str]) -> str:
    """Return the page with each block in its place.

    Raises:
        DocsError: a block has no place, or two, or a place has no block.
    """
    places = [place[1] for place in PLACE.finditer(page)]
    if lacking := [name for name in blocks if places.count(name) != 1]:
        raise DocsError(f"Each block needs one line `<!-- NAME -->` in {PAGE.name}: {', '.join(lacking)}.")
    if empty := [name for name in places if name not in blocks]:
        raise DocsError(f"No test marks what {PAGE.name} has a place for: {', '.join(empty)}.")
    return PLACE.sub(lambda place: f"<!-- {place[1]} -->\n{blocks[place[1]]}", page)


def main() -> int:
    """Fill or check the page and return the exit status."""
    parser = argparse.ArgumentParser(description="Copy the marked blocks of the client tests into docs/clients.md.")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if the page is out of date")
    is_check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    try:
        wanted = fill_page(page, all_marked_blocks())
    except DocsError as error:
        print(error, file=sys.stderr)
        return 1
    if is_check and page != wanted:
        print(f"{PAGE.name} is out of date: run `.venv/bin/python tools/client_docs.py`.", file=sys.stderr)
        return 1
    if page != wanted:
        PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
