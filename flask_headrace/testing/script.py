"""The script of one answer of a `FakeProvider`: its items, checked where the test writes them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import gevent
import msgspec

from ..core.errors import IdleTimeout, UpstreamConnectionError, UpstreamProtocolError
from ..core.events import (
    TERMINAL_EVENTS,
    Completed,
    Event,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ..providers.chat_request import ReasoningPart, TextPart, ToolCall

MAX_WAIT = 60.0
"""Seconds that one item of a script may wait."""

DOCUMENT_PIECE_CHARS = 16
"""Characters of each piece of a JSON document."""


class Pause(msgspec.Struct, frozen=True):
    """The model writes nothing for a while, and then goes on. Other streams run meanwhile.

    Args:
        seconds: How long, from 0 to 60.
    """

    seconds: float


class Silence(msgspec.Struct, frozen=True):
    """The model writes nothing more, until the stream is closed or one of its time limits ends it.

    Args:
        seconds: After how many seconds, from 0 to 60, the answer fails if nothing has ended it by then.
    """

    seconds: float = MAX_WAIT


ScriptItem: TypeAlias = (
    str | Event | ToolCall | ReasoningPart | TextPart | Pause | Silence | Mapping[str, Any] | Sequence[Any] | Exception
)
"""What a scripted answer consists of; see `FakeProvider.answers`."""

_Step: TypeAlias = list[Event] | Pause | Silence | Exception


class Script:
    """One scripted answer.

    Args:
        items: Its items; see `FakeProvider.answers`.

    Raises:
        TypeError: an item is none that a script can have.
        ValueError: a wait is negative or longer than `MAX_WAIT`, or a document is no JSON value.
    """

    def __init__(self, items: Sequence[ScriptItem]) -> None:
        self._calls = 0
        self._usage: list[Event] = []
        self._steps = [step for item in items for step in self._to_steps(item)]
        events = [event for step in self._steps if isinstance(step, list) for event in step]
        self._has_end = any(isinstance(event, TERMINAL_EVENTS) for event in events)

    def play(self) -> Iterator[list[Event]]:
        """Yield the answer piece by piece, wait where the script does, and fail where it does."""
        has_begun = False
        for step in self._steps:
            match step:
                case Pause(seconds):
                    _wait(seconds)
                case Silence(seconds):
                    _wait(seconds)
                    raise IdleTimeout(f"The scripted answer was silent for {seconds:g} s, and nothing has ended it.")
                case Exception():
                    raise _as_provider_error(step, has_begun=has_begun)
                case _:
                    is_end = any(isinstance(event, TERMINAL_EVENTS) for event in step)
                    yield [*self._usage, *step] if is_end else step
                    has_begun = True
        if not self._has_end:
            yield [*self._usage, Completed("tool_calls" if self._calls else "stop")]

    def _to_steps(self, item: ScriptItem) -> list[_Step]:  # noqa: PLR0911  # one line for each kind of item
        match item:
            case str():
                return [[TextDelta(item)]] if item else []
            case TextPart(text):
                return self._to_steps(text)
            case ReasoningPart():
                return [self._reasoning(item)]
            case ToolCall():
                return [self._call(item)]
            case Pause() | Silence():
                return [_checked_wait(item)]
            case Exception():
                return [item]
            case Event():
                return [self._events([item])]
            case list() | tuple() if any(isinstance(value, Event) for value in item):
                return [self._events(list(item))]
            case Mapping() | list() | tuple():
                return list(_document_pieces(item))
        raise TypeError(
            f"An answer cannot have {item!r:.100}: script text, events, a ToolCall, a Pause, a Silence, an exception "
            "instance, or a dict or list that becomes a JSON document."
        )

    def _events(self, events: list[Event]) -> list[Event]:
        if any(isinstance(event, ResponseStarted) for event in events):
            raise TypeError("An answer cannot have a ResponseStarted: the stream adds it.")
        for event in events:
            if not isinstance(event, Event):
                raise TypeError(f"An answer cannot have {event!r:.100} in a list of events.")
            if isinstance(event, ToolCallStarted):
                self._calls = max(self._calls, event.index + 1)
            if isinstance(event, Usage) and not event.estimated:
                self._usage = [event]  # providers report it at the end
        return [event for event in events if not isinstance(event, Usage) or event.estimated]

    def _call(self, call: ToolCall) -> list[Event]:
        index, self._calls = self._calls, self._calls + 1
        arguments = _json_text(call.arguments, f"the arguments of {call.name}")
        return [
            ToolCallStarted(index, call.id or f"call_{index + 1}", call.name),
            ToolCallDelta(index, arguments),
            ToolCallCompleted(index, msgspec.json.decode(arguments)),
        ]

    def _reasoning(self, part: ReasoningPart) -> list[Event]:
        text: list[Event] = [ReasoningDelta(part.text)] if part.text else []
        return [*text, *([ReasoningSignature(part.signature, part.is_redacted)] if part.signature else [])]


def _wait(seconds: float) -> None:
    # Timers of the loop count from its last turn: without it, one that was set after blocking code ends too early.
    until = time.monotonic() + seconds
    gevent.sleep(0)
    while (left := until - time.monotonic()) > 0:
        gevent.sleep(left)


def _checked_wait(item: Pause | Silence) -> _Step:
    if not isinstance(item.seconds, (int, float)) or not 0 <= item.seconds <= MAX_WAIT:
        raise ValueError(f"{item!r:.100} cannot be waited for: seconds must be a number from 0 to {MAX_WAIT:g}.")
    return item


def _document_pieces(value: object) -> Iterator[_Step]:
    text = _json_text(value, "a document")
    for start in range(0, len(text), DOCUMENT_PIECE_CHARS):
        yield [TextDelta(text[start : start + DOCUMENT_PIECE_CHARS])]


def _json_text(value: object, name: str) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"{value!r:.100} is scripted as {name}, and is no JSON value: {error}") from None


def _as_provider_error(error: Exception, *, has_begun: bool) -> Exception:
    """Return the error that a provider would raise: one of the network becomes an error of the upstream."""
    if not isinstance(error, OSError):
        return error.with_traceback(None)
    if has_begun:
        return UpstreamProtocolError(f"The upstream broke off its answer: {error!r:.100}")
    return UpstreamConnectionError(f"The upstream could not be reached: {error!r:.100}")
