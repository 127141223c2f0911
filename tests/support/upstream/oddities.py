"""Odd but complete answers, by name: each has the text TEXT and the finish reason of a normal end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

from tests.support.upstream import cuts, openai_wire
from tests.support.upstream.pieces import Tokens
from tests.support.upstream.steps import FINISH, Bytes, Chunk, Close, Script, Step

PIECES = ("Hello", " wörld", " 🌊")
TEXT = "".join(PIECES)
BARE_HEAD = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def odd(wire: ModuleType) -> dict[str, Script]:
    """Return the odd but complete answers in a wire's format."""
    whole = wire.answer(*PIECES)
    head, *frames = whole.steps
    length = len(whole.body)
    scripts = {
        "CRLF": _rewritten(whole, lambda data: data.replace(b"\n", b"\r\n")),
        "CR": _rewritten(whole, lambda data: data.replace(b"\n", b"\r")),
        "no space after the colon": _rewritten(whole, lambda data: data.replace(b"data: ", b"data:")),
        "byte order mark": _with(whole, 1, Chunk(b"\xef\xbb\xbf")),
        "comments between frames": _between(whole, Chunk(b": hm\n\n")),
        "comments in frames": _rewritten(whole, lambda data: b": hm\n" + data if data else data),
        "pings between frames": _between(whole, wire.PING),
        "unknown events between frames": _between(whole, wire.UNKNOWN),
        "id and retry fields": _rewritten(whole, lambda data: b"id: 7\nretry: 3000\n" + data if data else data),
        "fields in data of two lines": _rewritten(whole, lambda data: data.replace(b'","', b'",\ndata: "')),
        "unknown JSON fields": _rewritten(whole, lambda data: data.replace(b"data: {", b'data: {"novel":{"a":[1]},')),
        "escaped Unicode": _rewritten(whole, _escaped),
        "a character cut in half": _of(whole, *(half for step in whole.steps for half in _halves(step))),
        "empty deltas": _between(whole, replace(wire.text(""), deltas=0), first=_first_delta(whole), last=3),
        "all frames at once": cuts.cut_at(whole, []),
        "one byte a piece": cuts.cut(whole, 1),
        "one byte a write": cuts.cut(cuts.raw(whole), 1),
        "head and body at once": cuts.cut_at(cuts.raw(whole), []),
        "body until close": _of(whole, replace(head, chunked=False), *frames),
        "body until an unannounced close": _of(whole, Bytes(BARE_HEAD), Bytes(whole.body, 3), Close()),
        "content-length": _of(whole, replace(head, content_length=length), *frames),
        "connection: close": _of(whole, replace(head, headers=(*head.headers, ("connection", "close"))), *frames),
        "closed right after its end": whole.then(Close()),
    }
    return {**scripts, **(_openai() if wire is openai_wire else {})}


def _openai() -> dict[str, Script]:
    wire, usage = openai_wire, Tokens(9, 2)
    start = [wire.HEAD, wire.opening(), *wire.deltas(*PIECES)]
    filters = wire.frame(
        {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []}
    )
    return {
        "no [DONE]": wire.answer(*PIECES, done=False),
        "no [DONE], closed": Script((*wire.answer(*PIECES, done=False).steps[:-1], Close())),
        "no usage": wire.answer(*PIECES, usage=None),
        "no role chunk": Script((wire.HEAD, *wire.answer(*PIECES).steps[2:])),
        "usage before the finish reason": Script((*start, wire.tokens(usage), wire.ending("stop"), wire.DONE)),
        "usage with the finish reason": Script((*start, wire.ending("stop", usage), wire.DONE)),
        "usage with every delta": Script((*_counted(), wire.ending("stop", usage), wire.DONE)),
        "choices empty at first": _with(wire.answer(*PIECES), 1, filters),
        "content null in the last delta": Script((*start, wire.chunk({"content": None}, "stop"), wire.DONE)),
        "frames after [DONE]": Script((*start, wire.ending("stop"), Chunk(wire.DONE.data), wire.text("late"), FINISH)),
    }


def _counted() -> tuple[Step, ...]:
    wire = openai_wire
    counted = [wire.chunk({"content": p}, usage=Tokens(9, n), deltas=1) for n, p in enumerate(PIECES)]
    return (wire.HEAD, wire.opening(), *counted)


def _of(whole: Script, *steps: Step) -> Script:
    return Script(steps, whole.whole)


def _rewritten(whole: Script, rewrite: Callable[[bytes], bytes]) -> Script:
    steps = (replace(s, data=rewrite(s.data)) if isinstance(s, Chunk) else s for s in whole.steps)
    return _of(whole, *steps)


def _with(whole: Script, place: int, step: Step) -> Script:
    return _of(whole, *whole.steps[:place], step, *whole.steps[place:])


def _between(whole: Script, step: Step, *, first: int = 1, last: int = 99) -> Script:
    places = range(first, first + last)
    return _of(whole, *(s for n, own in enumerate(whole.steps) for s in ((step, own) if n in places else (own,))))


def _halves(step: Step) -> tuple[Step, ...]:
    if not isinstance(step, Chunk) or not step.deltas or " 🌊".encode() not in step.data:
        return (step,)
    first, second = step.data.replace("🌊".encode(), b"\\ud83c"), step.data.replace(" 🌊".encode(), b"\\udf0a")
    return replace(step, data=first), replace(step, data=second, deltas=0)


def _first_delta(whole: Script) -> int:
    return next(n for n, step in enumerate(whole.steps) if isinstance(step, Chunk) and step.deltas)


def _escaped(data: bytes) -> bytes:
    return b"".join(json.dumps(c)[1:-1].encode() if c > "\x7f" else c.encode() for c in data.decode())
