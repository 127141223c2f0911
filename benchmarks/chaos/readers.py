"""The clients of a run: readers that resume with a cursor, readers that do not, and clients that stop a stream.

Each runs until it has an acceptable end: the end of its stream, an error after which a client gives up, or its own
disconnect. Any other end is counted as a violation.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from benchmarks.chaos.answers import Answer
from benchmarks.chaos.connection import Connection, Request
from benchmarks.chaos.reading import ENDS, Reading, Violations

RETRY_TIMEOUT = 20.0
"""Seconds for which a client retries after errors that allow it."""

RECONNECT_DELAY = (0.0, 0.4)
CONNECTION_TIME = (0.05, 1.2)
"""Seconds (least, most) for which a restless reader is disconnected, and for which it stays connected."""

RETRYABLE_CODES = {"store_unavailable", "too_many_streams", "shutting_down"}
"""Codes of errors after which a client retries."""


class World(Protocol):
    """The run, as its clients see it."""

    rng: random.Random
    violations: Violations
    reached: Counter[str]

    def port(self) -> int:
        """Return the port of a service, any of them."""

    def has_cut_since(self, moment: float) -> bool:
        """Whether a worker has ended since a moment, so that connections may have broken."""

    def may_have_lost(self, answer: Answer) -> bool:
        """Whether the store, or the worker whose memory it is, may have lost a stream."""


@dataclass(frozen=True)
class Behavior:
    """The behavior of a reader.

    Args:
        name: A name, for messages.
        asks: Whether it sends the chat request; else it reads a stream that another client has begun.
        is_restless: Whether it disconnects in the middle and reconnects.
        is_slow: Whether it reads slowly.
        is_source: Whether it behaves like an EventSource, which ignores statuses and reconnects by itself.
    """

    name: str
    sends_request: bool = True
    is_restless: bool = False
    is_slow: bool = False
    is_source: bool = False


class StreamStart:
    """Whether a stream has begun: it has with its first event. Before that its claim may be withdrawn.

    Attributes:
        over: Set when the stream has begun, or the client that requested it has given up.
    """

    def __init__(self) -> None:
        self._is_there = False
        self.over = asyncio.Event()

    def mark_started(self) -> None:
        """Note that the stream has begun."""
        self._is_there = True
        self.over.set()

    async def wait(self) -> bool:
        """Wait until `over` is set; return whether the stream has begun."""
        await self.over.wait()
        return self._is_there


@dataclass
class ResumingReader:
    """A reader of a resumable stream; `start` tells the other readers of the stream that it has begun."""

    world: World
    answer: Answer
    behavior: Behavior
    start: StreamStart
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.reading = Reading(self.answer, self.behavior.name, self.world.violations)
        self._connection: Connection | None = None
        self._is_over = False
        self._given_up = "204"
        self._sends_request = self.behavior.sends_request

    def __str__(self) -> str:
        return f"{self.reading.who}, after {self.reading.words} words, {self._connection}"

    async def run(self) -> None:
        """Read and reconnect until there is an end."""
        if not self.behavior.sends_request and not await self.start.wait():
            return
        try:
            await self._read_on()
        finally:
            self.start.over.set()
        self.world.reached[self.reading.end or self._given_up] += 1

    async def _read_on(self) -> None:
        while not self._is_over:
            connection = self._connection = Connection(
                self._next_request(), self.world.port(), is_slow=self.behavior.is_slow
            )
            try:
                if await connection.begin():
                    await self._handle_response(connection)
                else:
                    self._retry_later("no connection")
            finally:
                connection.close()
            if self.reading.end is not None:
                self._is_over = True
            elif not self._is_over:
                await self._wait_to_reconnect()

    async def _wait_to_reconnect(self) -> None:
        wait = self.reading.retry or self.world.rng.uniform(*RECONNECT_DELAY)
        self.reading.retry = None
        await asyncio.sleep(wait)
        # A reader that has no event yet repeats its request.
        if self.behavior.sends_request and not self.reading.cursor:
            self._sends_request = True

    def _next_request(self) -> Request:
        if self._sends_request:
            self.reading.reset()
            return Request("POST", "/api/chat", body=chat_body(self.answer, resumable=True, id=self.answer.id))
        path, cursor = f"/api/streams/{self.answer.id}", self.reading.position
        headers = [("Accept", "text/event-stream"), ("Cache-Control", "no-cache")] if self.behavior.is_source else []
        if cursor and (self.behavior.is_source or self.world.rng.random() < 0.5):
            headers.append(("Last-Event-ID", cursor))
        elif cursor:
            path += f"?last_event_id={cursor}"
        return Request("GET", path, tuple(headers))

    async def _handle_response(self, connection: Connection) -> None:
        if connection.status == 200:
            self._sends_request = False
            stay = self.world.rng.uniform(*CONNECTION_TIME) if self.behavior.is_restless else None
            try:
                await asyncio.wait_for(self._read(connection), stay)
            except asyncio.TimeoutError:
                return
        elif connection.status == 204:
            self._is_over = True
            self.reading.wrong(ENDS, "204 to a reader that has no end yet")
        else:
            self._handle_refusal(connection.status, await connection.json())

    async def _read(self, connection: Connection) -> None:
        async for frame in connection.frames():
            self.reading.take(frame, is_numbered=True)
            if self.reading.cursor:
                self.start.mark_started()
            if self.behavior.is_slow:
                await asyncio.sleep(self.world.rng.uniform(0, 0.05))

    def _retry_later(self, what: str) -> None:
        self._is_over = time.monotonic() - self.began > RETRY_TIMEOUT
        self._given_up = f"{what} for {RETRY_TIMEOUT:g} s"

    def _handle_refusal(self, status: int, body: Any) -> None:  # noqa: ANN401  # whatever JSON there is
        if body is None:
            return
        code = body["error"]["code"]
        if status == 503 and code in RETRYABLE_CODES and not self.behavior.is_source:
            self._retry_later(f"{status} {code}")
            return
        self._is_over = True
        is_excused = self.world.may_have_lost(self.answer)
        # A cursor is invalid, and a stream missing or replaced, only if the store has lost events.
        is_wrong = (code in {"invalid_request", "stream_not_found"} or status == 410) and not is_excused
        if is_wrong or code in {"internal", "stream_conflict"} or (self.behavior.is_source and status == 503):
            self.reading.wrong(ENDS, f"{status} {code}: {body['error']['message']}")
        self._given_up = f"{status} {code}"


@dataclass
class PlainReader:
    """A reader of a plain stream; `stay` is the seconds after which it disconnects, None for never."""

    world: World
    answer: Answer
    stay: float | None = None

    async def run(self) -> None:
        """Read to the end, or disconnect."""
        reading = Reading(self.answer, "plain", self.world.violations)
        began = time.monotonic()
        connection = Connection(Request("POST", "/api/chat", body=chat_body(self.answer)), self.world.port())
        try:
            if await connection.begin():
                await asyncio.wait_for(self._read(connection, reading), self.stay)
        except asyncio.TimeoutError:
            return
        finally:
            connection.close()
        has_end = reading.end is not None or connection.status not in {0, 200}
        if not has_end and (connection.is_whole or not self.world.has_cut_since(began)):
            reading.wrong(ENDS, f"none, status {connection.status}")
        end = reading.end or f"plain {connection.status}"
        self.world.reached[end] += 1

    @staticmethod
    async def _read(connection: Connection, reading: Reading) -> None:
        if connection.status == 200:
            async for frame in connection.frames():
                reading.take(frame, is_numbered=False)
        elif (body := await connection.json()) and body["error"]["code"] == "internal":
            reading.wrong(ENDS, body["error"]["message"])


@dataclass
class JSONReader:
    """A client that gets the answer as one JSON document; if resumable, it repeats a request whose connection broke."""

    world: World
    answer: Answer
    is_resumable: bool = False

    async def run(self) -> None:
        """Send the request until there is an answer."""
        began = time.monotonic()
        while not await self._try_once() and self.is_resumable and time.monotonic() - began < RETRY_TIMEOUT:
            await asyncio.sleep(self.world.rng.uniform(*RECONNECT_DELAY) + 0.1)

    async def _try_once(self) -> bool:
        reading = Reading(self.answer, f"whole{', resumable' * self.is_resumable}", self.world.violations)
        fields = {"resumable": True, "id": self.answer.id} if self.is_resumable else {}
        began = time.monotonic()
        asked = Request("POST", "/api/chat", body=chat_body(self.answer, stream=False, **fields))
        connection = Connection(asked, self.world.port())
        try:
            body = await connection.json() if await connection.begin() else None
        finally:
            connection.close()
        if body is None:
            if not self.world.has_cut_since(began):
                reading.wrong(ENDS, f"none, status {connection.status}")
            return False
        if connection.status == 200:
            reading.take_whole(body)
            return True
        reading.take_text(body.get("text", ""))
        if body["error"]["code"] in {"internal", "stream_conflict"}:
            reading.wrong(ENDS, str(body["error"]))
        return body["error"]["code"] not in RETRYABLE_CODES


@dataclass
class Stopper:
    """A client that stops a stream, at any worker."""

    world: World
    answer: Answer

    async def run(self) -> None:
        """Send the stop request until it is accepted."""
        began = time.monotonic()
        while time.monotonic() - began < RETRY_TIMEOUT:
            connection = Connection(Request("DELETE", f"/api/streams/{self.answer.id}"), self.world.port())
            try:
                if await connection.begin() and connection.status in {204, 404}:
                    return
            finally:
                connection.close()
            await asyncio.sleep(0.3)


def chat_body(answer: Answer, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of a body
    """Return the body of a chat request for an answer, with further fields."""
    messages = [{"role": "user", "content": f"Say the words of stream {answer.number}."}]
    return {"model": f"openai/{answer.model}", "messages": messages, **fields}


Reader: TypeAlias = ResumingReader | PlainReader | JSONReader | Stopper
