"""Chat models and chains of LangChain as sources of streams: `stream_from(langchain.events(chain.stream("…")))`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable, Mapping
from typing import Any, overload

from ..core.events import Completed, Event, FinishReason, ReasoningDelta, TextDelta, Usage
from .run import Translator, translated, translated_sync, wrong_type
from .tool_calls import ToolCalls

__all__ = ["events"]

FINISH_REASONS: Mapping[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "MAX_TOKENS": "length",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "SAFETY": "content_filter",
}
"""Finish reasons of the providers that are neither a plain end nor the end before a tool call."""


@overload
def events(run: Iterable[Any]) -> Generator[Event, None, None]: ...
@overload
def events(
    run: AsyncIterable[Any] | Awaitable[Any] | Callable[[], Any],
) -> AsyncGenerator[Event, None]: ...
def events(run: object) -> Generator[Event, None, None] | AsyncGenerator[Event, None]:
    """Yield the events of a run: text, reasoning, tool calls and usage.

    Args:
        run: What `stream(…)`, `astream(…)` or `astream_events(…)` of a chat model or a chain returns, or a function
            that returns the like of the last two. What a chain yields must be messages or text.

    Raises:
        TypeError: `run` is none of these, or yields neither messages nor text.
    """
    if isinstance(run, Iterable):
        return translated_sync(run, MessageTranslator("give it a chain that ends with a model, or with text"))
    return translated(run, MessageTranslator("give it a chain that ends with a model, or with text"))


class MessageTranslator(Translator):
    """Translates the messages of LangChain, which it tells apart by their `type`, and their pieces.

    Args:
        advice: What to do where a run yields nothing that readers can get, for the message of the TypeError.
    """

    def __init__(self, advice: str) -> None:
        self._advice = advice
        self._calls = ToolCalls()
        self._unanswered: dict[str, None] = {}
        self._usage: Usage | None = None
        self._finish: FinishReason = "stop"
        self._unknown: object = None
        self._is_known = False

    def translate(self, item: Any) -> Iterable[Event]:  # noqa: ANN401  # a message, or text
        """Translate a message, a piece of one, text, or an event of `astream_events`."""
        if isinstance(item, dict):
            item = _message_of_event(item)
        if isinstance(item, str):
            self._is_known = True
            return [TextDelta(str(item))] if item else []  # LangChain has a subclass of its own
        match getattr(item, "type", None):
            case "ai" | "AIMessageChunk":
                return self._answer(item)
            case "tool":
                self._is_known = True
                self._unanswered.pop(item.tool_call_id, None)
                is_failed = getattr(item, "status", "success") == "error"
                return self._calls.result(item.tool_call_id, item.content, str(item.content) if is_failed else None)
            case "human" | "system":
                self._is_known = True
            case _:
                self._unknown = item
        return []

    def finish(self) -> Iterable[Event]:
        """Return the usage and the end."""
        if not self._is_known and self._unknown is not None:
            raise wrong_type(self._unknown, f"this is neither a message nor text, so {self._advice}")
        usage = [] if self._usage is None else [self._usage]
        finish = "tool_calls" if self._unanswered else self._finish
        return [*self._calls.complete_all(), *usage, Completed(finish)]

    def _answer(self, message: Any) -> list[Event]:  # noqa: ANN401  # AIMessage or AIMessageChunk
        self._is_known = True
        events = [event for block in message.content_blocks for event in self._block(message.id, block)]
        if message.usage_metadata:
            self._add_usage(message.usage_metadata)
        if reason := _finish_reason(message.response_metadata):
            self._finish = FINISH_REASONS.get(reason, "stop")
        if getattr(message, "chunk_position", "last") == "last":
            events += self._calls.complete_group(message.id)
        return events

    def _block(self, message: str | None, block: Mapping[str, Any]) -> list[Event]:
        match block["type"]:
            case "text" if block.get("text"):
                return [TextDelta(block["text"])]
            case "reasoning" if block.get("reasoning"):
                return [ReasoningDelta(block["reasoning"])]
            case "tool_call_chunk":
                return self._piece((message, block.get("index")), block)
            case "tool_call":
                self._unanswered[block["id"]] = None
                return self._calls.tell(block["id"], block["name"], block["args"])
        return []

    def _piece(self, key: tuple[str | None, Any], block: Mapping[str, Any]) -> list[Event]:
        if not block.get("id"):
            return self._calls.add(key, block.get("args"))
        self._unanswered[block["id"]] = None
        return [*self._calls.start(key, block["id"], block.get("name") or ""), *self._calls.add(key, block.get("args"))]

    def _add_usage(self, used: Mapping[str, Any]) -> None:
        read, written = used.get("input_token_details") or {}, used.get("output_token_details") or {}
        before = self._usage or Usage(0, 0)
        self._usage = Usage(
            before.input_tokens + used["input_tokens"],
            before.output_tokens + used["output_tokens"],
            cached_tokens=before.cached_tokens + (read.get("cache_read") or 0),
            reasoning_tokens=before.reasoning_tokens + (written.get("reasoning") or 0),
            cache_write_tokens=before.cache_write_tokens + (read.get("cache_creation") or 0),
        )


def _finish_reason(told: Mapping[str, Any]) -> Any:  # noqa: ANN401  # in the provider's words
    details = told.get("incomplete_details") or {}  # of OpenAI's Responses API
    return told.get("finish_reason") or told.get("stop_reason") or details.get("reason")


def _message_of_event(event: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the message of an event of `astream_events`; the event itself if it has none that readers get."""
    match event.get("event"):
        case "on_chat_model_stream":
            return event["data"]["chunk"]
        case "on_tool_end":
            return event["data"].get("output")
    return event
