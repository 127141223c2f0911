"""Graphs of LangGraph as sources: `stream_from(langgraph.events(graph.astream(…, stream_mode="messages")))`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable
from typing import Any, overload

from ..core.events import Event
from .langchain import MessageTranslator
from .run import translated, translated_sync

__all__ = ["events"]


@overload
def events(run: Iterable[Any]) -> Generator[Event, None, None]: ...
@overload
def events(
    run: AsyncIterable[Any] | Awaitable[Any] | Callable[[], Any],
) -> AsyncGenerator[Event, None]: ...
def events(run: object) -> Generator[Event, None, None] | AsyncGenerator[Event, None]:
    """Yield the events of a run: text, reasoning, tool calls and usage, of all nodes of the graph.

    What a node writes with `get_stream_writer()`, in the mode `custom`, is passed on if it is text or an event of
    `flask_headrace`. All other modes are left out.

    Args:
        run: What `graph.stream(…)` or `graph.astream(…)` returns with `stream_mode="messages"`, or with a list of modes
            that has it, or a function that returns the like of the latter.

    Raises:
        TypeError: `run` is none of these.
    """
    if isinstance(run, Iterable):
        return translated_sync(run, _GraphTranslator())
    return translated(run, _GraphTranslator())


class _GraphTranslator(MessageTranslator):
    def __init__(self) -> None:
        super().__init__('stream the graph with stream_mode="messages"')

    def translate(self, item: Any) -> Iterable[Event]:  # noqa: ANN401  # of the modes that the graph is streamed with
        """Translate an item of any mode."""
        mode, value = _mode_and_value(item)
        if mode == "custom" and isinstance(value, Event):
            return [value]
        if mode == "messages" or isinstance(value, str):
            return super().translate(value[0] if isinstance(value, tuple) else value)
        if mode is None:
            return super().translate(value)
        return []


def _mode_and_value(item: Any) -> tuple[str | None, Any]:  # noqa: ANN401
    """Return the mode and the value of an item; None as the mode if the item does not say."""
    match item:
        case {"type": str(mode), "ns": _, "data": value}:  # version="v2"
            return mode, value
        case (_, str(mode), value):  # several modes, with subgraphs
            return mode, value
        case (str(mode), value):  # several modes
            return mode, value
        case (tuple(), (_, dict()) as value):  # one mode, with subgraphs
            return "messages", value
        case (message, dict()) if hasattr(message, "type"):  # one mode
            return "messages", (message,)
    return None, item
