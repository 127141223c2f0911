"""Streams that another service produces: the delay of each delta, and the time until a stop takes effect."""

from __future__ import annotations

import asyncio
import secrets

from benchmarks.hold import StreamHolder
from benchmarks.load import Endpoint, Reader
from benchmarks.scale import Streams

FOLLOW_DELAY = 0.5
"""Seconds after which the second reader of each stream connects."""


async def read_elsewhere(near: int, far: int, model: str, work: Streams) -> tuple[list[float], list[float]]:
    """Start streams at one service, follow each at another too, and return the delays at both, in milliseconds.

    Args:
        near: The port of the service at which the streams start.
        far: The port of the other service.
        model: The model, whose name determines how it answers.
        work: The number of streams, and of their deltas.
    """
    loop = asyncio.get_running_loop()
    ids = [secrets.token_urlsafe(16) for _ in range(work.count)]
    asking = [
        Reader(Endpoint(near, body={"resumable": True, "id": id_}).request(model, work.deltas), loop.create_future())
        for id_ in ids
    ]
    following = [Reader(_follow(id_), loop.create_future()) for id_ in ids]
    for reader in asking:
        await loop.create_connection(lambda reader=reader: reader, "127.0.0.1", near)  # type: ignore[misc]
    await asyncio.sleep(FOLLOW_DELAY)
    for reader in following:
        await loop.create_connection(lambda reader=reader: reader, "127.0.0.1", far)  # type: ignore[misc]
    await asyncio.wait([reader.ended for reader in (*asking, *following)], timeout=120)
    # Deltas that were sent before the second reader connected are not counted.
    since = max(reader.asked for reader in following)
    return _delays(asking, since), _delays(following, since)


async def stop_elsewhere(near: int, far: int, upstream: int, model: str, count: int) -> list[float]:
    """Start streams at one service, one by one, and stop each at another.

    Args:
        near: The port of the service at which the streams start.
        far: The port of the other service.
        upstream: The upstream's port.
        model: The model, whose name determines how it answers.
        count: The number of streams.

    Returns:
        The milliseconds from the request to stop until the upstream noticed, sorted; infinite if it did not.
    """
    took = []
    for _ in range(count):
        id_ = secrets.token_urlsafe(16)
        holding = StreamHolder(Endpoint(near, body={"resumable": True, "id": id_}), upstream)
        seconds = await holding.stop_one(model, far, id_)
        took.append(float("inf") if seconds is None else seconds * 1e3)
    return sorted(took)


def _delays(readers: list[Reader], since: int) -> list[float]:
    return sorted(
        (now - int(mark)) / 1e6
        for reader in readers
        for now, marks in reader.arrivals
        for mark in marks
        if mark != b"ok" and int(mark) > since
    )


def _follow(id_: str) -> bytes:
    return f"GET /api/streams/{id_} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
