"""The forms in which a run may be given to `events`, and tool calls that are told in odd ways; without any library."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from flask_headrace import (
    Completed,
    Event,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    ToolResult,
    Usage,
)
from flask_headrace.agents import langchain, langgraph, openai_agents, pydantic_ai
from flask_headrace.agents.run import translated, translated_sync
from flask_headrace.agents.tool_calls import ToolCalls
from flask_headrace.core import exact_json


class Letters:
    """A translator of text."""

    def translate(self, item: Any) -> Iterable[Event]:
        return [TextDelta(letter) for letter in item]

    def finish(self) -> Iterable[Event]:
        return [Completed("stop")]


class Words:
    """A run, which tells whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            self.is_closed = True


async def later(words: Words) -> Words:
    return words


@contextlib.asynccontextmanager
async def entered(words: Words) -> AsyncIterator[Words]:
    yield words


FORMS: dict[str, Callable[[Words], Any]] = {
    "itself": lambda words: words,
    "a coroutine": later,
    "a context manager": entered,
    "a function": lambda words: lambda: words,
    "a function that returns a coroutine": lambda words: lambda: later(words),
    "a function that returns a context manager": lambda words: lambda: entered(words),
}


async def all_of(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


@pytest.mark.parametrize("form", FORMS)
def test_a_run_is_opened_from_any_form_and_closed(form: str) -> None:
    words = Words()
    events = asyncio.run(all_of(translated(FORMS[form](words), Letters())))
    assert events == [TextDelta("a"), TextDelta("b"), Completed("stop")]
    assert words.is_closed


def test_closing_the_events_closes_the_run() -> None:
    async def leave(words: Words) -> None:
        events = translated(words, Letters())
        await anext(events)
        await events.aclose()

    words = Words()
    asyncio.run(leave(words))
    assert words.is_closed


def test_a_run_without_asyncio_is_closed_as_well() -> None:
    closed = []

    def run() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            closed.append(1)

    assert list(translated_sync(run(), Letters())) == [TextDelta("a"), TextDelta("b"), Completed("stop")]
    events = translated_sync(run(), Letters())
    next(events)
    events.close()
    assert closed == [1, 1]


@pytest.mark.parametrize("events", [pydantic_ai.events, langchain.events, langgraph.events, openai_agents.events])
@pytest.mark.parametrize("run", [7, None, object()])
def test_what_is_no_run_is_named(events: Any, run: object) -> None:
    with pytest.raises(TypeError, match=r"^events\(\) got .*: give it "):
        asyncio.run(all_of(events(run)))


def chunk(*blocks: dict[str, Any], id: str = "m1", **fields: Any) -> SimpleNamespace:  # noqa: A002
    """Return a piece of a message of LangChain."""
    told = {"type": "AIMessageChunk", "usage_metadata": None, "response_metadata": {}, "chunk_position": None, **fields}
    return SimpleNamespace(id=id, content_blocks=list(blocks), **told)


def piece(index: int, args: str, id: str | None = None, name: str | None = None) -> dict[str, Any]:  # noqa: A002
    return {"type": "tool_call_chunk", "index": index, "id": id, "name": name, "args": args}


def test_calls_of_two_messages_that_are_written_at_the_same_time_stay_apart() -> None:
    events = list(
        langgraph.events(
            [
                (chunk(piece(0, '{"a"', "c1", "find"), id="m1"), {}),
                (chunk(piece(0, '{"b"', "c2", "find"), id="m2"), {}),
                (chunk(piece(0, ": 1}"), id="m1"), {}),
                (chunk(piece(0, ": 2}"), id="m2"), {}),
                (chunk(id="m2", chunk_position="last"), {}),
                (chunk(id="m1", chunk_position="last"), {}),
            ]
        )
    )
    assert [event for event in events if isinstance(event, ToolCallCompleted)] == [
        ToolCallCompleted(1, {"b": 2}),
        ToolCallCompleted(0, {"a": 1}),
    ]
    assert events[-1] == Completed("tool_calls")


def test_a_whole_message_with_a_call_is_told_once() -> None:
    call = {"type": "tool_call", "id": "c1", "name": "find", "args": {"a": 1}}
    message = chunk({"type": "text", "text": "So. "}, call, type="ai")
    tool = SimpleNamespace(type="tool", tool_call_id="c1", content="there")
    assert list(langchain.events([message, tool])) == [
        TextDelta("So. "),
        ToolCallStarted(0, "c1", "find"),
        ToolCallDelta(0, '{"a":1}'),
        ToolCallCompleted(0, {"a": 1}),
        ToolResult(0, "there"),
        Completed("stop"),
    ]


def test_a_result_of_an_unknown_call_is_left_out_and_one_that_is_no_json_is_its_text() -> None:
    calls = ToolCalls()
    assert calls.result("c1", 7) == []
    calls.start("key", "c1", "find")
    assert calls.result("c1", {7}) == [ToolCallCompleted(0, {}), ToolResult(0, [7])]
    assert calls.result("c1", Letters)[0].result.startswith("<class")  # type: ignore[attr-defined]
    assert calls.result("c1", None, "broken") == [ToolResult(0, error="broken")]


def test_usage_of_several_messages_is_added_up() -> None:
    used = {
        "input_tokens": 9,
        "output_tokens": 3,
        "input_token_details": {"cache_read": 4, "cache_creation": 2},
        "output_token_details": {"reasoning": 1},
    }
    events = list(langchain.events([chunk(usage_metadata=used), chunk(usage_metadata=used, id="m2")]))
    assert events[0] == Usage(18, 6, cached_tokens=8, reasoning_tokens=2, cache_write_tokens=4)


def test_events_that_a_node_writes_are_passed_on_and_other_modes_are_left_out() -> None:
    items = [("custom", TextDelta("mine ")), ("custom", "text "), ("custom", {"a": 1}), ("updates", {"node": {}})]
    assert list(langgraph.events(items)) == [TextDelta("mine "), TextDelta("text "), Completed("stop")]


def test_arguments_that_are_no_json_are_the_text_itself() -> None:
    calls = ToolCalls()
    calls.start("key", "c1", "find")
    calls.add("key", '{"a": ')
    assert calls.complete("key") == [ToolCallCompleted(0, '{"a": ')]
    assert calls.complete("key") == []


def test_numbers_in_arguments_keep_their_digits() -> None:
    calls = ToolCalls()
    calls.start("key", "c1", "find")
    calls.add("key", '{"price": 1.10, "id": 12345678901234567890.5}')
    [completed] = calls.complete("key")
    assert exact_json.encode(completed.arguments) == b'{"price":1.10,"id":12345678901234567890.5}'  # type: ignore[attr-defined]


def test_a_call_without_arguments_has_none() -> None:
    calls = ToolCalls()
    assert calls.tell("c1", "now", None) == [ToolCallStarted(0, "c1", "now"), ToolCallCompleted(0, {})]
    assert calls.tell("c1", "now", None) == []


def test_a_call_without_an_id_gets_one_of_its_own() -> None:
    calls = ToolCalls()
    assert [calls.start(key, None, "find")[-1] for key in (0, 1)] == [
        ToolCallStarted(0, "call_0", "find"),
        ToolCallStarted(1, "call_1", "find"),
    ]
