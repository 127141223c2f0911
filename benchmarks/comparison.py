"""The project and its peers on the same work: all of them run at once, and are measured in turn.

In turn, so that other programs on the machine disturb all of them alike.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks import work
from benchmarks.figures import Rows
from benchmarks.peers import ALL, Peer, install, running
from benchmarks.processes import StartError
from benchmarks.relays import PROJECT, Relay, TestBed, project
from benchmarks.scale import Scale, Streams

LogProgress = Callable[[str], None]
"""Shows the user one line about the current step."""

SLOW = 5
"""A slow peer gets the number of streams divided by this."""

SLOW_ONES = {peer.name for peer in ALL if peer.is_slow}

Measure = Callable[[Relay], work.Row]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result: a row for each relay that ran, and the reason for each other relay, by their names."""

    rows: Rows
    left_out: dict[str, str]


def compare(test_bed: TestBed, scale: Scale, peers: Iterable[Peer], log_progress: LogProgress) -> Comparison:
    """Measure the project and the peers that can be started.

    Raises:
        StartError: the project itself does not start.
    """
    left_out: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        group = RelayGroup(test_bed, scale, {PROJECT: stack.enter_context(project(test_bed))}, left_out, log_progress)
        for peer in peers:
            log_progress(f"starting {peer.title}")
            try:
                group.relays[peer.name] = stack.enter_context(running(peer, test_bed))
            except (install.InstallError, StartError) as error:
                left_out[peer.name] = str(error)
        return Comparison(group.measure(), left_out)


@dataclass(frozen=True, slots=True)
class RelayGroup:
    """Relays that run side by side.

    Args:
        test_bed: The upstream and the cores.
        scale: The amount of work.
        relays: The relays by their names; a relay that fails is removed.
        left_out: Receives the reason of each failure, by the relay's name.
        log_progress: Called with a line before each measurement.
    """

    test_bed: TestBed
    scale: Scale
    relays: dict[str, Relay]
    left_out: dict[str, str]
    log_progress: LogProgress

    def measure(self) -> Rows:
        """Measure everything with every relay, and return the rows by the relays' names."""
        taken: dict[str, list[work.Row]] = {name: [] for name in self.relays}
        for title, (measure, repeat) in self._measures().items():
            for name, row in self._in_turn(title, measure, repeat).items():
                taken[name].append(row)
        return {name: work.merged(taken[name]) for name in self.relays}

    def _measures(self) -> dict[str, tuple[Measure, int]]:
        scale, port = self.scale, self.test_bed.port
        pace = f"openai/paced-{work.PACE}"
        return {
            "burst": (lambda relay: work.burst(relay, "openai/burst", _part(relay, scale.burst)), scale.repeat),
            "paced": (lambda relay: work.paced(relay, pace, _part(relay, scale.paced)), scale.repeat),
            "first delta": (lambda relay: work.first(relay, "openai/burst", scale.firsts), scale.repeat),
            "leaving": (lambda relay: work.disconnect(relay, port, "openai", scale.leaving), scale.repeat),
            # Once: a relay that has held streams keeps their memory for the next ones.
            "held streams": (lambda relay: _hold(relay, port, scale.held), 1),
        }

    def _in_turn(self, title: str, measure: Measure, repeat: int) -> Rows:
        rows: dict[str, list[work.Row]] = {name: [] for name in self.relays}
        for turn in range(repeat):
            for name, relay in list(self.relays.items()):
                self.log_progress(f"{title}, {turn + 1} of {repeat}: {name}")
                try:
                    rows[name].append(measure(relay))
                except OSError as error:
                    if name == PROJECT:
                        raise
                    self.left_out[name] = f"it failed during {title}: {error}"
                    del self.relays[name]
        return {name: work.median(rows[name]) for name in self.relays}


def _part(relay: Relay, streams: Streams) -> Streams:
    return Streams(max(1, streams.count // SLOW), streams.deltas) if relay.name in SLOW_ONES else streams


def _hold(relay: Relay, port: int, count: int) -> work.Row:
    return work.hold(relay, port, "openai/silent", _part(relay, Streams(count, 0)).count)
