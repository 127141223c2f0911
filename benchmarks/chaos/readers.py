"""The readers: those who come back with their cursor, those who do not, and who stops a stream from elsewhere.

Each runs until it has an honest end: the end of its stream, a status with a message after which a client gives up, or
its own leaving on purpose. What is none of these is counted.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from benchmarks.chaos.answers import Answer
from benchmarks.chaos.reading import ENDS, Reading, Wrongs
from benchmarks.chaos.sitting import Ask, Sitting

PATIENCE = 20.0
"""Seconds for which a reader who is told to try again does so."""

AWAY = (0.0, 0.4)
STAY = (0.05, 1.2)
"""Seconds for which a restless reader is away, and for which it stays."""

COME_AGAIN = {"store_unavailable", "too_many_streams", "shutting_down"}
"""Codes of refusals after which one tries again."""


class World(Protocol):
    """What readers know of what they are in."""

    chance: random.Random
    wrongs: Wrongs
    reached: Counter[str]

    def port(self) -> int:
        """Return the port of a service, any of them."""

    def has_cut_since(self, moment: float) -> bool:
        """Whether a worker has ended since a moment, so that connections may have broken."""

    def may_have_lost(self, answer: Answer) -> bool:
        """Whether the store, or the worker whose memory it is, may have lost a stream."""


@dataclass(frozen=True)
class Manner:
    """How a reader reads.

    Args:
        name: What it is called.
        asks: Whether it asks for the stream; else it follows one that others have asked for.
        is_restless: Whether it leaves in the middle and comes back.
        is_slow: Whether it takes little at a time.
        is_source: Whether it is an EventSource, which reads no statuses and comes back by itself.
    """

    name: str
    asks: bool = True
    is_restless: bool = False
    is_slow: bool = False
    is_source: bool = False


class Beginning:
    """Whether a stream is there: from its first event on. Before that its claim may be taken back.

    Attributes:
        over: Set where nobody waits for it any more: it is there, or who asked for it has gone.
    """

    def __init__(self) -> None:
        self._is_there = False
        self.over = asyncio.Event()

    def tell(self) -> None:
        """Say that it is there."""
        self._is_there = True
        self.over.set()

    async def wait(self) -> bool:
        """Wait until it is there, or will not be; return which of them."""
        await self.over.wait()
        return self._is_there


@dataclass
class Resumable:
    """A reader of a stream that can be resumed; `begun` tells those who follow it."""

    world: World
    answer: Answer
    manner: Manner
    begun: Beginning
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.reading = Reading(self.answer, self.manner.name, self.world.wrongs)
        self._sitting: Sitting | None = None
        self._is_over = False
        self._given_up = "204"
        self._asks = self.manner.asks

    def __str__(self) -> str:
        return f"{self.reading.who}, after {self.reading.words} words, {self._sitting}"

    async def run(self) -> None:
        """Read, and come back, until there is an end."""
        if not self.manner.asks and not await self.begun.wait():
            return
        try:
            await self._read_on()
        finally:
            self.begun.over.set()
        self.world.reached[self.reading.end or self._given_up] += 1

    async def _read_on(self) -> None:
        while not self._is_over:
            sitting = self._sitting = Sitting(self._ask(), self.world.port(), is_slow=self.manner.is_slow)
            try:
                if await sitting.begin():
                    await self._sit(sitting)
                else:
                    self._try_for_a_while("found nobody")
            finally:
                sitting.close()
            if self.reading.end is not None:
                self._is_over = True
            elif not self._is_over:
                await self._stay_away()

    async def _stay_away(self) -> None:
        wait = self.reading.retry or self.world.chance.uniform(*AWAY)
        self.reading.retry = None
        await asyncio.sleep(wait)
        # Who has lost the answer's beginning asks for it once more, as whoever repeats a request does.
        if self.manner.asks and not self.reading.cursor:
            self._asks = True

    def _ask(self) -> Ask:
        if self._asks:
            self.reading.begin_again()
            return Ask("POST", "/api/chat", body=question(self.answer, resumable=True, id=self.answer.id))
        path, cursor = f"/api/streams/{self.answer.id}", self.reading.position
        headers = [("Accept", "text/event-stream"), ("Cache-Control", "no-cache")] if self.manner.is_source else []
        if cursor and (self.manner.is_source or self.world.chance.random() < 0.5):
            headers.append(("Last-Event-ID", cursor))
        elif cursor:
            path += f"?last_event_id={cursor}"
        return Ask("GET", path, tuple(headers))

    async def _sit(self, sitting: Sitting) -> None:
        if sitting.status == 200:
            self._asks = False
            stay = self.world.chance.uniform(*STAY) if self.manner.is_restless else None
            try:
                await asyncio.wait_for(self._read(sitting), stay)
            except asyncio.TimeoutError:
                return
        elif sitting.status == 204:
            self._is_over = True
            self.reading.wrong(ENDS, "204 to a reader that has no end yet")
        else:
            self._turned_away(sitting.status, await sitting.json())

    async def _read(self, sitting: Sitting) -> None:
        async for frame in sitting.frames():
            self.reading.take(frame, is_numbered=True)
            if self.reading.cursor:
                self.begun.tell()
            if self.manner.is_slow:
                await asyncio.sleep(self.world.chance.uniform(0, 0.05))

    def _try_for_a_while(self, what: str) -> None:
        self._is_over = time.monotonic() - self.began > PATIENCE
        self._given_up = f"{what} for {PATIENCE:g} s"

    def _turned_away(self, status: int, body: Any) -> None:  # noqa: ANN401  # whatever JSON there is
        if body is None:
            return
        code = body["error"]["code"]
        if status == 503 and code in COME_AGAIN and not self.manner.is_source:
            self._try_for_a_while(f"{status} {code}")
            return
        self._is_over = True
        is_excused = self.world.may_have_lost(self.answer)
        # A cursor is of no use, and the stream is not there or another, only where the store has lost what it took.
        is_wrong = (code in {"invalid_request", "stream_not_found"} or status == 410) and not is_excused
        if is_wrong or code in {"internal", "stream_conflict"} or (self.manner.is_source and status == 503):
            self.reading.wrong(ENDS, f"{status} {code}: {body['error']['message']}")
        self._given_up = f"{status} {code}"


@dataclass
class Plain:
    """A reader of a stream that cannot be resumed; it may leave on purpose."""

    world: World
    answer: Answer
    stay: float | None = None

    async def run(self) -> None:
        """Read to the end, or leave."""
        reading = Reading(self.answer, "plain", self.world.wrongs)
        began = time.monotonic()
        sitting = Sitting(Ask("POST", "/api/chat", body=question(self.answer)), self.world.port())
        try:
            if await sitting.begin():
                await asyncio.wait_for(self._read(sitting, reading), self.stay)
        except asyncio.TimeoutError:
            return
        finally:
            sitting.close()
        has_end = reading.end is not None or sitting.status not in {0, 200}
        if not has_end and (sitting.is_whole or not self.world.has_cut_since(began)):
            reading.wrong(ENDS, f"none, status {sitting.status}")
        end = reading.end or f"plain {sitting.status}"
        self.world.reached[end] += 1

    @staticmethod
    async def _read(sitting: Sitting, reading: Reading) -> None:
        if sitting.status == 200:
            async for frame in sitting.frames():
                reading.take(frame, is_numbered=False)
        elif (body := await sitting.json()) and body["error"]["code"] == "internal":
            reading.wrong(ENDS, body["error"]["message"])


@dataclass
class Whole:
    """A reader who has the answer in one piece; where it has an id, it asks again after its connection was lost."""

    world: World
    answer: Answer
    is_resumable: bool = False

    async def run(self) -> None:
        """Ask until there is an answer."""
        began = time.monotonic()
        while not await self._ask() and self.is_resumable and time.monotonic() - began < PATIENCE:
            await asyncio.sleep(self.world.chance.uniform(*AWAY) + 0.1)

    async def _ask(self) -> bool:
        reading = Reading(self.answer, f"whole{', resumable' * self.is_resumable}", self.world.wrongs)
        fields = {"resumable": True, "id": self.answer.id} if self.is_resumable else {}
        began = time.monotonic()
        asked = Ask("POST", "/api/chat", body=question(self.answer, stream=False, **fields))
        sitting = Sitting(asked, self.world.port())
        try:
            body = await sitting.json() if await sitting.begin() else None
        finally:
            sitting.close()
        if body is None:
            if not self.world.has_cut_since(began):
                reading.wrong(ENDS, f"none, status {sitting.status}")
            return False
        if sitting.status == 200:
            reading.take_whole(body)
            return True
        reading.take_text(body.get("text", ""))
        if body["error"]["code"] in {"internal", "stream_conflict"}:
            reading.wrong(ENDS, str(body["error"]))
        return body["error"]["code"] not in COME_AGAIN


@dataclass
class Stopper:
    """Somebody who stops a stream, at any worker."""

    world: World
    answer: Answer

    async def run(self) -> None:
        """Ask for its end until that is taken."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            sitting = Sitting(Ask("DELETE", f"/api/streams/{self.answer.id}"), self.world.port())
            try:
                if await sitting.begin() and sitting.status in {204, 404}:
                    return
            finally:
                sitting.close()
            await asyncio.sleep(0.3)


def question(answer: Answer, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of a body
    """Return the body that asks for an answer."""
    asked = [{"role": "user", "content": f"Say the words of stream {answer.number}."}]
    return {"model": f"openai/{answer.model}", "messages": asked, **fields}


Reader: TypeAlias = Resumable | Plain | Whole | Stopper
