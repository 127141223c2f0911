"""Any order of actions: a stream compared with a model of a few lines."""

from __future__ import annotations

from dataclasses import dataclass, field

import gevent
from gevent.event import Event as Flag
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_headrace.core.errors import IdleTimeout, UpstreamProtocolError
from flask_headrace.core.events import Cancelled, Completed, Event, Failed, TextDelta, Usage
from flask_headrace.streaming.context import StreamLimits
from tests.streaming.stage import DONE, REPORTED, Reader, Source, Stream, is_terminal, text
from tests.support.event_loop import settle, until

NARROW = StreamLimits(heartbeat=None, first_token=None, stall=None, duration=None, client=None, max_buffer_bytes=300)

PIECES = ["piece", "piece", "big piece"]
ACTS = st.sampled_from([
    *PIECES, "usage", "done", "upstream sends Failed", "upstream fails", "we fail", "stop", "time limit", "pause",
    "go on", "turn",
])  # fmt: skip
ENDS: dict[str, Event] = {
    "done": DONE,
    "upstream sends Failed": Failed("mine", "so it is", retryable=False),
    "upstream fails": Failed("upstream_broken", "gone", retryable=True),
    "stop": Cancelled("stopped"),
    "time limit": Failed("stall_timeout", "silent", retryable=True),
}


@dataclass
class World:
    """A stream whose reader can be paused, and the texts that its source sent."""

    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source = Source()
        self.stream = Stream(self.source, NARROW)
        self.gate = Flag()
        self.gate.set()
        self.reader = Reader(self.stream.session, on_batch=lambda _: self.gate.wait())

    def do(self, act: str) -> None:
        match act:
            case "piece" | "big piece":
                self.sent.append(f"{len(self.sent)}," + ("x" * 400 if act == "big piece" else ""))
                self.source.give(text(self.sent[-1]))
            case "usage":
                self.source.give([REPORTED])
            case "done":
                self.source.give([REPORTED, DONE])
            case "upstream sends Failed":
                self.source.give([ENDS[act]])
            case "upstream fails":
                self.source.give(UpstreamProtocolError("gone"))
            case "we fail":
                self.source.give(ZeroDivisionError())
            case "stop":
                self.stream.session.cancel("stopped")
            case "time limit":
                self.stream.session.fail(IdleTimeout("silent"))
            case "pause":
                self.gate.clear()
            case "go on":
                self.gate.set()
            case "turn":
                settle()

    def end(self) -> list[Event]:
        self.gate.set()
        events = self.reader.read()
        until(lambda: self.stream.ends)
        return events


@given(st.lists(ACTS, max_size=25))
@settings(max_examples=300)
def test_any_order_of_things_gives_a_whole_beginning_and_one_end(acts: list[str]) -> None:
    world = World()
    for act in acts:
        world.do(act)
    world.do("stop")
    events = world.end()
    session = world.stream.session
    *deltas, usage, terminal = events
    assert [is_terminal(event) for event in events] == [False] * (len(deltas) + 1) + [True]
    assert isinstance(usage, Usage)
    assert all(isinstance(delta, TextDelta) for delta in deltas)
    assert "".join(world.sent).startswith(world.reader.text)
    assert world.stream.ends == [session]
    assert world.source.closed == world.source.asked
    assert terminal in ENDS.values() or terminal.code == "internal"
    assert (session.error is not None) == isinstance(terminal, Failed)
    assert usage is REPORTED or usage.estimated == bool(world.source.asked)
    if isinstance(terminal, Completed):
        assert usage == REPORTED
        before = acts[: acts.index("done")]
        assert world.reader.text == "".join(world.sent[: sum(act.endswith("piece") for act in before)])


@given(st.lists(ACTS, max_size=25), st.integers(0, 25))
@settings(max_examples=150)
def test_a_reader_that_leaves_at_any_moment_leaves_nothing_behind(acts: list[str], leaves_after: int) -> None:
    world = World()
    for act in acts[:leaves_after]:
        world.do(act)
    world.reader.greenlet.kill(block=False)
    world.reader.reader.close()
    for act in acts[leaves_after:]:
        world.do(act)
    until(lambda: world.stream.ends)
    gevent.sleep(0)
    assert world.stream.ends == [world.stream.session]
    assert world.source.closed == world.source.asked
    assert world.stream.session.terminal is not None
