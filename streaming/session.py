"""One stream: its events, its readers, and its one end.

A pump fills a session and followers read it, each in a greenlet of its own. A session knows no HTTP, no provider and
no wire. Whatever wants to end it calls `stop`: the first call decides, and none of them raises.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from .deadlines import Deadlines, Due
from .errors import DurationLimit, FirstTokenTimeout, HeadraceError, StallTimeout
from .events import Cancelled, CancelReason, Done, Event, Failed, Started, Terminal, Usage
from .parking import Parking
from .usage import attributed, estimate, text_of

if TYPE_CHECKING:
    from .follower import Follower

EVENT_OVERHEAD = 64
"""Bytes that an event counts for beside its text."""


class Target(msgspec.Struct, frozen=True, gc=False):
    """Whom a stream asks, and what of the question its accounts need.

    Args:
        model: The model as readers name it: `provider/name`.
        provider: The provider's name.
        name: The model's name as its provider knows it.
        price_list: See `prices.cost`.
        prompt_bytes: Size of the question in bytes of UTF-8.
        owner: Who asks; empty for anybody.
    """

    model: str
    provider: str
    name: str
    price_list: str
    prompt_bytes: int = 0
    owner: str = ""


class Limits(msgspec.Struct, frozen=True, gc=False):
    """How long each wait of a stream may be (seconds, None for ever) and how far it may run ahead (bytes)."""

    heartbeat: float | None = 15.0
    first_token: float | None = 60.0
    stall: float | None = 60.0
    duration: float | None = 600.0
    client: float | None = 30.0
    buffer: int = 256 * 1024

    def shortest(self) -> float | None:
        """Return the shortest of the limits in seconds; None where there is none."""
        waits = (self.heartbeat, self.first_token, self.stall, self.duration, self.client)
        return min((wait for wait in waits if wait is not None), default=None)


class Session:
    """One stream, from its question to its end.

    Args:
        target: Whom it asks.
        limits: Its bounds.

    Attributes:
        interrupt: Ends what fills the session; set by the pump while it runs.
        ending: How the stream is to end, once that is decided; `terminal` follows when it has.
        error: What went wrong where the end is a `Failed`: it has the HTTP status and `retry_after`.
        is_asked: Whether the source was asked.
        is_told: Whether its end was reported.
        usage: What the source has told of the tokens so far; at the end, what they are accounted as.
    """

    __slots__ = (
        "_ahead",
        "_answer_bytes",
        "_deadlines",
        "_events",
        "_followers",
        "_is_blocked",
        "_room",
        "began_at",
        "ended_at",
        "ending",
        "error",
        "first_event_at",
        "id",
        "interrupt",
        "is_asked",
        "is_told",
        "last_event_at",
        "limits",
        "seen",
        "target",
        "terminal",
        "usage",
    )

    def __init__(self, target: Target, limits: Limits) -> None:
        self.id = secrets.token_urlsafe(16)
        self.target = target
        self.limits = limits
        self.interrupt: Callable[[], None] | None = None
        self.ending: Terminal | None = None
        self.terminal: Terminal | None = None
        self.error: HeadraceError | None = None
        self.usage: Usage | None = None
        self.is_asked = self.is_told = False
        self.began_at = self.last_event_at = time.monotonic()
        self.first_event_at: float | None = None
        self.ended_at: float | None = None
        self.seen = 0
        self._answer_bytes = 0
        self._ahead = 0
        self._is_blocked = False
        self._events: list[Event] = []
        self._followers: list[Follower] = []
        self._room = Parking()
        self._deadlines = Deadlines(self._dues, limits.shortest())
        self._deadlines.start()

    def __repr__(self) -> str:
        state = "streaming" if self.terminal is None else type(self.terminal).__name__.lower()
        age = (self.ended_at or time.monotonic()) - self.began_at
        return f"<Session {self.id[:6]}… {state}, {self.seen} events, {len(self._followers)} readers, {age:.1f} s>"

    @property
    def reason(self) -> str:
        """Why it ended, in one word: the finish reason, the error's code, or why it was cancelled; empty before."""
        match self.terminal:
            case Done(reason) | Cancelled(reason):
                return reason
            case Failed(code):
                return code
            case None:
                return ""

    # What the pump calls

    def append(self, events: list[Event]) -> None:
        """Take the next events, wake the readers, and wait while the slowest is too far behind. Only for the pump."""
        now = self.last_event_at = time.monotonic()
        if self.first_event_at is None:
            self.first_event_at = now
            self._push([Started(self.id, self.target.model, self.target.provider)])
        size = len("".join([text_of(event) for event in events]).encode())
        self._answer_bytes += size
        self._push(events, size)
        for follower in self._followers:
            follower.parking.run_now()
        if self._ahead > self.limits.buffer:
            self._wait_for_room()

    def account(self, usage: Usage) -> None:
        """Take what the source tells of the tokens: all, or where it is `estimated`, what is known so far."""
        self.usage = usage

    def finish(self, terminal: Terminal) -> None:
        """Account for the stream and send its end. Only for the pump; the first call decides."""
        if self.terminal is not None:
            return
        self.terminal = self.ending = self.ending or terminal
        self.ended_at = time.monotonic()
        self.usage = attributed(self._accounts(self.terminal), self.target.model)
        self._push([self.usage, self.terminal])
        for follower in self._followers:
            follower.parking.wake()
        self._rest()

    def _push(self, events: list[Event], size: int = 0) -> None:
        self._events += events
        self.seen += len(events)
        self._ahead += size + EVENT_OVERHEAD * len(events)

    def _wait_for_room(self) -> None:
        self._is_blocked = True
        try:
            while self._ahead > self.limits.buffer and self.ending is None:
                self._room.wait()
        finally:
            self._is_blocked = False
            self.last_event_at = time.monotonic()

    def _accounts(self, terminal: Terminal) -> Usage:
        target, told = self.target, self.usage
        if told is not None and (not told.estimated or isinstance(terminal, Done)):
            return told
        is_unspent = self.error is not None and self.error.is_unspent
        if not self.is_asked or (is_unspent and self.first_event_at is None):
            return Usage(0, 0, cost=0.0)
        sizes = {"prompt_bytes": target.prompt_bytes, "answer_bytes": self._answer_bytes}
        return estimate(target.name, target.price_list, known=told, **sizes)

    # What followers call

    def join(self, follower: Follower) -> None:
        """Add a reader."""
        self._followers.append(follower)

    def take(self) -> list[Event]:
        """Hand out the events that have come since the last call. Only for the follower."""
        events, self._events, self._ahead = self._events, [], 0
        if self._is_blocked:
            self._room.wake()
        return events

    def leave(self, follower: Follower) -> None:
        """Forget a reader that has left; with the last one the stream ends. May be called twice."""
        if follower in self._followers:
            self._followers.remove(follower)
        if not self._followers:
            self.cancel("reader_left")
        self._rest()

    # What ends it

    def cancel(self, reason: CancelReason) -> None:
        """End the stream because nobody wants the rest of it."""
        self.stop(Cancelled(reason))

    def fail(self, error: HeadraceError) -> None:
        """End the stream with an error."""
        if self.ending is None:
            self.error = error
            self.stop(Failed(error.code, error.message, error.retryable))

    def stop(self, ending: Terminal) -> None:
        """Decide how the stream ends and interrupt what fills it. Idempotent; never raises, never blocks."""
        if self.ending is None:
            self.ending = ending
            if self.interrupt is not None:
                self.interrupt()

    # Its time limits

    def _rest(self) -> None:
        # A reader may still have much to read after the end, and must not take for ever.
        if self.terminal is not None and not self._followers:
            self._deadlines.stop()

    def _dues(self) -> Iterator[Due]:
        for follower in self._followers:
            yield from follower.dues()
        # What fills it takes its time to close, once its end is decided, and no limit has a say in that any more.
        if self.ending is None:
            yield from self._source_dues()

    def _source_dues(self) -> Iterator[Due]:
        limits = self.limits
        if limits.duration is not None:
            yield self.began_at + limits.duration, self._fail_by_duration
        if self.first_event_at is None:
            if limits.first_token is not None:
                yield self.began_at + limits.first_token, self._fail_by_first_token
        elif limits.stall is not None and not self._is_blocked:
            yield self.last_event_at + limits.stall, self._fail_by_stall

    def _fail_by_duration(self) -> None:
        self.fail(DurationLimit(f"The answer took longer than {self.limits.duration:g} s, the most that one may take."))

    def _fail_by_first_token(self) -> None:
        model, limit = self.target.model, self.limits.first_token
        self.fail(FirstTokenTimeout(f"{model} sent no token within {limit:g} s. Try again, or ask another model."))

    def _fail_by_stall(self) -> None:
        model, limit = self.target.model, self.limits.stall
        self.fail(StallTimeout(f"{model} fell silent for {limit:g} s in the middle of its answer. Try again."))
