"""Fills docs/flask.md and docs/tools.md with Python of `examples/existing_app`.

The first shows the difference that the support chat makes, without its tools, and the second the tools.
`--check` changes nothing, and fails if a page is out of date.
"""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/existing_app"
TOOLS = Path("tools.py")
"""The module with the tools of the chat, which docs/tools.md shows."""
NEW = "/dev/null"


def modules(state: str) -> dict[str, list[str]]:
    """Return the lines of the Python modules of a state of the application, without tests and tools, by their paths."""
    folder = EXAMPLE / state
    paths = {path.relative_to(folder) for path in folder.rglob("*.py")} - {TOOLS}
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


def blocks() -> dict[str, tuple[str, str]]:
    """Return the mark above the block of each page, and the block."""
    tools = (EXAMPLE / "after" / TOOLS).read_text()
    return {
        "docs/flask.md": ("examples/existing_app", "\n".join(["```diff", *difference(), "```", ""])),
        "docs/tools.md": (f"examples/existing_app/after/{TOOLS}", f"```python\n{tools}```\n"),
    }


def main(*arguments: str) -> int:
    """Fill the pages, or with `--check` compare them; return the exit status."""
    status = 0
    for name, (mark, block) in blocks().items():
        page = (ROOT / name).read_text()
        place = re.compile(rf"(?<=<!-- {re.escape(mark)} -->\n)```\w+\n.*?^```\n", re.MULTILINE | re.DOTALL)
        filled = place.sub(lambda _, block=block: block, page)  # type: ignore[misc]  # bound in the loop
        if "--check" not in arguments:
            (ROOT / name).write_text(filled)
        elif filled != page or not place.search(page):
            sys.stderr.write(f"{name} is out of date: run .venv/bin/python tools/example_docs.py\n")
            status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
