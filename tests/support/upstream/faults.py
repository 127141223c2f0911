"""Faulty answers, by name, for tests that go through all of them: none of these is a complete answer.

Each function takes a wire module, such as `openai_wire`, and returns scripts that answer requests in its format.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from tests.support.upstream import plain
from tests.support.upstream.pieces import Tokens
from tests.support.upstream.steps import (
    FINISH,
    Chunk,
    Close,
    Flood,
    HalfClose,
    HalfHead,
    Hang,
    Head,
    Paced,
    Reset,
    Script,
    Step,
    script,
)

STATUSES = (400, 401, 403, 404, 429, 500, 503, 529)
HUGE = 100 * 1024 * 1024  # bytes of a frame without an end


def after(whole: Script, deltas: int, *steps: Step) -> Script:
    """Return a script up to its n-th delta, followed by other steps."""
    return script(*whole.steps[: _place(whole, deltas)], *steps)


def in_frame(whole: Script, deltas: int, *steps: Step) -> Script:
    """Return a script up to its n-th delta, followed by half of its next frame and by other steps."""
    place = _place(whole, deltas)
    frame = next(step for step in whole.steps[place:] if isinstance(step, Chunk))
    half = Chunk(frame.data[: len(frame.data) // 2])
    return script(*whole.steps[:place], half, *steps)


def places(wire: ModuleType, *steps: Step) -> dict[str, Script]:
    """Return scripts with the same steps at every place of an answer: `places(openai_wire, Hang())`."""
    whole = wire.answer("Hello", " world")
    return {
        "before its head": script(*steps),
        "in its head": script(HalfHead(), *steps),
        "after its head": script(wire.HEAD, *steps),
        "before its first delta": after(whole, 0, *steps),
        "after a delta": after(whole, 1, *steps),
        "in a frame": in_frame(whole, 1, *steps),
        "after all deltas": after(whole, 2, *steps),
    }


def broken(wire: ModuleType) -> dict[str, Script]:
    """Return answers that break off or become invalid; each of them ends by itself."""
    whole = wire.answer("Hello", " world")
    ways: dict[str, tuple[Step, ...]] = {
        "closed": (Close(),),
        "reset": (Reset(),),
        "half-closed": (HalfClose(), Hang()),
        "ended": (FINISH,),
    }
    breaks = {f"{way} {place}": s for way, steps in ways.items() for place, s in places(wire, *steps).items()}
    for way in ("before", "in", "after"):  # without a complete head there is no body to end
        breaks.pop(f"ended {way} its head", None)
    promising = replace(wire.HEAD, content_length=len(whole.body) + 1000)
    return {
        **breaks,
        "ended right after its head": script(wire.HEAD, FINISH),
        "shorter than its content-length": script(promising, *whole.steps[1:], Close()),
        "error in the stream at once": wire.failing_after(0),
        "error in the stream after two deltas": wire.failing_after(2),
        "invalid JSON": after(whole, 1, Chunk(b'event: ping\ndata: {"type":"ping",,\n\n'), *whole.steps[-3:]),
        "JSON of another shape": after(whole, 1, Chunk(b"data: [1, 2, 3]\n\n"), FINISH),
        "invalid UTF-8": after(whole, 1, _spoiled(wire.text("@@")), *whole.steps[-3:]),
        "frame without end": after(whole, 1, Chunk(wire.text("@@").data.partition(b"@@")[0]), _flood(), Hang()),
        "line without colon or end": script(wire.HEAD, _flood(), Hang()),
        "200 with HTML": plain.html(200),
        "200 with JSON": plain.json_body({"status": "ok"}),
        "200 with an empty body": script(Head(200, wire.HEAD.headers, content_length=0)),
        "204": plain.empty(204),
        "302": plain.redirect(302, "/login"),
        "307 to itself": plain.redirect(307, wire.ENDPOINT),
        "not HTTP": script(Chunk(b"220 mail.example ESMTP ready\r\n"), Close()),
    }


def silent(wire: ModuleType) -> dict[str, Script]:
    """Return answers that are silent from some place on, and never end."""
    pings = Paced(replace(wire.PING, deltas=0), per_second=20)
    return {
        **{f"silent {place}": s for place, s in places(wire, Hang()).items()},
        "pings alone": script(wire.HEAD, wire.opening(), pings),
        "pings after a delta": after(wire.answer("Hello", " world"), 1, pings),
        "comments alone": script(wire.HEAD, Paced(Chunk(b": waiting\n\n"), per_second=20)),
        "blank lines alone": script(wire.HEAD, Paced(Chunk(b"\n"), per_second=20)),
    }


def refusals(wire: ModuleType) -> dict[str, Script]:
    """Return error responses: with the provider's own bodies, with empty ones, and with a proxy's HTML."""
    return {
        **{f"{status}": wire.error(status) for status in STATUSES},
        "429 with Retry-After": wire.error(429, retry_after=7),
        **{f"{status} without a body": plain.empty(status) for status in (401, 429, 500)},
        **{f"{status} with HTML": plain.html(status) for status in (403, 404, 502, 504)},
    }


def endless(wire: ModuleType, total: int, size: int = 200) -> Script:
    """Return an answer of text deltas, `size` characters each, as fast as the peer reads, up to `total` bytes."""
    end = (wire.ending(wire.FINISHES[0], Tokens(9, 9)), FINISH)
    return after(wire.answer("Hello"), 1, Flood(wire.text("x" * size), total), *end)


def _place(whole: Script, deltas: int) -> int:
    """Return the index of the step after the n-th delta; for 0, the index of the step with the first delta."""
    counted = [n for n, step in enumerate(whole.steps) if isinstance(step, Chunk) and step.deltas]
    return counted[deltas - 1] + 1 if deltas else counted[0]


def _spoiled(frame: Chunk) -> Chunk:
    return replace(frame, data=frame.data.replace(b"@@", b"caf\xe9 \xff\xfe"))


def _flood() -> Flood:
    return Flood(Chunk(b"x" * 8192), HUGE)
