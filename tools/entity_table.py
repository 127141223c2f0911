"""Write the names of HTML's character references for JavaScript, from Python's own table.

Run `.venv/bin/python tools/entity_table.py`; `--check` tells whether the file is as it would be written.
"""

from __future__ import annotations

import sys
import textwrap
from html.entities import html5
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "flask_headrace/static/markdown/entity-table.js"

MODULE = """\
/**
 * The names of HTML's character references, for where no browser knows them. Written by tools/entity_table.py.
 */

/** Each name before the code points that it stands for. */
const NAMES = `
{names}
`;

/** @type {{Map<string, string>}} The characters that each name stands for. */
export const ENTITIES = new Map();
for (const entry of NAMES.trim().split(/\\s+/)) {{
  const [name, ...codes] = entry.split(/[=+]/);
  ENTITIES.set(name, codes.map((code) => String.fromCodePoint(parseInt(code, 36))).join(""));
}}
"""


def base36(number: int) -> str:
    """Return a number in base 36, as JavaScript's parseInt reads it."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = digits[digit] + text
    return text or "0"


def module() -> str:
    """Return the text of the JavaScript module."""
    entries = (
        f"{name[:-1]}={'+'.join(base36(ord(character)) for character in characters)}"
        for name, characters in sorted(html5.items())
        if name.endswith(";")
    )
    return MODULE.format(names=textwrap.fill(" ".join(entries), 200, break_long_words=False, break_on_hyphens=False))


def main() -> int:
    """Write the module, or compare it."""
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(module(), "utf-8")
        return 0
    if TARGET.read_text("utf-8") == module():
        return 0
    print(f"{TARGET.name} is not what Python's table says. Run: python tools/entity_table.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
