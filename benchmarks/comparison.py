"""The project and its peers on the same work: all of them run at once, and are asked in turn.

In turn, so that whatever else the machine does meets all of them alike.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks import work
from benchmarks.figures import Rows
from benchmarks.peers import ALL, Peer, install, running
from benchmarks.processes import StartError
from benchmarks.relays import PROJECT, Relay, Stage, project
from benchmarks.scale import Scale, Streams

Say = Callable[[str], None]
"""Tells the person who waits what is being done."""

SLOW = 5
"""By how much the streams of a slow peer are fewer."""

SLOW_ONES = {peer.name for peer in ALL if peer.is_slow}

Measure = Callable[[Relay], work.Row]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it: a row for each relay that ran, and, by their names, why the others did not."""

    rows: Rows
    left_out: dict[str, str]


def compare(stage: Stage, scale: Scale, peers: Iterable[Peer], say: Say) -> Comparison:
    """Measure the project and the peers that can be started.

    Raises:
        StartError: the project itself does not start.
    """
    left_out: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        company = Company(stage, scale, {PROJECT: stack.enter_context(project(stage))}, left_out, say)
        for peer in peers:
            say(f"starting {peer.title}")
            try:
                company.relays[peer.name] = stack.enter_context(running(peer, stage))
            except (install.InstallError, StartError) as error:
                left_out[peer.name] = str(error)
        return Comparison(company.measure(), left_out)


@dataclass(frozen=True, slots=True)
class Company:
    """Relays that run side by side.

    Args:
        stage: What they stand in front of.
        scale: How much work they get.
        relays: Them, by their names; one that fails at its work is taken out.
        left_out: Where its reason goes.
        say: Told what is being done.
    """

    stage: Stage
    scale: Scale
    relays: dict[str, Relay]
    left_out: dict[str, str]
    say: Say

    def measure(self) -> Rows:
        """Give all of them all of the work."""
        taken: dict[str, list[work.Row]] = {name: [] for name in self.relays}
        for title, (measure, repeat) in self._measures().items():
            for name, row in self._in_turn(title, measure, repeat).items():
                taken[name].append(row)
        return {name: work.merged(taken[name]) for name in self.relays}

    def _measures(self) -> dict[str, tuple[Measure, int]]:
        scale, port = self.scale, self.stage.port
        pace = f"openai/paced-{work.PACE}"
        return {
            "burst": (lambda relay: work.burst(relay, "openai/burst", _part(relay, scale.burst)), scale.repeat),
            "paced": (lambda relay: work.paced(relay, pace, _part(relay, scale.paced)), scale.repeat),
            "first delta": (lambda relay: work.first(relay, "openai/burst", scale.firsts), scale.repeat),
            "leaving": (lambda relay: work.leave(relay, port, "openai", scale.leaving), scale.repeat),
            # Once: who has held streams before has the memory for the next ones already.
            "held streams": (lambda relay: _hold(relay, port, scale.held), 1),
        }

    def _in_turn(self, title: str, measure: Measure, repeat: int) -> Rows:
        rows: dict[str, list[work.Row]] = {name: [] for name in self.relays}
        for turn in range(repeat):
            for name, relay in list(self.relays.items()):
                self.say(f"{title}, {turn + 1} of {repeat}: {name}")
                try:
                    rows[name].append(measure(relay))
                except OSError as error:
                    if name == PROJECT:
                        raise
                    self.left_out[name] = f"it failed at its work ({title}): {error}"
                    del self.relays[name]
        return {name: work.median(rows[name]) for name in self.relays}


def _part(relay: Relay, streams: Streams) -> Streams:
    return Streams(max(1, streams.count // SLOW), streams.deltas) if relay.name in SLOW_ONES else streams


def _hold(relay: Relay, port: int, count: int) -> work.Row:
    return work.hold(relay, port, "openai/silent", _part(relay, Streams(count, 0)).count)
