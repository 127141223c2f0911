"""The `Answer` of a generator that executes tools, cites sources, and adds files and data."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask

from flask_headrace import (
    Answer,
    AnsweredToolCall,
    Data,
    Event,
    File,
    Headrace,
    Source,
    ToolCallCompleted,
    ToolCallStarted,
    ToolResult,
)

PROGRESS = {"done": 1}


def agent() -> Iterator[str | Event | list[Event]]:
    yield Data("progress", "looking", transient=True)
    yield "Let me see."
    yield from [ToolCallStarted(0, "c1", "find"), ToolCallStarted(1, "c2", "find")]
    yield [ToolCallCompleted(0, {"q": 1}), ToolCallCompleted(1, {}), ToolResult(1, error="No."), ToolResult(0, [3])]
    yield [ToolCallStarted(2, "c3", "find"), ToolCallCompleted(2, {}), ToolResult(2, "deep")]
    yield from ["It is ", "deep.", Source("https://mill.example/"), File("a/b", data=b"\x89")]
    yield Data("progress", PROGRESS, "p")
    PROGRESS["done"] = 2
    yield Data("progress", PROGRESS, "p")


def told_of(generator: Iterator[str | Event | list[Event]]) -> Answer:
    app = Flask(__name__)
    app.config.update(HEADRACE_EMBEDDED=False)
    headrace = Headrace(app)
    told: list[Answer] = []
    headrace.on_end(told.append)
    app.add_url_rule("/own", view_func=lambda: headrace.stream_from(generator))
    assert app.test_client().get("/own").text.endswith("data: [DONE]\n\n")
    return told[0]


def test_the_answer_has_what_the_application_added() -> None:
    answer = told_of(agent())
    assert answer.text == "Let me see.It is deep."
    assert answer.tool_calls == (
        AnsweredToolCall("c1", "find", {"q": 1}, result=[3]),
        AnsweredToolCall("c2", "find", {}, error="No."),
        AnsweredToolCall("c3", "find", {}, result="deep"),
    )
    assert answer.sources == (Source("https://mill.example/", id="source-1"),)
    assert answer.files == (File("a/b", "data:a/b;base64,iQ=="),)
    assert answer.data == (Data("progress", {"done": 2}, "p"),)


def test_its_messages_are_turns_with_calls_and_results() -> None:
    messages = told_of(agent()).messages
    assert [message["role"] for message in messages] == ["assistant", "tool", "tool", "assistant", "tool", "assistant"]
    assert [message.get("tool_call_id") for message in messages] == [None, "c1", "c2", None, "c3", None]
    assert [message["content"] for message in messages if message["role"] == "tool"] == ["[3]", "No.", "deep"]
    assert [message.get("is_error", False) for message in messages[1:3]] == [False, True]
    assert messages[-1]["content"] == "It is deep."


def test_an_earlier_call_without_a_result_is_not_in_the_messages() -> None:
    events: list[str | Event | list[Event]] = [
        [ToolCallStarted(0, "c1", "find"), ToolCallCompleted(0, {})],
        [ToolCallStarted(1, "c2", "find"), ToolCallCompleted(1, {}), ToolResult(1, 7)],
        "Done.",
    ]
    first, result, last = told_of(iter(events)).messages
    assert [call["id"] for call in first["tool_calls"]] == ["c2"]
    assert (result["tool_call_id"], last["content"]) == ("c2", "Done.")
