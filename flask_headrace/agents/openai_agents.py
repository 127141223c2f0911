"""Agents of OpenAI's Agents SDK as sources: `openai_agents.events(lambda: Runner.run_streamed(agent, "…"))`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from typing import Any

from ..core.events import Completed, Event, FinishReason, ReasoningDelta, TextDelta, Usage
from .run import Translator, opened, translated, wrong_type
from .tool_calls import ToolCalls

__all__ = ["events"]

TEXTS = {"response.output_text.delta", "response.refusal.delta"}
REASONING = {"response.reasoning_summary_text.delta", "response.reasoning_text.delta"}


async def events(run: Callable[[], object] | object) -> AsyncGenerator[Event, None]:
    """Yield the events of a run: text, reasoning, tool calls and usage, of all agents that it hands over to.

    Args:
        run: A function that calls `Runner.run_streamed(…)` and returns its result: the SDK starts the run with that
            call, in the event loop of the caller, and a view has none. In an async generator, also the result itself.

    Raises:
        TypeError: `run` is neither.
    """
    async with opened(run) as result:
        if not hasattr(result, "stream_events"):
            raise wrong_type(result, "give it a function that returns what Runner.run_streamed() returns")
        async with aclosing(translated(_items(result), _Translator(result))) as found:
            async for event in found:
                yield event


async def _items(result: Any) -> AsyncIterator[Any]:  # noqa: ANN401  # agents.RunResultStreaming
    try:
        async for item in result.stream_events():
            yield item
    finally:
        if not result.is_complete:
            result.cancel()  # the SDK's own iterator would let the run go on to its end


class _Translator(Translator):
    """The SDK gives the pieces of an answer as the events of the Responses API, whatever model answers."""

    def __init__(self, result: Any) -> None:  # noqa: ANN401
        self._result = result
        self._calls = ToolCalls()
        self._finish: FinishReason = "stop"

    def translate(self, item: Any) -> Iterable[Event]:  # noqa: ANN401  # agents.StreamEvent
        """Translate an event of the run."""
        if item.type != "raw_response_event":
            return self._finished_call(item)
        data = item.data
        if data.type in TEXTS:
            return [TextDelta(data.delta)] if data.delta else []
        if data.type in REASONING:
            return [ReasoningDelta(data.delta)] if data.delta else []
        return self._call(data)

    def _call(self, data: Any) -> Iterable[Event]:  # noqa: ANN401  # an event of the Responses API
        match data.type:
            case "response.output_item.added" if data.item.type == "function_call":
                return self._calls.start(data.output_index, data.item.call_id, data.item.name)
            case "response.function_call_arguments.delta":
                return self._calls.add(data.output_index, data.delta)
            case "response.output_item.done" if data.item.type == "function_call":
                return self._calls.tell(data.item.call_id, data.item.name, data.item.arguments)
            case "response.completed" | "response.incomplete":
                self._finish = _finish_reason(data.response)
        return []

    def finish(self) -> Iterable[Event]:
        """Return the usage and the end."""
        finish = "tool_calls" if getattr(self._result, "interruptions", None) else self._finish
        return [*self._calls.complete_all(), *_usage(self._result.context_wrapper.usage), Completed(finish)]

    def _finished_call(self, item: Any) -> list[Event]:  # noqa: ANN401
        if item.type == "run_item_stream_event" and item.name == "tool_output":
            raw = item.item.raw_item
            call_id = raw.get("call_id") if isinstance(raw, dict) else getattr(raw, "call_id", None)
            return self._calls.result(call_id, item.item.output) if call_id else []
        return []


def _usage(used: Any) -> list[Event]:  # noqa: ANN401  # agents.Usage
    if not used.input_tokens and not used.output_tokens:
        return []  # the model has not reported it, so that it is estimated
    usage = Usage(
        used.input_tokens,
        used.output_tokens,
        cached_tokens=used.input_tokens_details.cached_tokens or 0,
        reasoning_tokens=used.output_tokens_details.reasoning_tokens or 0,
    )
    return [usage]


def _finish_reason(response: Any) -> FinishReason:  # noqa: ANN401  # openai.types.responses.Response
    details = response.incomplete_details
    match details and details.reason:
        case "max_output_tokens":
            return "length"
        case "content_filter":
            return "content_filter"
    return "stop"
