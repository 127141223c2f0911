"""An answer that was cut, by a limit of tokens or by a filter, says so in each protocol's own words.

The other way round, a whole answer never looks cut.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.reader import QUESTION, Answer, Reading, send
from tests.support.service import Service
from tests.support.upstream import Upstream, anthropic_wire, openai_wire

TEXT = "Once upon a time"
UI = [{"id": "m", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]


def frames(answer: Answer) -> list[Any]:
    """Return the JSON of the `data` lines of an event stream."""
    lines = [line[6:] for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def native(answer: Answer) -> Any:
    end = answer.frames.index(("end", *answer.named("end")))
    assert answer.frames[end + 1] == ("message", "[DONE]")
    return answer.named("end")[0]["finish_reason"]


def openai_chat(answer: Answer) -> Any:
    return next(
        reason for frame in frames(answer) for choice in frame["choices"] if (reason := choice["finish_reason"])
    )


def responses(answer: Answer) -> Any:
    last = frames(answer)[-1]
    details = last["response"]["incomplete_details"]
    assert last["type"] == ("response.incomplete" if details else "response.completed")
    assert last["response"]["status"] == last["type"].partition(".")[2]
    return details and details["reason"]


def anthropic(answer: Answer) -> Any:
    return next(frame["delta"]["stop_reason"] for frame in frames(answer) if frame["type"] == "message_delta")


def ui_messages(answer: Answer) -> Any:
    return frames(answer)[-1]["finishReason"]


def data_stream(answer: Answer) -> Any:
    lines = dict(line.split(":", 1) for line in answer.body.decode().splitlines() if line)
    assert json.loads(lines["d"])["finishReason"] == json.loads(lines["e"])["finishReason"]
    return json.loads(lines["d"])["finishReason"]


WIRES: dict[str, tuple[str, dict[str, Any], Callable[[Answer], Any], tuple[Any, Any, Any]]] = {
    # path, body, how its end is read, and its words for length, content_filter and stop
    "native": ("/api/chat", {"messages": QUESTION}, native, ("length", "content_filter", "stop")),
    "whole native": (
        "/api/chat",
        {"messages": QUESTION, "stream": False},
        lambda answer: answer.json["finish_reason"],
        ("length", "content_filter", "stop"),
    ),
    "OpenAI chat": (
        "/v1/chat/completions",
        {"messages": QUESTION, "stream": True},
        openai_chat,
        ("length", "content_filter", "stop"),
    ),
    "whole OpenAI chat": (
        "/v1/chat/completions",
        {"messages": QUESTION},
        lambda answer: answer.json["choices"][0]["finish_reason"],
        ("length", "content_filter", "stop"),
    ),
    "Responses": (
        "/v1/responses",
        {"input": "hi", "stream": True},
        responses,
        ("max_output_tokens", "content_filter", None),
    ),
    "whole Responses": (
        "/v1/responses",
        {"input": "hi"},
        lambda answer: (answer.json["incomplete_details"] or {}).get("reason"),
        ("max_output_tokens", "content_filter", None),
    ),
    "Anthropic": (
        "/v1/messages",
        {"messages": QUESTION, "max_tokens": 9, "stream": True},
        anthropic,
        ("max_tokens", "refusal", "end_turn"),
    ),
    "whole Anthropic": (
        "/v1/messages",
        {"messages": QUESTION, "max_tokens": 9},
        lambda answer: answer.json["stop_reason"],
        ("max_tokens", "refusal", "end_turn"),
    ),
    "AI SDK chat": ("/ai/chat", {"messages": UI}, ui_messages, ("length", "content-filter", "stop")),
    "AI SDK completion": ("/ai/completion", {"prompt": "hi"}, ui_messages, ("length", "content-filter", "stop")),
    "AI SDK 4 chat": ("/ai/v4/chat", {"messages": QUESTION}, data_stream, ("length", "content-filter", "stop")),
    "AI SDK 4 completion": ("/ai/v4/completion", {"prompt": "hi"}, data_stream, ("length", "content-filter", "stop")),
}
REASONS = ("length", "content_filter", "stop")


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("name", WIRES)
def test_a_wire_says_why_the_answer_ended(service: Service, upstream: Upstream, name: str, reason: str) -> None:
    path, body, read, words = WIRES[name]
    upstream.answer("ends", openai_wire.answer(TEXT, finish=reason))
    answer = send(service.url + path, {"model": "openai/ends", **body})
    assert answer.status == 200
    assert TEXT in answer.body.decode()
    assert read(answer) == words[REASONS.index(reason)]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
@pytest.mark.parametrize("path", ["/ai/text", "/ai/object"])
def test_a_wire_without_words_breaks_off_after_the_text(
    service: Service, upstream: Upstream, path: str, reason: str
) -> None:
    upstream.answer("ends", openai_wire.answer('{"a": 1', finish=reason))
    with Reading(service.url + path, {"model": "openai/ends", "prompt": "hi"}) as reading:
        response = reading.response()
        with pytest.raises(http.client.IncompleteRead) as broken:
            response.read()
    assert (response.status, broken.value.partial) == (200, b'{"a": 1')


def test_a_wire_without_words_ends_after_a_whole_text(service: Service, upstream: Upstream) -> None:
    upstream.answer("ends", openai_wire.answer(TEXT))
    assert send(service.url + "/ai/text", {"model": "openai/ends", "prompt": "hi"}).body.decode() == TEXT


@pytest.mark.parametrize("ending", [[], [{"role": "user", "content": "Continue exactly where you stopped."}]])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_cut_answer_can_be_continued(
    service: Service, upstream: Upstream, provider: str, ending: list[dict[str, str]]
) -> None:
    wire = {"openai": openai_wire, "anthropic": anthropic_wire}[provider]
    upstream.answer("goes on", wire.answer(" there was a mill."))
    messages = [*QUESTION, {"role": "assistant", "content": TEXT}, *ending]
    answer = send(service.url + "/api/chat", {"model": f"{provider}/goes on", "messages": messages})
    assert answer.text == " there was a mill."
    assert upstream.requests("goes on")[-1].body["messages"] == messages
