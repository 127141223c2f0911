"""Agents of pydantic-ai as sources of streams: `stream_from(pydantic_ai.events(agent.run_stream_events("…")))`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any

from ..core.events import Completed, Event, FinishReason, ReasoningDelta, TextDelta, Usage
from .run import Translator, items_of, opened, translated
from .tool_calls import ToolCalls

__all__ = ["events"]

CALLS = {"tool-call", "builtin-tool-call"}
"""The kinds of a message's parts that are tool calls: of the agent's tools, and of those that the provider runs."""


async def events(run: object) -> AsyncGenerator[Event, None]:
    """Yield the events of a run: text, reasoning, tool calls and usage.

    For `run_stream` these are the text of the final answer and the usage; for `run_stream_events` all of them.

    Args:
        run: What `agent.run_stream_events(…)` or `agent.run_stream(…)` returns, any other async iterable of
            pydantic-ai's events or of text, or a function that returns one of them.

    Raises:
        TypeError: `run` is none of these.
    """
    async with opened(run) as source:
        if hasattr(source, "stream_text"):
            async for event in _final_text(source):
                yield event
            return
        items = translated(items_of(source), _Translator())
        try:
            async for event in items:
                yield event
        finally:
            await items.aclose()


async def _final_text(result: Any) -> AsyncGenerator[Event, None]:  # noqa: ANN401  # a StreamedRunResult
    texts = result.stream_text(delta=True, debounce_by=None)
    try:
        async for text in texts:
            if text:
                yield TextDelta(text)
    finally:
        await texts.aclose()
    for event in _end(result):
        yield event


class _Translator(Translator):
    """Tells the events of a run apart by `event_kind`, and the parts of messages by `part_kind`."""

    def __init__(self) -> None:
        self._calls = ToolCalls()
        self._result: Any = None

    def translate(self, item: Any) -> Iterable[Event]:  # noqa: ANN401  # pydantic_ai.messages.AgentStreamEvent
        """Translate an event of a run; text is passed on."""
        if isinstance(item, str):
            return _text(item)
        match item.event_kind:
            case "part_start":
                return self._start(item.index, item.part)
            case "part_delta":
                return self._add(item.index, item.delta)
            case "part_end":
                return self._calls.complete(item.index)
            case "agent_run_result":
                self._result = item.result
        return self._tool(item)

    def finish(self) -> Iterable[Event]:
        """Return the usage and the end."""
        return [*self._calls.complete_all(), *(() if self._result is None else _end(self._result))]

    def _tool(self, item: Any) -> list[Event]:  # noqa: ANN401
        match item.event_kind:
            case "function_tool_call" | "output_tool_call":
                return self._calls.tell(item.part.tool_call_id, item.part.tool_name, item.part.args)
            case "function_tool_result" | "output_tool_result":
                return self._result_of(getattr(item, "part", None) or item.result)  # `result` before 2.0
        return []

    def _start(self, index: int, part: Any) -> list[Event]:  # noqa: ANN401
        completed = self._calls.complete(index)  # of an earlier answer, if the model's class tells no ends of parts
        match part.part_kind:
            case "text":
                return [*completed, *_text(part.content)]
            case "thinking":
                return [*completed, *_reasoning(part.content)]
            case "builtin-tool-return":
                return [*completed, *self._result_of(part)]
            case kind if kind in CALLS:
                started = self._calls.start(index, part.tool_call_id, part.tool_name)
                return [*completed, *started, *self._calls.add(index, part.args)]
        return completed

    def _result_of(self, part: Any) -> list[Event]:  # noqa: ANN401  # ToolReturnPart or RetryPromptPart
        is_failed = part.part_kind == "retry-prompt" or getattr(part, "outcome", "success") != "success"
        return self._calls.result(part.tool_call_id, part.content, str(part.content) if is_failed else None)

    def _add(self, index: int, delta: Any) -> list[Event]:  # noqa: ANN401
        match delta.part_delta_kind:
            case "text":
                return _text(delta.content_delta)
            case "thinking":
                return _reasoning(delta.content_delta)
            case "tool_call":
                return self._calls.add(index, delta.args_delta)
        return []


def _text(text: str) -> list[Event]:
    return [TextDelta(text)] if text else []


def _reasoning(text: str | None) -> list[Event]:
    return [ReasoningDelta(text)] if text else []


def _end(result: Any) -> list[Event]:  # noqa: ANN401  # AgentRunResult or StreamedRunResult
    return [*_usage(result), Completed(_finish_reason(result))]


def _usage(result: Any) -> list[Event]:  # noqa: ANN401
    used = result.usage if hasattr(result.usage, "input_tokens") else result.usage()  # a method before 2.0
    if not used.input_tokens and not used.output_tokens:
        return []  # nobody has reported it, so that it is estimated
    reasoning = getattr(used, "output_reasoning_tokens", None) or used.details.get("reasoning_tokens", 0)
    cost = getattr(used, "cost", None)
    usage = Usage(
        used.input_tokens,
        used.output_tokens,
        cached_tokens=used.cache_read_tokens,
        reasoning_tokens=reasoning,
        cost=None if cost is None else float(cost),
        cache_write_tokens=used.cache_write_tokens,
    )
    return [usage]


def _finish_reason(result: Any) -> FinishReason:  # noqa: ANN401
    if type(getattr(result, "output", None)).__name__ == "DeferredToolRequests":
        return "tool_calls"  # the application has to run them, or approve of them
    match getattr(result.response, "finish_reason", None):
        case "length":
            return "length"
        case "content_filter":
            return "content_filter"
    return "stop"
