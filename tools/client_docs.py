"""Fill docs/clients.md with what the tests show a user writing. Uses the standard library alone.

    python tools/client_docs.py [--check]

The tests mark it, in whatever language: from a comment `docs: NAME` to a comment `end docs`. The page has the line
`<!-- NAME -->` where it is to stand. With `--check` nothing is written, and a page that is out of date is a failure.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / "tests/clients"
PAGE = ROOT / "docs/clients.md"
LANGUAGES = {".py": "python", ".mjs": "js", ".sh": "sh", ".yaml": "yaml"}

BEGINNING = re.compile(r"\s*(?:#|//) docs: (.+)")
END = re.compile(r"\s*(?:#|//) end docs")
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
    for line in path.read_text(encoding="utf-8").splitlines():
        if beginning := BEGINNING.fullmatch(line):
            if name:
                break
            name, lines = beginning[1], []
        elif name and END.fullmatch(line):
            add(found, name, fenced(lines, LANGUAGES[path.suffix]))
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


def fenced(lines: list[str], language: str) -> str:
    """Return lines as a block of the page, without the indentation that they share."""
    return f"```{language}\n{textwrap.dedent(chr(10).join(lines)).strip()}\n```\n"


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
