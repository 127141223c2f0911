"""A crowd of readers that disconnect and reconnect, and whether each of them gets the whole answer."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from dataclasses import dataclass, field

from benchmarks.load import Endpoint
from benchmarks.work import Row

STREAMS = 20
PACE = 10
"""Streams, and deltas a second of each."""

STAY, AWAY = (0.2, 4.0), (0.0, 0.5)
"""Seconds (least, most) for which a reader stays connected, and for which it is disconnected."""


@dataclass
class Reading:
    """The part of a stream that one reader has: number and `id` of the last frame, text, and errors found."""

    cursor: int = 0
    position: str = ""
    text: list[str] = field(default_factory=list)
    is_done: bool = False
    returns: int = 0
    lost: int = 0
    doubled: int = 0

    def take(self, frame: str) -> None:
        """Record one frame."""
        lines = dict(line.split(": ", 1) for line in frame.split("\n") if ": " in line and not line.startswith(":"))
        if "id" not in lines:
            return
        self.position = lines["id"]
        number = int(self.position.partition("-")[0])
        self.lost += max(0, number - self.cursor - 1)
        self.doubled += number <= self.cursor
        self.cursor = number
        if lines["data"] == "[DONE]":
            self.is_done = True
        elif "event" not in lines:
            self.text.append(json.loads(lines["data"])["delta"])


class Crowd:
    """The readers, at one service.

    Args:
        port: The service's port.
        readers: The number of readers.
        seconds: The duration of the answers.
    """

    def __init__(self, port: int, readers: int, seconds: int) -> None:
        self._port, self._readers, self._seconds = port, readers, seconds
        self._chance = random.Random(20261124)  # the same crowd each time

    async def run(self) -> Row:
        """Let the readers read, and return the figures."""
        ids = [secrets.token_urlsafe(16) for _ in range(STREAMS)]
        steady = [asyncio.ensure_future(self._read_steadily(id_)) for id_ in ids]
        await asyncio.sleep(1)
        restless = [asyncio.ensure_future(self._read_restlessly(ids[n % STREAMS])) for n in range(self._readers)]
        done, _ = await asyncio.wait([*steady, *restless], timeout=self._seconds + 60)
        whole = {id_: task.result().text for id_, task in zip(ids, steady, strict=True) if task in done}
        readings = [task.result() for task in restless if task in done]
        unfinished = sum(
            task not in done or not task.result().is_done or task.result().text != whole.get(ids[n % STREAMS])
            for n, task in enumerate(restless)
        )
        return {
            "crowd_readers": self._readers,
            "crowd_returns": sum(reading.returns for reading in readings),
            "crowd_events": sum(reading.cursor for reading in readings),
            "crowd_lost": sum(reading.lost for reading in readings),
            "crowd_doubled": sum(reading.doubled for reading in readings),
            "crowd_unfinished": unfinished,
        }

    async def _read_steadily(self, id_: str) -> Reading:
        endpoint = Endpoint(self._port, body={"resumable": True, "id": id_})
        request = endpoint.request(f"openai/paced-{PACE}", PACE * self._seconds)
        reading = Reading()
        await self._read(reading, request.replace(b" HTTP/1.1", b" HTTP/1.0", 1), None)
        return reading

    async def _read_restlessly(self, id_: str) -> Reading:
        reading = Reading()
        while not reading.is_done:
            # HTTP/1.0: the body comes without the chunks' lengths between.
            path = f"/api/streams/{id_}?last_event_id={reading.position}"
            request = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode()
            await self._read(reading, request, self._chance.uniform(*STAY))
            if not reading.is_done:
                reading.returns += 1
                await asyncio.sleep(self._chance.uniform(*AWAY))
        return reading

    async def _read(self, reading: Reading, request: bytes, stay: float | None) -> None:
        incoming, outgoing = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            outgoing.write(request)
            await asyncio.wait_for(_take_all(incoming, reading), stay)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            pass  # its time is over, or the stream has ended
        finally:
            outgoing.transport.abort()


async def _take_all(incoming: asyncio.StreamReader, reading: Reading) -> None:
    head = await incoming.readuntil(b"\r\n\r\n")
    if head.split()[1] == b"200":
        while not reading.is_done:
            reading.take((await incoming.readuntil(b"\n\n")).decode())
