"""One question to a model within a stream: its events, its time limits, and its place in the stream's accounts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import gevent

from ..core.errors import HeadraceError, SourceError, UpstreamProtocolError
from ..core.events import (
    TERMINAL_EVENTS,
    Completed,
    Event,
    Failed,
    ModelSelected,
    StreamMetadata,
    TerminalEvent,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ..core.source_link import SourceLink
from ..core.step_errors import MaxCostExceeded
from ..providers.base import Provider
from ..providers.chat_request import ChatRequest
from ..providers.fallback.router import Router
from ..providers.fallback.timeouts import AttemptTimeout
from ..streaming.buffer import text_size
from ..streaming.context import StreamContext, StreamLimits
from ..streaming.producer import SOURCE_CLOSE_TIMEOUT
from ..streaming.usage_tracker import UsageTracker

COST_CHECK_BYTES = 256
"""Bytes of output between two looks at the cost."""


class QuestionLimits(NamedTuple):
    """The limits of a stream's questions.

    Args:
        first_token: Maximum seconds to a model's first token; None for no limit. A chain of models has its own.
        stall: Maximum seconds between two tokens; None for no limit.
        max_cost: Maximum cost of the whole stream, in the currency of its usage; None for no limit.
    """

    first_token: float | None
    stall: float | None
    max_cost: float | None = None


def question_limits(limits: StreamLimits, max_cost: float | None = None) -> QuestionLimits:
    """Return the limits of the questions of a stream with these limits."""
    return QuestionLimits(limits.first_token, limits.stall, max_cost)


class ModelQuestion:
    """One question to a model. Its tool calls are numbered through the whole stream, and have ids of their own.

    Args:
        provider: The provider of the model.
        request: The request; its `model` is the provider's name of the model.
        model: The model's id, `provider/name`.
        link: The link of the stream.
        limits: The limits of the question.

    Attributes:
        end: How the answer has ended; None before its end.
    """

    def __init__(
        self, provider: Provider, request: ChatRequest, model: str, link: SourceLink, limits: QuestionLimits
    ) -> None:
        self._provider, self._request, self._model, self._link, self._limits = provider, request, model, link, limits
        context = StreamContext(
            model=model,
            provider=provider.name,
            name=request.model,
            pricing_provider=provider.pricing_provider,
            prompt_bytes=request.size(),
        )
        self._tracker = UsageTracker(context, "")
        self._indexes: dict[int, int] = {}
        self._greenlet: Any = None
        self._is_asked = False
        self._unchecked = COST_CHECK_BYTES  # bytes since the last look at the cost
        self.end: TerminalEvent | None = None

    def usage_so_far(self) -> Usage:
        """Return the usage until now."""
        return self._tracker.total(is_whole=isinstance(self.end, Completed), has_no_usage=False)

    def close(self) -> None:
        """End the greenlet that waits for the model, unless it is the caller."""
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent():
            self._greenlet.kill(block=False)

    def batches(self) -> Iterator[list[Event] | ModelSelected]:
        """Yield the answer's events, without its usage and its end, and each model of a chain that is asked.

        Raises:
            HeadraceError: no model has answered, or the stream costs too much.
        """
        has_no_usage = False
        self._greenlet = gevent.getcurrent()
        self._link.open.append(self)
        try:
            self._check_cost()
            yield from self._read()
        except HeadraceError as error:
            has_no_usage = error.has_no_usage
            raise
        finally:
            self._greenlet = None
            self._link.open.remove(self)
            self._link.active_at = time.monotonic()
            if is_whole := isinstance(self.end, Completed):
                self._link.last_end = self.end
            self._link.usages.append(self._tracker.total(is_whole=is_whole, has_no_usage=has_no_usage))

    def _read(self) -> Iterator[list[Event] | ModelSelected]:
        self._is_asked = True
        batches: Any = self._provider.stream(self._request)
        limits, is_chain = self._limits, isinstance(self._provider, Router)
        timeout = AttemptTimeout(
            self._model, None if is_chain else limits.first_token, None if is_chain else limits.stall
        )
        with closing(batches), closing(timeout.iterate(batches)) as limited:  # type: ignore[type-var]  # generators
            for batch in limited:
                events = self._record(batch)
                if events:
                    yield events
                if self.end is not None:
                    break
                self._check_cost()
            if isinstance(self.end, Completed):
                with gevent.Timeout(SOURCE_CLOSE_TIMEOUT, False):  # the connection can be used again
                    next(batches, None)

    def _record(self, batch: list[Event] | StreamMetadata) -> list[Event] | ModelSelected | None:
        if isinstance(batch, StreamMetadata):
            self._tracker.record(batch)
            if not isinstance(batch, ModelSelected):
                return None
            return ModelSelected(batch.model, batch.provider, batch.name, batch.pricing_provider, is_accounted=True)
        events: list[Event] = []
        for event in batch:
            if isinstance(event, Usage):
                self._tracker.record(event)
            elif isinstance(event, TERMINAL_EVENTS):
                self.end = self.end or event
            elif self.end is None:
                events.append(self._numbered(event))
        if events:
            self._tracker.add_output(size := text_size(events))
            self._unchecked += size
        return events

    def _numbered(self, event: Event) -> Event:
        match event:
            case ToolCallStarted(index, id, name):
                link = self._link
                self._indexes[index] = link.calls
                link.calls += 1
                return ToolCallStarted(self._indexes[index], link.own_id(id), name)
            case ToolCallDelta(index, text):
                return ToolCallDelta(self._indexes[index], text)
            case ToolCallCompleted(index, arguments):
                return ToolCallCompleted(self._indexes[index], arguments)
            case _:
                return event

    def _check_cost(self) -> None:
        maximum = self._limits.max_cost
        if maximum is None or self._unchecked < COST_CHECK_BYTES:
            return
        self._unchecked = 0
        costs = [usage.cost for usage in self._link.all_usages()]
        spent = sum(cost for cost in costs if cost is not None)
        if spent > maximum:
            currency = self.usage_so_far().currency
            error = MaxCostExceeded(
                f"The answer costs {spent:.6g} {currency}, more than {maximum:g} {currency}, which is the maximum."
            )
            error.has_no_usage = not self._is_asked
            raise error


def failure_of(end: TerminalEvent | None, model: str) -> HeadraceError | None:
    """Return the error for an answer that has not ended by itself; None if it has.

    Args:
        end: How it has ended.
        model: Names the model in the message.
    """
    match end:
        case Completed():
            return None
        case Failed(code, message, retryable):
            return SourceError(message, code=code, retryable=retryable)
        case _:
            return UpstreamProtocolError(f"{model} ended its answer without a finish reason. Try again.")
