"""Scripts whose bytes are cut elsewhere: the same answer, in other writes. Pure.

Positions count the body's bytes, without their coding, from the body's start. To cut all bytes of a
response, the status line, the headers and the chunk sizes included, cut `raw(script)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from typing import Any

from tests.support.upstream import http1
from tests.support.upstream.steps import Bytes, Chunk, Close, Gate, HalfHead, Head, Pause, Script, Step

Cuttable = Chunk | Bytes


def cut(script: Script, size: int, *, gate: str | None = None, pause: float | None = None) -> Script:
    """Cut the body into pieces of `size` bytes."""
    return cut_at(script, range(size, _length(script), size), gate=gate, pause=pause)


def cut_at(script: Script, positions: Iterable[int], *, gate: str | None = None, pause: float | None = None) -> Script:
    """Cut the body at these positions and nowhere else, except where another step stands between its bytes.

    Each piece is one write. With `gate` or `pause`, a gate named `gate-POSITION` or a pause comes between two pieces.
    """
    places, offset = sorted(set(positions)), 0
    steps: list[Step] = []
    for kind, run in groupby(script.steps, type):
        whole: list[Any] = list(run)
        if kind not in {Chunk, Bytes}:
            steps += whole
            continue
        end = offset + sum(len(step.data) for step in whole)
        edges = [offset, *(place for place in places if offset < place < end), end]
        for piece, (start, _) in zip(_pieces(whole, [edge - offset for edge in edges]), pairwise(edges), strict=True):
            steps += [*_between(start, gate, pause), piece] if start > offset else [piece]
        offset = end
    return Script(tuple(steps), script.whole)


def every_cut(script: Script) -> Iterator[tuple[int, Script]]:
    """Yield every position inside the body, with the script that is cut there."""
    for position in range(1, _length(script)):
        yield position, cut_at(script, [position])


def raw(script: Script) -> Script:
    """Encode head and body as plain bytes, which can be cut anywhere. Bursts and floods stay as they are."""
    head: Head | None = None
    steps: list[Step] = []
    for step in script.steps:
        match step:
            case Head():
                head = step
                steps.append(Bytes(http1.head_bytes(step)))
            case HalfHead(size, half):
                steps.append(Bytes(http1.head_bytes(half)[:size]))
            case Chunk():
                steps.append(Bytes(http1.body_bytes(head, step), step.deltas))
            case _:
                steps.append(step)
    ends = [Close()] if http1.ends_by_close(head) else []
    return Script((*steps, *ends), script.whole and raw(script.whole))


def _length(script: Script) -> int:
    return sum(len(step.data) for step in script.steps if isinstance(step, (Chunk, Bytes)))


def _pieces(run: list[Any], edges: list[int]) -> Iterator[Cuttable]:
    """Cut the joined bytes of a run at the edges; a delta counts to the piece in which its last byte lies."""
    joined = b"".join(step.data for step in run)
    ends = [sum(len(step.data) for step in run[: n + 1]) for n in range(len(run))]
    for start, end in pairwise(edges):
        deltas = sum(step.deltas for step, at in zip(run, ends, strict=True) if start < at <= end)
        if isinstance(run[0], Bytes):
            yield Bytes(joined[start:end], deltas)
        else:
            yield Chunk(joined[start:end], deltas, last=end == len(joined) and any(step.last for step in run))


def _between(position: int, gate: str | None, pause: float | None) -> list[Step]:
    gates: list[Step] = [] if gate is None else [Gate(f"{gate}-{position}")]
    return gates if pause is None else [*gates, Pause(pause)]
