"""Whole and streamed responses over HTTP fit the schema of OpenAI's Responses API, with every provider."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blueprints.openai_responses.response_schema import check_events, check_response
from tests.support.reader import Answer, send
from tests.support.service import Service
from tests.support.upstream import Reasoning, ToolCall, Upstream, anthropic_wire, openai_wire

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather at a place.",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
}
PROVIDERS = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])


def turn(role: str, content: Any, **fields: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content, **fields}


CONVERSATIONS = {
    "a text": [turn("user", "Say hello in three words.")],
    "a system prompt": [turn("system", "You are a pirate."), turn("user", "Say hello.")],
    "a developer prompt": [turn("developer", "You are a pirate."), turn("user", "Say hello.")],
    "a picture": [
        turn("user", [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": PIXEL}])
    ],
    "several turns": [turn("user", "I am Alice."), turn("assistant", "Hello Alice!"), turn("user", "Who am I?")],
    "phases of an answer": [
        turn("assistant", "Let me see.", phase="commentary"),
        turn("assistant", "Four.", phase="final_answer"),
        turn("user", "Again."),
    ],
}


def respond(service: Service, model: str, input: Any, **fields: Any) -> Answer:  # noqa: A002
    answer = send(service.url + "/v1/responses", {"model": model, "input": input, **fields})
    assert answer.status == 200, answer.body
    return answer


def events_of(answer: Answer) -> list[dict[str, Any]]:
    assert [name for name, _ in answer.frames] == [data["type"] for _, data in answer.frames]
    return [data for _, data in answer.frames]


@PROVIDERS
class TestAResponse:
    @pytest.mark.parametrize("conversation", CONVERSATIONS)
    def test_is_whole(self, service: Service, upstream: Upstream, provider, wire, conversation: str) -> None:
        upstream.answer("compliant", wire.answer("One ", "two."))
        response = respond(service, f"{provider}/compliant", CONVERSATIONS[conversation]).json
        check_response(response)
        assert (response["status"], response["output"][0]["content"][0]["text"]) == ("completed", "One two.")

    @pytest.mark.parametrize("conversation", CONVERSATIONS)
    def test_is_streamed(self, service: Service, upstream: Upstream, provider, wire, conversation: str) -> None:
        upstream.answer("compliant", wire.answer(Reasoning("hm"), "One ", "two."))
        events = events_of(respond(service, f"{provider}/compliant", CONVERSATIONS[conversation], stream=True))
        check_events(events)
        assert "".join(event["delta"] for event in events if event["type"].endswith("output_text.delta")) == "One two."
        check_response(events[-1]["response"])

    @pytest.mark.parametrize("stream", [False, True])
    def test_calls_a_tool(self, service: Service, upstream: Upstream, provider, wire, stream: bool) -> None:
        call = ToolCall("c1", "get_weather", ('{"location":', '"Rome"}'))
        upstream.answer("calling", wire.answer(call, finish=wire.FINISHES[2]))
        answer = respond(service, f"{provider}/calling", "Weather?", tools=[WEATHER], stream=stream)
        if stream:
            check_events(events_of(answer))
        response = events_of(answer)[-1]["response"] if stream else answer.json
        check_response(response)
        assert [item["type"] for item in response["output"]] == ["function_call"]
        assert response["tools"] == [{**WEATHER, "strict": None}]

    def test_that_was_cut_says_why(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("cut", wire.answer("One", finish=wire.FINISHES[1]))
        whole = respond(service, f"{provider}/cut", "hi", max_output_tokens=16).json
        check_response(whole)
        assert (whole["status"], whole["completed_at"]) == ("incomplete", None)
        events = events_of(respond(service, f"{provider}/cut", "hi", stream=True))
        check_events(events)
        assert events[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}

    def test_that_failed_says_why(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        events = events_of(respond(service, f"{provider}/failing", "hi", stream=True))
        check_events(events)
        assert events[-1]["response"]["error"]["code"].startswith("upstream_")


def test_a_resumed_response_was_completed_when_it_was(service: Service, upstream: Upstream) -> None:
    upstream.answer("kept", openai_wire.answer("One"))
    answer = respond(service, "openai/kept", "hi", stream=True, resumable=True)
    resumed = f"{service.url}/api/streams/{answer.headers['headrace-stream-id']}?protocol=openai-responses"
    response = events_of(answer)[-1]["response"]
    assert response["created_at"] <= response["completed_at"]
    assert send(resumed, method="GET").body == answer.body
