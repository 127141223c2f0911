"""Hostile requests beside streams that are being read: the longest pause that any of those readers sees.

    python -m benchmarks.hostile [--streams 100] [--seconds 5] [--only NAME,NAME]

The service runs on a core of its own; the readers, their model and the attackers on another one. A pause is the time
between two pieces of one stream beyond the pace at which its model sends them, and beyond what the readers' own process
was late.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks import attacks
from benchmarks.load import Endpoint
from benchmarks.relays import ROOT, Relay, Variant, project, start_test_bed

PACE = 20
"""Deltas a second of each stream that is read."""

KEY = "sk-none"

SETTLE_TIME = 6.0
"""Seconds after an attack until all of its work must have ended: a check of a schema takes 5 s at most."""


class Readers:
    """Streams that are read, each over a connection of its own.

    Attributes:
        worst: The longest pause of any stream during the attack, in seconds.
        broken: The number of streams that ended too early.
    """

    def __init__(self, endpoint: Endpoint, streams: int, seconds: float) -> None:
        self._endpoint, self._streams, self._seconds = endpoint, streams, seconds
        self.worst = self._lag = 0.0
        self.broken = 0

    async def run(self, attack: Callable[[], contextlib.AbstractContextManager[object]]) -> None:
        """Read all streams, for the given seconds while the attack runs."""
        deltas = int(PACE * (self._seconds + 10))
        request = self._endpoint.request(f"openai/paced-{PACE}", deltas)
        tasks = [asyncio.ensure_future(self._read(request)) for _ in range(self._streams)]
        tasks.append(asyncio.ensure_future(self._tick()))
        await asyncio.sleep(3)
        with attack():
            self.worst, self.broken = 0.0, 0
            await asyncio.sleep(self._seconds)
        worst, broken = self.worst, self.broken
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.worst, self.broken = worst, broken

    async def _tick(self) -> None:
        # How late this process is itself, at present: no fault of the service's.
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            self._lag = max(time.monotonic() - began - 0.005, self._lag * 0.5)

    async def _read(self, request: bytes) -> None:
        incoming, outgoing = await asyncio.open_connection("127.0.0.1", self._endpoint.port)
        try:
            outgoing.write(request)
            last = time.monotonic()
            while await incoming.read(65536):
                now = time.monotonic()
                self.worst = max(self.worst, now - last - 1 / PACE - self._lag)
                last = now
            self.broken += 1
        finally:
            outgoing.transport.abort()


@contextlib.contextmanager
def attacking(name: str, port: int) -> Iterator[None]:
    """Run an attack in a process of its own during the `with` block; an unknown name runs none."""
    if name not in attacks.ALL:
        yield
        return
    attacker = subprocess.Popen([sys.executable, "-m", "benchmarks.attacks", name, str(port), KEY], cwd=ROOT)
    try:
        yield
    finally:
        attacker.kill()
        attacker.wait()


def measure(relay: Relay, name: str, options: argparse.Namespace) -> dict[str, float | str]:
    """Measure one attack, and the additional memory of the service after it."""
    before = relay.program.memory()
    readers = Readers(relay.endpoint, options.streams, options.seconds)
    asyncio.run(readers.run(lambda: attacking(name, relay.endpoint.port)))
    time.sleep(SETTLE_TIME)
    grown = (relay.program.memory() - before) / 2**20
    return {
        "attack": name,
        "pause_ms": round(readers.worst * 1000),
        "broken": readers.broken,
        "grown_mib": round(grown),
    }


def main() -> None:
    """Measure the attacks that the command line names, and print a row for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--only", default=",".join(["nothing", *attacks.ALL]))
    options = parser.parse_args()
    settings = {"HEADRACE_API_KEYS": KEY}
    with start_test_bed() as test_bed, project(test_bed, Variant(settings=settings)) as relay:
        for name in options.only.split(","):
            print(json.dumps(measure(relay, name, options)), flush=True)


if __name__ == "__main__":
    main()
