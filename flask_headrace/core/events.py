"""What flows from a provider to a reader: small frozen values.

This file imports nothing of ours and knows neither how events are made nor how they are written.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "pause", "other"]
"""Why a model ended its answer, in one vocabulary for all providers."""

CancelReason: TypeAlias = Literal["reader_left", "reader_stalled", "stopped"]
"""Why an answer was ended before the model did: nobody reads it, its reader accepts nothing, or somebody said stop."""


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    """What all events have in common: frozen, compared by value, and encodable as tagged JSON."""


class StreamMetadata(msgspec.Struct, frozen=True, gc=False):
    """What a source tells of its work, beside the answer. No reader sees it; it comes by itself, not in a list."""


class ModelSelected(StreamMetadata, frozen=True, gc=False):
    """The source asks this model from here on: what comes next is of it, and so is what that takes.

    Who tells this asks one model after another, and limits the wait for each itself.

    Args:
        model: The model as readers name it: `provider/name`.
        provider: The provider's name.
        name: The model's name as its provider knows it.
        pricing_provider: See `prices.cost`.
    """

    model: str
    provider: str
    name: str
    pricing_provider: str


class SuppressedOutput(StreamMetadata, frozen=True, gc=False):
    """The model has written `size` bytes of UTF-8 that the reader is not shown, since it has them from another.

    Below 0, what was kept back is shown after all.
    """

    size: int


class ResponseStarted(Event, frozen=True, gc=False, tag="started"):
    """The upstream has begun to answer.

    `input_tokens` and `cached_tokens` (see `Usage`) are what it has read, as far as that is known so early: the
    provider's own count where it has told it, else an estimate.
    """

    id: str
    model: str
    provider: str
    input_tokens: int = 0
    cached_tokens: int = 0


class TextDelta(Event, frozen=True, gc=False, tag="text"):
    """The next piece of the answer's text."""

    text: str


class ReasoningDelta(Event, frozen=True, gc=False, tag="reasoning"):
    """The next piece of what the model thinks aloud before it answers."""

    text: str


class ReasoningSignature(Event, frozen=True, gc=False, tag="reasoning_signed"):
    """The reasoning so far is whole; by `signature` its provider knows it again when the conversation goes on.

    Where `is_redacted`, the provider keeps the reasoning to itself, and this is all that it gives out of it.
    """

    signature: str
    is_redacted: bool = False


class ToolCallStarted(Event, frozen=True, gc=False, tag="tool_started"):
    """The model begins to call a tool. `call` counts the calls of one answer from 0; `id` is the provider's own."""

    index: int = msgspec.field(name="call")
    id: str
    name: str


class ToolCallDelta(Event, frozen=True, gc=False, tag="tool_delta"):
    """The next piece of the JSON text of a call's arguments."""

    index: int = msgspec.field(name="call")
    text: str


class ToolCallCompleted(Event, frozen=True, gc=False, tag="tool_ended"):
    """A call is complete; `arguments` is its whole, parsed JSON value."""

    index: int = msgspec.field(name="call")
    arguments: Any


class AnswerRestarted(Event, frozen=True, gc=False, tag="restarted"):
    """The answer begins again: all that was shown is void. `model` is the one that answers now."""

    reason: str
    model: str


MAX_TOKENS = 2**53 - 1
"""Beyond that, readers in JavaScript would not see the number that was told."""


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """What one request to one model took."""

    model: str
    input_tokens: int
    output_tokens: int
    cost: float | None


class Usage(Event, frozen=True, gc=False, tag="usage"):
    """What an answer took.

    `input_tokens` includes those read from the provider's cache (`cached_tokens`), `output_tokens` those spent on
    reasoning (`reasoning_tokens`). `cost` is in `currency`: None where the model's price is not known, 0 where it
    costs nothing. `estimated` says that the provider never told, so that the numbers are derived from what was seen.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float | None = None
    currency: str = "USD"
    estimated: bool = False
    attempts: tuple[Attempt, ...] = ()


class Completed(Event, frozen=True, gc=False, tag="done"):
    """The answer is complete. `stop_sequence` is the text of the question's `stop` that ended it, where that is told."""

    finish_reason: FinishReason
    stop_sequence: str | None = None


class Failed(Event, frozen=True, gc=False, tag="failed"):
    """The answer broke off. `code` is stable (see errors.py); `retryable` says whether asking again can help."""

    code: str
    message: str
    retryable: bool


class Cancelled(Event, frozen=True, gc=False, tag="cancelled"):
    """The answer was ended because nobody wanted the rest of it."""

    reason: CancelReason


TerminalEvent: TypeAlias = Completed | Failed | Cancelled
"""The three ends of a stream. Each stream has exactly one, and nothing follows it."""

TERMINAL_EVENTS: Final = (Completed, Failed, Cancelled)
"""Their kinds."""

StreamEvent: TypeAlias = (
    ResponseStarted
    | TextDelta
    | ReasoningDelta
    | ReasoningSignature
    | ToolCallStarted
    | ToolCallDelta
    | ToolCallCompleted
    | AnswerRestarted
    | Usage
    | TerminalEvent
)
"""All events that there are."""


def terminal_reason(terminal: TerminalEvent | None) -> str:
    """Return why a stream ended, in one word.

    Args:
        terminal: Its last event; None before its end.

    Returns:
        The finish reason, the error's code, or why it was cancelled; empty before its end.
    """
    match terminal:
        case Completed(reason) | Cancelled(reason):
            return reason
        case Failed(code):
            return code
        case None:
            return ""
