"""Fills docs/flask.md with the difference that the support chat makes to the Python of `examples/existing_app`.

`--check` changes nothing, and fails if the page is out of date.
"""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/existing_app"
PAGE = ROOT / "docs/flask.md"
BLOCK = re.compile(r"(?<=<!-- examples/existing_app -->\n)```diff\n.*?^```\n", re.MULTILINE | re.DOTALL)
NEW = "/dev/null"


def modules(state: str) -> dict[str, list[str]]:
    """Return the lines of the Python modules of a state of the application, without its tests, by their paths."""
    folder = EXAMPLE / state
    paths = {path.relative_to(folder) for path in folder.rglob("*.py")}
    kept = sorted(path for path in paths if path.parts[0] != "tests")
    return {str(path): (folder / path).read_text().splitlines() for path in kept}


def difference() -> list[str]:
    """Return the lines of the unified diff, each file's with two lines of context."""
    before, after = modules("before"), modules("after")
    found: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = (NEW if name not in state else name for state in (before, after))
        found += difflib.unified_diff(before.get(name, []), after.get(name, []), old, new, lineterm="", n=2)
    return found


def main(*arguments: str) -> int:
    """Fill the page, or with `--check` compare it; return the exit status."""
    page = PAGE.read_text()
    block = "\n".join(["```diff", *difference(), "```", ""])
    filled = BLOCK.sub(lambda _: block, page)
    if "--check" not in arguments:
        PAGE.write_text(filled)
    elif filled != page or not BLOCK.search(page):
        sys.stderr.write("docs/flask.md is out of date: run .venv/bin/python tools/example_docs.py\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
