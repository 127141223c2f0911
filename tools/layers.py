"""Draw docs/layers.svg, the packages in their layers, from the imports in the source. Uses the standard library alone.

    .venv/bin/python tools/layers.py [--check]

A package stands below every package that imports it, and an arrow points from the importing package to the imported
one. Inside a package, a module or folder stands below those that import it; modules that import
each other in a circle share one row. `--check` writes nothing and fails where the picture is out of date.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "flask_headrace"
PICTURE = ROOT / "docs/layers.svg"

Graph = dict[str, set[str]]
"""From each name to the names that it imports."""

PACKAGES = {
    "blueprints": "HTTP: one folder for each client protocol",
    "providers": "upstreams: requests to models, answers as events",
    "streaming": "sessions, stores, resuming, schema validation",
    "core": "pure values: events, errors, SSE, usage, prices, JSON",
}
"""The packages that are layers, and what each is. All other modules form the layer `TOP`."""
TOP = "flask_headrace"
TOP_TEXT = "public API: the extension, settings, signals, set-up, gunicorn"

WIDTH = 920
MARGIN = 70
"""Pixels left and right of the boxes, for the arrows that pass a layer."""
GAP = 46
"""Pixels between two layers, and between two boxes of one layer."""
ROW = 28
HEAD = 44
LANE = 18
LETTER = 7.3
"""Pixels that one letter of a module's name takes."""

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .name { font-size: 15px; font-weight: 600 }
  .note { font-size: 12px; fill: #59636e }
  .module { font: 12px ui-monospace, monospace }
  .package { fill: #f6f8fa; stroke: #0f766e; stroke-width: 1.5 }
  .part { fill: #ffffff; stroke: #d1d9e0 }
  .arrow { fill: none; stroke: #59636e; stroke-width: 1.5; marker-end: url(#head) }
  .head { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note { fill: #9198a1 }
    .package { fill: #151b23; stroke: #2dd4bf }
    .part { fill: #0d1117; stroke: #3d444d }
    .arrow { stroke: #9198a1 }
    .head { fill: #9198a1 }
  }
"""


@dataclass(frozen=True)
class Box:
    """The place of one package in the picture, in pixels, and its modules row by row."""

    name: str
    rows: list[list[str]]
    x: float
    y: float
    width: float

    @property
    def height(self) -> float:
        """The height of the heading and of all rows."""
        return HEAD + ROW * len(self.rows) + 6

    @property
    def middle(self) -> float:
        """The x of the centre."""
        return self.x + self.width / 2


def imported_modules(package: Path) -> Graph:
    """Return, for each module below `package`, the dotted names of this package's modules that it imports.

    Imports that only type checkers read count as well.
    """
    sources: dict[str, Path] = {}
    for path in sorted(package.rglob("*.py")):
        names = path.relative_to(package.parent).with_suffix("").parts
        sources[".".join(names[:-1] if path.stem == "__init__" else names)] = path
    return {module: set(_imports(module, path, sources.keys())) for module, path in sources.items()}


def _imports(module: str, path: Path, known: Collection[str]) -> Iterator[str]:
    parents = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = parents[: len(parents) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{source}.{alias.name}"
                if name in known or source in known:
                    yield name if name in known else source


def grouped(modules: Graph, group_of: dict[str, str]) -> Graph:
    """Return the imports between groups of modules.

    Args:
        modules: The imports of each module.
        group_of: From a module to its group; a module without a group is left out.
    """
    groups: Graph = {group: set() for group in group_of.values()}
    for module, imports in modules.items():
        if module in group_of:
            targets = {group_of[name] for name in imports if name in group_of}
            groups[group_of[module]] |= targets - {group_of[module]}
    return groups


def rows_of(graph: Graph) -> list[list[str]]:
    """Return the names in rows: each name in a row above all that it imports, and a circle of names in one row."""
    reached = {name: _reachable(graph, name) for name in graph}
    depth: dict[str, int] = {}
    for name in sorted(graph, key=lambda name: (len(reached[name] | {name}), name)):
        below = [other for other in reached[name] if name not in reached[other]]
        depth[name] = max((depth[other] + 1 for other in below), default=0)
    return [sorted(name for name in graph if depth[name] == row) for row in sorted(set(depth.values()), reverse=True)]


def _reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - found:
            found.add(name)
            waiting.append(name)
    return found


def layer_of(module: str) -> str:
    """Return the layer of a module: `flask_headrace.core.sse` is in `core`, `flask_headrace.setup.stores` in `TOP`."""
    names = module.split(".")
    return names[1] if len(names) > 1 and names[1] in PACKAGES else TOP


def parts_of(modules: Graph, layer: str) -> Graph:
    """Return the imports between a layer's modules and folders; a folder's name ends in `/`."""
    depth = 1 if layer == TOP else 2
    folders = {".".join(name.split(".")[: depth + 1]) for name in modules if name.count(".") > depth}
    named: dict[str, str] = {}
    for module in modules:
        names = module.split(".")
        if layer_of(module) == layer and len(names) > depth:
            part = ".".join(names[: depth + 1])
            named[module] = names[depth] + ("/" if part in folders else "")
    return grouped(modules, named)


def wrapped(rows: list[list[str]], width: float) -> list[list[str]]:
    """Return the rows with each one that is wider than `width` pixels cut into several."""
    lines: list[list[str]] = []
    for row in rows:
        lines.append([])
        for name in row:
            if lines[-1] and sum(map(_width, [*lines[-1], name])) > width:
                lines.append([])
            lines[-1].append(name)
    return lines


def _width(name: str) -> float:
    return len(name) * LETTER + 22


def boxes(modules: Graph, layers: list[list[str]]) -> dict[str, Box]:
    """Return a box for each package, layer below layer; the packages of one layer stand side by side."""
    placed: dict[str, Box] = {}
    y = 8.0
    for layer in layers:
        width = (WIDTH - 2 * MARGIN - GAP * (len(layer) - 1)) / len(layer)
        row = [
            Box(name, wrapped(rows_of(parts_of(modules, name)), width - 12), MARGIN + place * (width + GAP), y, width)
            for place, name in enumerate(layer)
        ]
        placed |= {box.name: box for box in row}
        y += max(box.height for box in row) + GAP
    return placed


def picture(modules: Graph) -> str:
    """Return the SVG of these modules and their imports."""
    graph = grouped(modules, {module: layer_of(module) for module in modules})
    layers = rows_of(graph)
    placed = boxes(modules, layers)
    height = max(box.y + box.height for box in placed.values()) + 8
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img" aria-label="The packages in layers; arrows point to what a package imports">'
    )
    marker = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    drawn = [line for box in placed.values() for line in _box(box)]
    return "\n".join([head, f"<style>{STYLE}</style>", marker, *drawn, *_arrows(graph, layers, placed), "</svg>", ""])


def _box(box: Box) -> Iterator[str]:
    title = f"{box.name}/" if box.name != TOP else f"{TOP}/*.py, setup/, server/"
    note = PACKAGES.get(box.name, TOP_TEXT)
    yield _rect("package", box.x, box.y, box.width, box.height)
    yield f'<text class="name" x="{box.x + 10:.0f}" y="{box.y + 20:.0f}">{escape(title)}</text>'
    yield f'<text class="note" x="{box.x + 10:.0f}" y="{box.y + 36:.0f}">{escape(note)}</text>'
    for number, row in enumerate(box.rows):
        y = box.y + HEAD + number * ROW
        x = box.middle - sum(map(_width, row)) / 2
        for name in row:
            width = _width(name)
            yield _rect("part", x + 3, y, width - 6, ROW - 5)
            yield f'<text class="module" x="{x + width / 2:.0f}" y="{y + 16:.0f}" text-anchor="middle">{name}</text>'
            x += width


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="5"/>'


def _arrows(graph: Graph, layers: list[list[str]], placed: dict[str, Box]) -> Iterator[str]:
    """Draw straight arrows to the next layer, and arrows that pass a layer at the picture's sides."""
    depth = {name: number for number, layer in enumerate(layers) for name in layer}
    lanes = {"left": 0, "right": 0}
    for name in sorted(graph, key=depth.__getitem__):
        for target in sorted(graph[name], key=lambda target: (depth[target], target)):
            source, end = placed[name], placed[target]
            if depth[target] == depth[name] + 1:
                x = source.middle if source.width < end.width else end.middle
                yield _line(x, source.y + source.height, x, end.y)
                continue
            side = _side(end) or min(lanes, key=lanes.__getitem__)
            lanes[side] += 1
            yield _round(source, end, side, LANE * lanes[side])


def _side(box: Box) -> str:
    """Return the side at which a box stands; an empty text for a box as wide as the picture."""
    return "right" if box.x > WIDTH / 2 else "left" if box.x + box.width < WIDTH / 2 else ""


def _round(source: Box, end: Box, side: str, away: float) -> str:
    """Draw an arrow that leaves `source` at a side and runs down `away` pixels beside the boxes to `end`."""
    if side == "left":
        edge, lane, tip = source.x, MARGIN - away, end.x
    else:
        edge, lane, tip = source.x + source.width, WIDTH - MARGIN + away, end.x + end.width
    leave, enter = source.y + 10 + away, end.y + 12 + away
    return _line(edge, leave, lane, leave, lane, enter, tip, enter)


def _line(*numbers: float) -> str:
    points = " ".join(f"{x:.0f},{y:.0f}" for x, y in zip(numbers[::2], numbers[1::2], strict=True))
    return f'<polyline class="arrow" points="{points}"/>'


def main() -> int:
    """Draw or check the picture and return the exit status."""
    parser = argparse.ArgumentParser(description="Draw docs/layers.svg from the imports in flask_headrace/.")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where the picture is out of date")
    is_check = parser.parse_args().check
    wanted = picture(imported_modules(PACKAGE))
    is_fresh = PICTURE.is_file() and PICTURE.read_text(encoding="utf-8") == wanted
    if is_check and not is_fresh:
        print(f"docs/{PICTURE.name} is out of date: run `.venv/bin/python tools/layers.py`.", file=sys.stderr)
        return 1
    if not is_fresh:
        PICTURE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
