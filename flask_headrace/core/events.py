"""The events of a stream, from a provider to a reader: small frozen values.

This file imports no other module of the package. It depends neither on how events are made nor on how they are encoded.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "pause", "other"]
"""Why a model ended its answer, in one vocabulary for all providers."""

CancelReason: TypeAlias = Literal["reader_left", "reader_stalled", "stopped"]
"""Why a stream was cancelled: its readers disconnected, its reader accepted no bytes, or a request stopped it."""


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    """Base class of all events. Events are frozen, compared by value, and encodable as tagged JSON."""


class StreamMetadata(msgspec.Struct, frozen=True, gc=False):
    """Base class of what a source yields about its own work. Readers never receive it.

    A source yields `StreamMetadata` by itself, in place of a list of events.
    """


class ModelSelected(StreamMetadata, frozen=True, gc=False):
    """The following events and usage belong to this model.

    Sources that yield it try several models and enforce their own timeouts.

    Args:
        model: The model's id in this service: `provider/name`.
        provider: The provider's name.
        name: The provider's own name of the model.
        pricing_provider: See `pricing.calculate_cost`.
        is_accounted: Whether the source accounts for the model itself, in its `SourceLink`.
    """

    model: str
    provider: str
    name: str
    pricing_provider: str
    is_accounted: bool = False


class SuppressedOutput(StreamMetadata, frozen=True, gc=False):
    """The model wrote `size` bytes of UTF-8 that are not sent to readers, who have the same text from another model.

    A negative size says that so many suppressed bytes are sent after all. Usage estimates count suppressed bytes.
    """

    size: int


class ResponseStarted(Event, frozen=True, gc=False, tag="started"):
    """The upstream has begun to answer. This event comes before all deltas.

    Args:
        id: The stream's id.
        model: The model's id, `provider/name`.
        provider: The provider's name.
        input_tokens: Tokens of the prompt: the provider's count if it has reported one so early, else an estimate.
        cached_tokens: Those of them that the provider read from its cache.
        cache_write_tokens: Those of them that the provider wrote into its cache.
    """

    id: str
    model: str
    provider: str
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0


class TextDelta(Event, frozen=True, gc=False, tag="text"):
    """The next piece of the answer's text."""

    text: str


class ReasoningDelta(Event, frozen=True, gc=False, tag="reasoning"):
    """The next piece of the model's reasoning."""

    text: str


class ReasoningSignature(Event, frozen=True, gc=False, tag="reasoning_signed"):
    """The current run of reasoning is complete.

    Args:
        signature: The provider's opaque token for the reasoning. Send it back with the reasoning in the next request
            of the conversation.
        is_redacted: Whether the provider withholds the text of the reasoning, so that only the signature exists.
    """

    signature: str
    is_redacted: bool = False


class ToolCallStarted(Event, frozen=True, gc=False, tag="tool_started"):
    """The model begins to call a tool.

    Args:
        index: The number of the call within the answer, from 0.
        id: The provider's id of the call.
        name: The tool's name.
        runs_here: Whether this service runs the tool, so that its result follows; else the client does.
    """

    index: int = msgspec.field(name="call")
    id: str
    name: str
    runs_here: bool = False


class ToolCallDelta(Event, frozen=True, gc=False, tag="tool_delta"):
    """The next piece of the arguments of a tool call.

    Args:
        index: The number of the call within the answer, from 0.
        text: JSON text. All pieces of a call, joined, are its arguments.
    """

    index: int = msgspec.field(name="call")
    text: str


class ToolCallCompleted(Event, frozen=True, gc=False, tag="tool_ended"):
    """A tool call is complete.

    Args:
        index: The number of the call within the answer, from 0.
        arguments: The parsed JSON value of all pieces of the call.
    """

    index: int = msgspec.field(name="call")
    arguments: Any


class AnswerRestarted(Event, frozen=True, gc=False, tag="restarted"):
    """The answer begins again: discard everything received so far.

    Args:
        reason: Why the previous attempt ended, in a few words.
        model: The id of the model that answers from here on, `provider/name`.
        finished_steps: How many finished steps follow again, each with a `StepStarted` at its end. Whoever can discard
            the last step alone may keep them, and skip what follows up to that event.
    """

    reason: str
    model: str
    finished_steps: int = 0


