"""The chart of a run: an SVG written by hand, readable on a light and on a dark ground. Pure, from figures to text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from benchmarks.figures import Rows
from benchmarks.growth import Growth
from benchmarks.relays import PROJECT
from benchmarks.table import number

WIDTH = 880
LABEL = 150
BAR = 20
PANEL = WIDTH // 2
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 13px; font-weight: 600 }
  .note, .tick { fill: #59636e }
  .tick { font-size: 11px }
  .ours { fill: #0f766e; stroke: none }
  .other { fill: #afb8c1; stroke: none }
  .line { fill: none; stroke: #0f766e; stroke-width: 2 }
  .faint { fill: none; stroke: #0f766e; stroke-width: 2; stroke-dasharray: 4 4 }
  .axis { stroke: #d1d9e0; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note, .tick { fill: #9198a1 }
    .ours { fill: #2dd4bf }
    .other { fill: #59636e }
    .line, .faint { stroke: #2dd4bf }
    .axis { stroke: #3d444d }
  }
"""

BARS = (
    ("burst_rate", "Burst on one core: deltas/s", "more is better"),
    ("paced_cpu", "Paced, 50 deltas/s a stream: CPU per delta, µs", "less is better"),
    ("paced_p50", "Paced: delay of a delta, median, ms", "less is better"),
    ("first_p50", "Time to first delta, one at a time, ms", "less is better"),
    ("held_each", "Held silent streams: KiB each", "less is better"),
    ("closed_all", "All readers gone → all upstreams closed, s", "less is better"),
)

LINES = (
    ("Delay of a delta, ms: median, and p99 dashed", "paced_p50", "paced_p99"),
    ("CPU per delta, µs: paced, and burst dashed", "paced_cpu", "burst_cpu"),
)


def chart(rows: Rows, titles: dict[str, str], streams: Growth | None) -> str:
    """Draw the relays' bars, figure by figure, and how the delay grows with the streams.

    Args:
        rows: What was measured.
        titles: From the relays' names to what the chart calls them; in this order.
        streams: The growth of that name; None leaves it out.
    """
    tall = 56 + (BAR + 6) * len(titles)
    parts = []
    for place, (key, title, note) in enumerate(BARS):
        values = {titles[name]: rows[name][key] for name in titles if math.isfinite(rows[name].get(key, math.nan))}
        parts.append(_moved(place % 2 * PANEL, place // 2 * tall, _bars(title, note, values, titles[PROJECT])))
    height = math.ceil(len(BARS) / 2) * tall
    if streams is not None:
        for place, (title, key, dashed) in enumerate(LINES):
            parts.append(_moved(place * PANEL, height, _lines(title, streams, key, dashed)))
        height += 210
    box = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="The benchmarks\' figures as bars">'
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _bars(title: str, note: str, values: dict[str, float], ours: str) -> Iterator[str]:
    yield _text(0, 18, title, "title")
    yield _text(0, 34, note, "note")
    longest = max(values.values(), default=1.0) or 1.0
    room = PANEL - LABEL - 80
    for place, (name, value) in enumerate(values.items()):
        top = 44 + place * (BAR + 6)
        width = max(1.0, value / longest * room)
        kind = "ours" if name == ours else "other"
        yield _text(LABEL - 8, top + 14, name, "name", anchor="end")
        yield f'<rect class="{kind}" x="{LABEL}" y="{top}" width="{width:.1f}" height="{BAR}" rx="3"/>'
        yield _text(LABEL + width + 6, top + 14, number(value), "value")


def _lines(title: str, part: Growth, first: str, second: str) -> Iterator[str]:
    left, top, width, height = 44, 36, PANEL - 90, 130
    highest = max(row[key] for row in part.rows.values() for key in (first, second)) or 1.0
    step = width / max(1, len(part.rows) - 1)
    yield _text(0, 18, title, "title")
    for share in (0.0, 0.5, 1.0):
        y = top + height * (1 - share)
        yield f'<line class="axis" x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(left - 6, y + 4, number(highest * share) if share else "0", "tick", anchor="end")
    for place, axis in enumerate(part.rows):
        yield _text(left + place * step, top + height + 18, axis, "tick", anchor="middle")
    yield _text(left + width / 2, top + height + 34, "streams at once", "tick", anchor="middle")
    for key, kind in ((second, "faint"), (first, "line")):
        heights = [top + height * (1 - row[key] / highest) for row in part.rows.values()]
        points = " ".join(f"{left + place * step:.1f},{y:.1f}" for place, y in enumerate(heights))
        yield f'<polyline class="{kind}" points="{points}"/>'


def _moved(x: int, y: int, parts: Iterator[str]) -> str:
    return f'<g transform="translate({x + 8} {y})">\n' + "\n".join(parts) + "\n</g>"


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
