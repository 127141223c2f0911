"""Reads a module's source with `ast`: its docstrings in parts, and where each of its names is defined."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Docs:
    """A docstring in parts: its text, and what it says of each name in its sections, such as `Args` or `Raises`."""

    text: str = ""
    sections: dict[str, dict[str, str]] = field(default_factory=dict)


def parse_docstring(docstring: str | None) -> Docs:
    """Split a docstring of Google's style."""
    docs, section, name = Docs(), "", ""
    lines = []
    for line in (docstring or "").splitlines():
        if found := re.fullmatch(r"(Args|Returns|Raises|Attributes):", line):
            section, name = found[1], ""
            docs.sections[section] = {}
        elif section and (not line or line.startswith(" ")):
            entries = docs.sections[section]
            entry = re.fullmatch(r" {4}(\*{0,2}\w[\w, ]*): (.*)", line) if section != "Returns" else None
            if entry:
                name = entry[1]
                entries[name] = entry[2]
            elif line.strip():
                entries[name] = f"{entries.get(name, '')} {line.strip()}".strip()
        else:
            section = ""
            lines.append(line)
    docs.text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return docs


class Module:
    """The source of one module, and where each of its names is defined."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text())
        self.docs = parse_docstring(ast.get_docstring(self.tree))
        self.nodes: dict[str, ast.stmt] = {}
        self.texts: dict[str, str] = {}
        previous = ""
        for node in self.tree.body:
            name = _defined_name(node)
            if name:
                self.nodes[name] = node
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and previous:
                self.texts[previous] = str(node.value.value)
            previous = name

    def imports(self) -> dict[str, list[str]]:
        """Return the relative imports of the module: names by module, in the order of the source."""
        # Some are imported for type checkers alone, and otherwise when they are first used.
        guarded = [node for block in self.tree.body if isinstance(block, ast.If) for node in block.body]
        return {
            node.module or "": [alias.name for alias in node.names]
            for node in [*self.tree.body, *guarded]
            if isinstance(node, ast.ImportFrom) and node.level
        }


def _defined_name(node: ast.stmt) -> str:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""