MAX_TOKENS = 2**53 - 1
"""The largest plausible count of tokens: JavaScript clients cannot represent larger integers exactly."""


class ProviderEvent(Event, frozen=True, gc=False, tag="provider"):
    """Something that only the provider's own protocol has, such as a citation or the results of a web search.

    Clients of the same protocol family receive it as the provider sent it; all others do without.

    Args:
        family: The protocol family: `openai-chat`, `openai-responses` or `anthropic`; `native` for this service's own.
        kind: What the data are, in the words of that family's decoder and encoder.
        data: JSON text, as the provider sent it; for `native`, an opaque text.
        is_content: Whether it is a part of the answer, which another model cannot continue; else it describes the
            answer or its next part.
    """

    family: str
    kind: str
    data: str
    is_content: bool = False


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """The usage of one request to one model.

    Args:
        model: The model's id, `provider/name`.
        input_tokens: Tokens of the prompt, cached ones included.
        output_tokens: Tokens of the answer, those of reasoning included.
        cost: The price, in the currency of the `Usage`; None if the model's price is unknown, 0 if the model is free.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cost: float | None


class Usage(Event, frozen=True, gc=False, tag="usage"):
    """The tokens and the cost of an answer.

    Args:
        input_tokens: Tokens of the prompt, cached ones included.
        output_tokens: Tokens of the answer, those of reasoning included.
        cached_tokens: Input tokens that the provider read from its cache.
        reasoning_tokens: Output tokens that the model spent on reasoning.
        cost: The price in `currency`; None if the model's price is unknown, 0 if the model is free.
        currency: The currency of `cost`, as an ISO 4217 code.
        estimated: Whether the provider did not report the final numbers, so that they are derived from the texts.
        attempts: One entry for each request to a model that this answer needed.
        cache_write_tokens: Input tokens that the provider wrote into its cache, for which some charge more.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float | None = None
    currency: str = "USD"
    estimated: bool = False
    attempts: tuple[Attempt, ...] = ()
    cache_write_tokens: int = 0


class Completed(Event, frozen=True, gc=False, tag="done"):
    """The answer is complete. Two are equal if the answers ended for the same reason, at whatever time.

    Args:
        finish_reason: Why the model ended it.
        stop_sequence: The entry of the request's `stop` that ended it; None if there is none or the provider does not
            report it.
        completed_at: When the answer was complete, in seconds since 1970. The stream sets it; 0 before that.
        applied_settings: The settings that the provider says it has applied, such as `temperature` and `service_tier`,
            under the names of OpenAI's APIs; None if it says nothing about them.
    """

    finish_reason: FinishReason
    stop_sequence: str | None = None
    completed_at: int = 0
    applied_settings: dict[str, Any] | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Completed):
            return NotImplemented
        return (self.finish_reason, self.stop_sequence) == (other.finish_reason, other.stop_sequence)

    def __ne__(self, other: object) -> bool:  # else that of `Struct`, which compares all fields
        return not self == other

    def __hash__(self) -> int:
        return hash((self.finish_reason, self.stop_sequence))


class Failed(Event, frozen=True, gc=False, tag="failed"):
    """The answer ended with an error.

    Args:
        code: The stable code of the error; see `flask_headrace.core.errors`.
        message: What went wrong, for people.
        retryable: Whether the same request can succeed later.
    """

    code: str
    message: str
    retryable: bool


class Cancelled(Event, frozen=True, gc=False, tag="cancelled"):
    """The stream was cancelled before the model ended its answer."""

    reason: CancelReason


TerminalEvent: TypeAlias = Completed | Failed | Cancelled
"""The last event of a stream. Each stream has exactly one."""

TERMINAL_EVENTS: Final = (Completed, Failed, Cancelled)
"""The classes of terminal events, for `isinstance`."""


def terminal_reason(terminal: TerminalEvent | None) -> str:
    """Return why a stream ended: the finish reason, the error's code or the reason of the cancellation.

    Args:
        terminal: The stream's last event; None if the stream has not ended, for an empty reason.
    """
    match terminal:
        case Completed(reason) | Failed(reason) | Cancelled(reason):
            return reason
        case None:
            return ""
