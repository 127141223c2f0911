"""What every program is held to: it does the task, and stops the model when it is stopped."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.programs.desk import Desk, Ran
from tests.programs.kinds import Kind
from tests.programs.task import LAST_WORDS, WORD, has_tools, results, task, unfinished
from tests.support.upstream import Request, Upstream, anthropic_wire

Calls = Sequence[tuple[str, dict[str, Any] | str]]


def does_the_task(
    upstream: Upstream, kind: Kind, desk: Desk, calls: Calls, command: Sequence[str | Path]
) -> list[Request]:
    """Let a program do the task with two tools; return its requests at the upstream, one for each turn."""
    before = len(upstream.requests(kind.known_as))
    upstream.answer(kind.known_as, task(kind, calls))
    ran = desk.run(*command)
    seen = [request for request in upstream.requests(kind.known_as)[before:] if has_tools(request.body)]
    assert is_done(ran), ran
    assert desk.answer() == WORD
    assert [results(request.body) for request in seen] == [0, 1, 2]
    assert WORD in json.dumps(seen[1].body)
    assert calls[1][0].split("__")[-1] in json.dumps(seen[2].body)
    return seen


def brings_thoughts_back(request: Request) -> bool:
    """Whether a request to Anthropic's API has the thoughts of the turns before, as they were signed."""
    turns = [turn for turn in request.body["messages"] if turn["role"] == "assistant"]
    return all(turn["content"][0].get("signature") == anthropic_wire.SIGNATURE for turn in turns)


def is_done(ran: Ran) -> bool:
    """Whether a program has ended well and shown the last words."""
    return ran.code == 0 and "".join(LAST_WORDS) in ran.out


def stops_when_interrupted(
    upstream: Upstream, kind: Kind, desk: Desk, command: Sequence[str | Path], *, has_tools: bool = True
) -> None:
    """Interrupt a program in the middle of an answer, as Ctrl-C does: the upstream's connection is closed."""
    gate = f"never {desk.home}"
    upstream.answer(kind.known_as, unfinished(kind, gate, has_tools=has_tools))
    with desk.started(*command) as process:
        number = upstream.wait_for(lambda: _waiting(upstream, kind, gate) or process.poll() is not None, 60)
        assert process.poll() is None, process.communicate(timeout=10)
        os.killpg(process.pid, signal.SIGINT)
        closed = upstream.closed(kind.known_as, number - 1, 20)
    assert closed.deltas_sent == 1


def _waiting(upstream: Upstream, kind: Kind, gate: str) -> int:
    """Return which of the model's requests waits at the gate, counted from 1; 0 for none."""
    requests = upstream.requests(kind.known_as)
    return next((number for number, request in enumerate(requests, 1) if request.at_gate == gate), 0)
