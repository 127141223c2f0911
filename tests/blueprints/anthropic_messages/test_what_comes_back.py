"""What Anthropic's models send and no other has, as clients of the same protocol receive it from a real service."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import anthropic
import pytest
from anthropic.types import Message, RawMessageStreamEvent

from tests.blueprints.anthropic_messages.answers import (
    ANSWER,
    CALL,
    CONTAINER,
    CONTENT,
    END,
    MANAGED,
    STOP,
    TEXT,
    USAGE,
    block,
    event,
    frames,
    said,
    start,
)
from tests.blueprints.anthropic_messages.conftest import Asked
from tests.support.upstream import FINISH, Chunk, Script, anthropic_wire, openai_wire, script

HI = [{"role": "user", "content": "hi"}]


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def ask(asked: Asked, name: str, answer: Script, model: str = "anthropic", **fields: Any) -> list[dict[str, Any]]:
    asked.upstream.answer(name, answer)
    body = {"model": f"{model}/{name}", "max_tokens": 9, "messages": HI, "stream": True, **fields}
    response = asked.ask("/v1/messages", body)
    assert response.status == 200, response.text
    return response.body  # type: ignore[no-any-return]


class TestAStream:
    def test_has_everything_in_its_place_with_our_numbers(self, asked: Asked) -> None:
        received = ask(asked, "everything", frames(*ANSWER))
        sent = [json.loads(line[6:]) for line in b"".join(ANSWER).decode().split("\n") if line.startswith("data: ")]
        expected = [frame for frame in sent if frame["type"] != "ping"]
        for frame in expected:
            if "index" in frame:
                frame["index"] -= 3
        first, *rest, last_delta, stop = received
        assert rest == expected[1:-2]
        assert (stop, last_delta["context_management"]) == ({"type": "message_stop"}, MANAGED)
        assert last_delta["delta"] == {"stop_reason": "tool_use", "stop_sequence": None, "container": CONTAINER}
        assert last_delta["usage"] == without(USAGE, "cache_creation", "service_tier")
        message = first["message"]
        assert message["id"].startswith("msg_")
        assert (message["model"], message["container"]) == ("anthropic/everything", None)
        assert message["diagnostics"] == {"cache_miss_reason": None}
        assert message["usage"] == without(USAGE, "server_tool_use", "output_tokens_details") | {"output_tokens": 0}

    def test_keeps_the_digits_of_what_is_not_known(self, asked: Asked) -> None:
        asked.upstream.answer("digits", frames(*[frame.replace(b"0.5", b"0.500") for frame in ANSWER]))
        body = {"model": "anthropic/digits", "max_tokens": 9, "messages": HI, "stream": True}
        assert '"hint":{"columns":0.500}' in asked.ask("/v1/messages", body).text

    def test_is_the_same_whole(self, asked: Asked) -> None:
        message: Any = ask(asked, "whole", frames(*ANSWER), stream=False)
        assert message["content"] == CONTENT
        assert (message["usage"], message["stop_reason"]) == (USAGE, "tool_use")
        assert (message["container"], message["context_management"]) == (CONTAINER, MANAGED)
        assert message["diagnostics"] == {"cache_miss_reason": None}

    def test_is_the_same_to_the_sdk(self, asked: Asked) -> None:
        asked.upstream.answer("sdk", frames(*[frame for frame in ANSWER if b"_hint" not in frame]))
        client = anthropic.Anthropic(base_url=asked.service.url, api_key="any", max_retries=0)
        for messages in (client.messages, client.beta.messages):
            with messages.stream(model="anthropic/sdk", max_tokens=9, messages=HI) as stream:
                message = stream.get_final_message().to_dict()
            whole = messages.create(model="anthropic/sdk", max_tokens=9, messages=HI).to_dict()
            for found in (message["content"], whole["content"]):
                pairs = zip(found, CONTENT, strict=True)
                assert [{name: block.get(name) for name in wanted if name != "odd"} for block, wanted in pairs] == [
                    without(block, "odd") for block in CONTENT
                ]
            assert {name: message["usage"][name] for name in USAGE} == USAGE

    def test_fits_the_sdks_own_schema(self, asked: Asked) -> None:
        known = [frame for frame in ANSWER if b"_hint" not in frame]
        known = [frame.replace(b'"odd_delta", "odd": 1', b'"text_delta", "text": "!"') for frame in known]
        asked.upstream.answer("strict", frames(*known))
        client = anthropic.Anthropic(base_url=asked.service.url, api_key="any", max_retries=0)
        asking: dict[str, Any] = {"model": "anthropic/strict", "max_tokens": 9, "messages": HI}
        events: list[RawMessageStreamEvent | Message] = list(client.messages.create(stream=True, **asking))
        for value in [*events, client.messages.create(**asking)]:
            type(value).model_validate_json(value.to_json(), strict=True)

    @pytest.mark.parametrize("reason", ["pause_turn", "refusal", "model_context_window_exceeded", "compaction"])
    def test_ends_as_its_provider_says(self, asked: Asked, reason: str) -> None:
        delta = {
            "stop_reason": reason,
            "stop_sequence": None,
            "stop_details": {"type": "refusal", "explanation": "No."},
        }
        answer = frames(start(), block(0, TEXT, said("x")), event("message_delta", delta=delta), STOP)
        *_, last, _ = ask(asked, "ended", answer)
        assert last["delta"] == delta
        whole: Any = ask(asked, "ended", answer, stream=False)
        assert {name: whole[name] for name in delta} == delta

    def test_of_one_block_without_a_word_is_the_block(self, asked: Asked) -> None:
        summary = {"type": "compaction", "content": "so far", "encrypted_content": None}
        received = ask(asked, "lone", frames(start(), block(0, summary), END, STOP))
        assert received[1] == {"type": "content_block_start", "index": 0, "content_block": summary}
        whole: Any = ask(asked, "lone", frames(start(), block(0, summary), END, STOP), stream=False)
        assert whole["content"] == [summary]


class TestOtherClients:
    @pytest.mark.parametrize("model", ["anthropic", "known"])
    def test_of_the_protocol_and_of_others_have_the_text_and_the_calls(self, asked: Asked, model: str) -> None:
        asked.upstream.answer("others", frames(*ANSWER))
        tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
        body = {"model": f"{model}/others", "messages": HI, "tools": tools}
        choice = asked.ask("/v1/chat/completions", body).body["choices"][0]
        assert choice["message"]["content"] == "I look. It is so."
        assert [call["function"]["arguments"] for call in choice["message"]["tool_calls"]] == ['{"x":1}']

    def test_are_told_the_tokens_that_were_written_to_the_cache(self, asked: Asked) -> None:
        asked.upstream.answer("cached", frames(*ANSWER))
        body = {"model": "anthropic/cached", "messages": HI}
        chat = asked.ask("/v1/chat/completions", body).body["usage"]
        assert (chat["prompt_tokens"], chat["prompt_tokens_details"]) == (
            100,
            {"cached_tokens": 30, "cache_write_tokens": 60},
        )
        responses = asked.ask("/v1/responses", {"model": "anthropic/cached", "input": "hi"}).body["usage"]
        assert responses["input_tokens_details"] == {"cached_tokens": 30, "cache_write_tokens": 60}
        native = asked.ask("/api/chat", {**body, "stream": False}).body["usage"]
        assert (native["cached_tokens"], native["cache_write_tokens"]) == (30, 60)

    def test_of_the_protocol_whose_upstream_passes_only_what_is_known(self, asked: Asked) -> None:
        message: Any = ask(asked, "known-only", frames(*ANSWER), "known", stream=False)
        assert message["content"] == [
            {**TEXT, "text": "I look. It is so."},
            {**without(CALL, "caller"), "input": {"x": 1}},
        ]
        assert "container" not in message


class TestBeforeTheFirstWord:
    def test_a_failure_is_the_status_of_the_response(self, asked: Asked) -> None:
        opened = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        refused = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
        asked.upstream.answer("early", frames(start(container=None), opened, refused))
        body = {"model": "anthropic/early", "max_tokens": 9, "messages": HI, "stream": True}
        assert asked.ask("/v1/messages", body).status == 529


class TestAResumableStream:
    def test_is_the_same_from_any_place(self, asked: Asked) -> None:
        asked.upstream.answer("resumed", frames(*ANSWER))
        stream_id = "anthropic-resumed-0001"
        kind = {"stream": True, "resumable": True, "id": stream_id}
        body = {"model": "anthropic/resumed", "max_tokens": 9, "messages": HI, **kind}
        first = asked.ask("/v1/messages", body)
        again = asked.ask("/v1/messages", body)
        assert again.text == first.text
        assert len(asked.upstream.requests("resumed")) == 1
        whole = asked.ask("/v1/messages", {**body, "stream": False})
        assert whole.body["content"] == CONTENT
        ids = [line[4:] for line in first.text.split("\n") if line.startswith("id: ")]
        parts = first.text.split("\n\n")
        for cursor in ids:
            url = f"{asked.service.url}/api/streams/{stream_id}?protocol=anthropic"
            request = urllib.request.Request(url, headers={"last-event-id": cursor})
            with urllib.request.urlopen(request, timeout=10) as response:
                rest = response.read().decode()
            place = next(number for number, part in enumerate(parts) if part.startswith(f"id: {cursor}\n"))
            assert rest == "\n\n".join(parts[place + 1 :]), cursor


class TestAChain:
    def test_continues_a_text_with_the_next_model_of_the_protocol(self, asked: Asked) -> None:
        opened = event("content_block_start", index=0, content_block={**TEXT, "citations": []})
        broken = [start(), opened, event("content_block_delta", index=0, delta=said("One two"))]
        asked.upstream.answer("first", script(anthropic_wire.HEAD, *map(Chunk, broken), FINISH))
        asked.upstream.answer("second", frames(start(container=CONTAINER), block(0, TEXT, said(" three")), END, STOP))
        before = len(asked.upstream.requests("second"))
        odd = {"role": "user", "content": [{"type": "text", "text": "count", "odd": 1}]}
        body = {
            "model": "safe",
            "max_tokens": 9,
            "messages": [odd],
            "stream": True,
            "context_management": {"edits": []},
        }
        received = asked.ask("/v1/messages", body).body
        deltas = [frame["delta"] for frame in received if frame["type"] == "content_block_delta"]
        assert "".join(delta["text"] for delta in deltas) == "One two three"
        assert [frame["type"] for frame in received].count("content_block_start") == 1
        continued = asked.upstream.requests("second")[before].body
        assert continued["messages"] == [odd, {"role": "assistant", "content": "One two"}]
        assert continued["context_management"] == {"edits": []}

    def test_tells_what_the_model_that_answers_did_not_receive(self, asked: Asked) -> None:
        asked.upstream.answer("mixed", openai_wire.answer("ok"))
        body = {"model": "mixed", "max_tokens": 9, "messages": HI}
        answer = asked.ask("/v1/messages", {**body, "context_management": {"x": 1}})
        assert answer.headers["headrace-ignored"] == "context_management"
        asked.upstream.answer("mixed", anthropic_wire.answer("ok"))
        geo = asked.ask("/v1/messages", {**body, "inference_geo": "us"})
        assert asked.upstream.requests("mixed")[-1].body.get("inference_geo") == "us", geo.text
