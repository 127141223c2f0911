"""Sends thousands of complete, abandoned and failed streams through a worker, whose resources must not grow.

    python -m benchmarks.soak 20000

The service is the real one, with an additional page that reports the worker's resources; the upstream runs here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.support.reader import ask, asking, send
from tests.support.service import Service
from tests.support.upstream import Close, Gate, Hang, Upstream, anthropic_wire, faults, openai_wire, script

AT_ONCE = 32
"""Streams that are open together, in three of four rounds; in the fourth, one after another."""

ROUND = 250
"""Streams of a round."""

HOST = """
from gevent import monkey

monkey.patch_all()

import gc
import os

from greenlet import greenlet

from flask_headrace import create_app

app = create_app()


@app.get("/held")
def held():
    gc.collect()
    links = []
    for fd in os.listdir("/proc/self/fd"):
        if os.path.islink(f"/proc/self/fd/{fd}"):  # all but the one that lists them
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    objects = gc.get_objects()
    return {
        "memory": int(status["VmRSS"].split()[0]) * 1024,
        "descriptors": len(links),
        "sockets": sum(link.startswith("socket:") for link in links),
        "greenlets": sum(isinstance(one, greenlet) for one in objects),
        "objects": len(objects),
    }
"""


class Resources(NamedTuple):
    """The resources that a worker holds: bytes of memory, and the numbers of the others."""

    memory: int
    descriptors: int
    sockets: int
    greenlets: int
    objects: int


MAY_GROW = Resources(memory=10 * 1024 * 1024, descriptors=AT_ONCE, sockets=AT_ONCE, greenlets=4, objects=2000)
"""The most that each may grow. Idle connections to the upstream stay open, as many as were in use at once."""


def main() -> int:
    """Run, print the table, and return 1 if something grew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("streams", nargs="?", type=int, default=20_000)
    streams = max(4 * ROUND * 2, parser.parse_args().streams)
    with tempfile.TemporaryDirectory() as folder, Upstream() as upstream:
        Path(folder, "host.py").write_text(HOST)
        settings = {
            "OPENAI_BASE_URL": upstream.url + "/v1",
            "ANTHROPIC_BASE_URL": upstream.url,
            "HEADRACE_MODEL": "openai/whole",
            "HEADRACE_DRAIN": "1",
        }
        with Service(arguments=("--pythonpath", folder, "host:app"), **settings) as service:
            return _report(list(_soak(service, upstream, streams)))


def _soak(service: Service, upstream: Upstream, streams: int) -> Iterator[tuple[int, float, Resources]]:
    kinds = _kinds(service, upstream)
    marks = {round(1000 + (streams - 1000) * part / 4) // ROUND * ROUND for part in range(5)}
    _settle(service)
    began = time.monotonic()
    for done in range(0, streams, ROUND):
        with ThreadPoolExecutor(1 if done // ROUND % 4 == 3 else AT_ONCE) as pool:
            for _ in pool.map(lambda number: kinds[number % len(kinds)](), range(done, done + ROUND)):
                pass
        upstream.forget()
        if done + ROUND in marks:
            service.wait_until(lambda: send(service.url + "/healthz", method="GET").json["streams"] == 0, 30)
            yield done + ROUND, time.monotonic() - began, _held(service)


def _held(service: Service) -> Resources:
    return Resources(**send(service.url + "/held", method="GET").json)


def _settle(service: Service) -> None:
    # The worker imports the SDKs and the price list in a thread, after it has begun to answer.
    seen: list[int] = []
    while len(seen) < 4 or max(seen[-4:]) - min(seen[-4:]) > 100:
        time.sleep(0.5)
        seen.append(_held(service).objects)


def _kinds(service: Service, upstream: Upstream) -> list[Callable[[], None]]:
    """Return the kinds of streams: each function sends one request, and checks how its stream ended."""
    for name, wire in (("openai", openai_wire), ("anthropic", anthropic_wire)):
        whole = wire.answer(*["some words "] * 20)
        upstream.answer(f"{name} whole", whole)
        upstream.answer(f"{name} long", wire.answer("x" * 200_000))
        upstream.answer(f"{name} silent", script(Hang()))
        upstream.answer(f"{name} talking", faults.after(whole, 20, Gate("never")))
        upstream.answer(f"{name} cut", faults.after(whole, 10, Close()))
        upstream.answer(f"{name} refused", wire.error(500))

    def read(model: str, status: int, *, is_streamed: bool = True) -> None:
        answer = ask(service.url, model, stream=is_streamed)
        assert answer.status == status, answer
        assert answer.is_done or not is_streamed or "cut" in model or status != 200, answer

    def disconnect(model: str, *, by_reset: bool) -> None:
        reading = asking(service.url, model)
        if model.endswith("talking"):
            reading.until(b"some words")
        reading.reset() if by_reset else reading.leave()

    return [
        kind
        for name in ("openai", "anthropic")
        for kind in (
            lambda name=name: read(f"{name}/{name} whole", 200),
            lambda name=name: read(f"{name}/{name} whole", 200, is_streamed=False),
            lambda name=name: read(f"{name}/{name} long", 200),
            lambda name=name: read(f"{name}/{name} cut", 200),
            lambda name=name: read(f"{name}/{name} cut", 502, is_streamed=False),
            lambda name=name: read(f"{name}/{name} refused", 502),
            lambda name=name: disconnect(f"{name}/{name} talking", by_reset=False),
            lambda name=name: disconnect(f"{name}/{name} talking", by_reset=True),
            lambda name=name: disconnect(f"{name}/{name} silent", by_reset=False),
        )
    ]


def _report(rows: list[tuple[int, float, Resources]]) -> int:
    print(
        f"{'streams':>8} {'seconds':>8} {'memory MiB':>11} {'descriptors':>12} {'sockets':>8} {'greenlets':>10} objects"
    )
    for streams, seconds, held in rows:
        memory, *rest = held
        print(
            f"{streams:>8} {seconds:>8.0f} {memory / 2**20:>11.1f}",
            *(f"{n:>{w}}" for n, w in zip(rest, (12, 8, 10, 7), strict=True)),
        )
    first, last = rows[0][2], rows[-1][2]
    grown = [name for name in Resources._fields if getattr(last, name) - getattr(first, name) > getattr(MAY_GROW, name)]
    print("grew: " + ", ".join(grown) if grown else "nothing grew")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
