"""The public names of the package, and what a program uses of it beyond these."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

AGENTS = ["flask_headrace.agents." + name for name in ("pydantic_ai", "langchain", "langgraph", "openai_agents")]
PUBLIC_MODULES = [
    "flask_headrace",
    "flask_headrace.partial_json",
    "flask_headrace.testing",
    "flask_headrace.mcp",
    *AGENTS,
]
PACKAGES = {*PUBLIC_MODULES, "flask_headrace.agents"}
"""What may be imported as a module: `agents` has no names of its own."""

_FROM = re.compile(r"^[ \t>]*from[ \t]+(flask_headrace[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|.*)", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t>]*import[ \t]+(.*)", re.MULTILINE)


def private_names(code: str) -> list[str]:
    """Return what a program, or a text with programs in it, uses of the package that is not public.

    The text need not be a valid program: it may be a template, or a document.
    """
    found = []
    modules = {}
    for module, names in _FROM.findall(code):
        for name, alias in _aliases(names):
            if f"{module}.{name}" in PACKAGES:
                modules[alias] = f"{module}.{name}"
            elif not _is_public(module, name):
                found.append(f"{module}.{name}")
    for names in _IMPORT.findall(code):
        for module, alias in _aliases(names):
            if module.partition(".")[0] == "flask_headrace":
                modules[alias] = module if alias != module else "flask_headrace"
                if module not in PACKAGES:
                    found.append(module)
    code = re.sub(r"^[ \t>]*(from|import)[ \t].*", "", code, flags=re.MULTILINE)
    for alias, module in modules.items():
        found += [f"{module}.{path}" for path in _attributes(code, alias.partition(".")[0], module)]
    return found


def _aliases(names: str) -> Iterator[tuple[str, str]]:
    """Yield the names of an import statement, each with the name that the program then has for it."""
    for item in re.sub(r"#.*|[()]", "", names).split(","):
        words = re.findall(r"[\w.*]+", item)
        if words:
            yield words[0], words[-1] if len(words) == 3 else words[0]


def _attributes(code: str, alias: str, module: str) -> Iterator[str]:
    """Yield the attributes of a module that a program uses and that are not public."""
    for path in re.findall(rf"(?<![\w.\"'`/-]){re.escape(alias)}((?:\.[a-zA-Z]\w*)+)", code):
        name, names = module, path[1:].split(".")
        while names and f"{name}.{names[0]}" in PACKAGES:
            name = f"{name}.{names.pop(0)}"
        if names and not _is_public(name, names[0]):
            yield path[1:]


def _is_public(module: str, name: str) -> bool:
    return module in PUBLIC_MODULES and name in importlib.import_module(module).__all__


def host_programs(path: Path) -> Iterator[str]:
    """Yield the applications that a test file contains as text: all strings that import the extension."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            imported = _FROM.findall(node.value)
            if any("Headrace" in re.findall(r"\w+", names) for _, names in imported):
                yield node.value
