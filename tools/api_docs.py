"""Writes docs/api.md: the public names, made from the docstrings.

    .venv/bin/python tools/api_docs.py            write the page
    .venv/bin/python tools/api_docs.py --check    fail if the page is out of date

Reads the source with `ast` alone: the page does not depend on the Python that runs the script, and nothing has to be
installed.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from source_docs import Docs, Module, parse_docstring

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "flask_headrace"
PAGE = ROOT / "docs/api.md"

HEAD = """<!-- Written from the docstrings. Change those, then run `.venv/bin/python tools/api_docs.py`. -->

# The public API

An application imports from `flask_headrace`, from [`flask_headrace.partial_json`](#flask_headracepartial_json), from
the modules in `flask_headrace.agents` (see [agents.md](agents.md)), from
[`flask_headrace.mcp`](#flask_headracemcp), and in its tests from [`flask_headrace.testing`](#flask_headracetesting).
All other modules are internal and may change.
"""

SECTIONS = {
    "Application": (
        "extension",
        "blueprints.page_options",
        "blueprints.before_hooks",
        "blueprints.protocol_registry",
        "answers",
        "factory",
        "settings",
    ),
    "Signals": ("signals",),
    "Requests": ("providers.chat_request", "providers.tool_approval"),
    "Events": ("core.events", "core.application_events"),
    "Custom providers": ("providers.custom", "providers.custom_events", "providers.base"),
    "Tools": ("tools.local_tool", "tools.tool_error"),
    "Errors": ("core.errors", "core.body_errors", "core.step_errors"),
}
"""The headings of the names that `flask_headrace` itself exports, and the modules that define them."""

MODULES = {
    "partial_json": "core/partial_json/__init__.py",
    "testing": "testing/__init__.py",
    "agents.pydantic_ai": None,
    "agents.langchain": None,
    "agents.langgraph": None,
    "agents.openai_agents": None,
    "mcp": None,
}
"""The other public modules, and the file whose imports they export; None for a module that defines its names."""

PRIVATE_BASES = {"_ApplicationStreams": "application_streams.ApplicationStreams"}
"""Base classes that are shown as a part of the class, by their names where it is defined."""

MAX_SIGNATURE = 100
"""Characters of a signature on one line."""


def render_name(module: Module, name: str) -> Iterator[str]:
    """Yield the lines on one public name."""
    node = module.nodes[name]
    match node:
        case ast.ClassDef():
            yield from _render_class(node)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield f"### `{name}`"
            yield from _render_function(node)
        case ast.AnnAssign() | ast.Assign():
            yield f"### `{name}`"
            value = ast.unparse(node.value) if node.value is not None else ""
            if isinstance(node, ast.AnnAssign) or not value.startswith("_"):
                yield f"```python\n{name} = {value}\n```"
            if name in module.texts:
                yield module.texts[name]


def _render_class(node: ast.ClassDef) -> Iterator[str]:
    bases = [ast.unparse(base) for base in node.bases]
    inherited = [item for base in bases if base in PRIVATE_BASES for item in _class_body(PRIVATE_BASES[base])]
    shown = [base for base in bases if not base.startswith(("_", "msgspec.")) and base != "Protocol"]
    yield f"### `{node.name}`" + (f" ({', '.join(f'`{base}`' for base in shown)})" if shown else "")
    docs = parse_docstring(ast.get_docstring(node))
    yield docs.text
    body = [*node.body, *inherited]
    functions = [item for item in body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
    init = next((function for function in functions if function.name == "__init__"), None)
    if init is not None:
        yield from _parameter_table(_parameters(init), docs)
    else:
        fields = [
            (item.target.id, ast.unparse(item.annotation), _default(item.value))
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        ]
        yield from _parameter_table(fields, docs)
    yield from _other_sections(docs)
    for function in functions:
        is_test = function.name.startswith("test_")
        if not function.name.startswith("_") and not is_test and ast.get_docstring(function):
            is_property = any("property" in ast.unparse(decorator) for decorator in function.decorator_list)
            yield f"#### `{node.name}.{function.name}`"
            if is_property:
                yield parse_docstring(ast.get_docstring(function)).text
            else:
                yield from _render_function(function)


def _class_body(path: str) -> list[ast.stmt]:
    module, _, name = path.rpartition(".")
    node = Module(PACKAGE / (module.replace(".", "/") + ".py")).nodes[name]
    assert isinstance(node, ast.ClassDef)
    return node.body


def _render_function(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    parameters = _parameters(function)
    names = [name if default is None else f"{name}={default}" for name, _, default in parameters]
    returns = f" -> {ast.unparse(function.returns)}" if function.returns is not None else ""
    signature = f"{function.name}({', '.join(names)}){returns}"
    if len(signature) > MAX_SIGNATURE:
        signature = f"{function.name}(\n    " + ",\n    ".join(names) + f",\n){returns}"
    yield f"```python\n{signature}\n```"
    docs = parse_docstring(ast.get_docstring(function))
    yield docs.text
    yield from _parameter_table(parameters, docs)
    yield from _other_sections(docs)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[str, str, str | None]]:
    """Return the name, the type and the default of each parameter but `self` and `cls`."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    found = [(item.arg, item.annotation, _default(default)) for item, default in pairs]
    if arguments.kwarg is not None:
        found.append((f"**{arguments.kwarg.arg}", arguments.kwarg.annotation, None))
    return [
        (name, ast.unparse(annotation) if annotation is not None else "", default)
        for name, annotation, default in found
        if name not in {"self", "cls"}
    ]


def _default(value: ast.expr | None) -> str | None:
    return None if value is None else ast.unparse(value)


def _parameter_table(parameters: list[tuple[str, str, str | None]], docs: Docs) -> Iterator[str]:
    meanings = docs.sections.get("Args", {})
    if not parameters:
        return
    head = ["name", "type", "default", *(["meaning"] if meanings else [])]
    rows = [
        [f"`{name}`", _code(kind), _code(default), *([_cell(meanings.get(name.lstrip("*"), ""))] if meanings else [])]
        for name, kind, default in parameters
    ]
    yield "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def _other_sections(docs: Docs) -> Iterator[str]:
    for section in ("Returns", "Attributes", "Raises"):
        entries = docs.sections.get(section)
        if entries:
            listed = [f"`{name}`: {text}" if name else text for name, text in entries.items()]
            yield f"{section}:\n\n" + "\n".join(f"- {text}" for text in listed)


def _code(text: str | None) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def render_errors(modules: list[Module], names: list[list[str]]) -> Iterator[str]:
    """Yield the table of the errors: with so little to each, a heading for each would hide them."""
    nodes = {name: node for module in modules for name, node in module.nodes.items()}
    yield (
        "Each error has a `message` for people, a `code` for programs, the HTTP `status` that it becomes before the "
        "first event, `retryable`, and `retry_after` (seconds, or None)."
    )
    rows = ["| name | base | code | status | retryable | meaning |", "|---|---|---|---|---|---|"]
    for name in [name for of_module in names for name in of_module]:
        node = nodes[name]
        assert isinstance(node, ast.ClassDef)
        text = " ".join(parse_docstring(ast.get_docstring(node)).text.split())
        code, status, retryable = (_class_attribute(nodes, node, key) for key in ("code", "status", "retryable"))
        base = ast.unparse(node.bases[0])
        rows.append(f"| `{name}` | `{base}` | `{code}` | {status} | {'yes' if retryable else 'no'} | {_cell(text)} |")
    yield "\n".join(rows)


def _class_attribute(nodes: dict[str, ast.stmt], node: ast.ClassDef, name: str) -> object:
    for item in node.body:
        if isinstance(item, ast.Assign) and ast.unparse(item.targets[0]) == name:
            return ast.literal_eval(item.value)
    base = nodes[ast.unparse(node.bases[0])]
    assert isinstance(base, ast.ClassDef)
    return _class_attribute(nodes, base, name)


def render_page() -> str:
    """Return the page."""
    blocks = [HEAD.strip()]
    exported = Module(PACKAGE / "__init__.py").imports()
    for heading, paths in SECTIONS.items():
        blocks.append(f"## {heading}")
        modules = [Module(PACKAGE / (path.replace(".", "/") + ".py")) for path in paths]
        names = [
            sorted(exported.pop(path), key=lambda name, nodes=module.nodes: nodes[name].lineno)  # type: ignore[misc]
            for path, module in zip(paths, modules, strict=True)
        ]
        if heading == "Errors":
            blocks += render_errors(modules, names)
            continue
        for module, public in zip(modules, names, strict=True):
            blocks += [block for name in public for block in render_name(module, name)]
    assert not exported, f"add {', '.join(exported)} to SECTIONS in tools/api_docs.py"
    for name, definitions in MODULES.items():
        blocks += _render_module(name, definitions)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _render_module(name: str, definitions: str | None) -> Iterator[str]:
    file = PACKAGE / f"{name.replace('.', '/')}.py"
    module = Module(file if file.is_file() else PACKAGE / str(definitions))
    yield f"## `flask_headrace.{name}`"
    yield module.docs.text
    if definitions is None:
        names = ast.literal_eval(module.nodes["__all__"].value)  # type: ignore[attr-defined]
        yield from (block for public in names for block in render_name(module, public))
        return
    folder = (PACKAGE / definitions).parent
    for source, names in Module(PACKAGE / definitions).imports().items():
        origin = Module(folder / f"{source}.py")
        yield from (block for public in names for block in render_name(origin, public))


def main() -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(description="Write docs/api.md from the docstrings.")
    parser.add_argument("--check", action="store_true", help="fail if the page is out of date")
    page = render_page()
    if not parser.parse_args().check:
        PAGE.write_text(page)
    elif not PAGE.is_file() or PAGE.read_text() != page:
        print(f"{PAGE.relative_to(ROOT)} is out of date: run `.venv/bin/python tools/api_docs.py`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
