"""The official SDK for Node, and LangChain.js on top of it, with only another base URL."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings

from flask_headrace.blueprints.anthropic_messages.encoder import MessagesEncoder
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.events import Failed
from tests.clients.anthropic_messages.answers import CALLED, HI, PIECES, PROVIDERS, TEXT, TOOLS, calling, whole
from tests.clients.anthropic_messages.node import Node
from tests.support import event_sequences
from tests.support.service import Service
from tests.support.upstream import Gate, Upstream, anthropic_wire, plain


@pytest.mark.parametrize(("provider", "wire"), PROVIDERS)
class TestTheSDK:
    def test_hears_an_answer_piece_by_piece(self, service: Service, upstream: Upstream, node: Node, provider, wire):
        upstream.answer("streamed", whole(wire))
        came = node.do("streamed", baseURL=service.url, model=f"{provider}/streamed")
        message = came["message"]
        assert came["texts"] == list(PIECES)
        assert [block["text"] for block in message["content"]] == [TEXT]
        assert (message["stop_reason"], message["model"]) == ("end_turn", f"{provider}/streamed")
        counts = {"input_tokens": 6, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 0, "output_tokens": 4}
        assert message["usage"].items() >= counts.items()

    def test_hears_of_thoughts_and_calls_each_once(self, service, upstream, node, provider, wire) -> None:
        upstream.answer("calling", calling(wire))
        asked = {"baseURL": service.url, "model": f"{provider}/calling", "tools": TOOLS}
        streamed, given_whole = node.do("asked", **asked), node.do("whole", **asked)
        assert streamed["blocks"] == streamed["message"]["content"] == given_whole["message"]["content"]
        thought, text, *calls = streamed["blocks"]
        assert (thought["thinking"], bool(thought["signature"])) == ("hm", provider == "anthropic")
        assert text["text"] == "Well. "
        assert [(call["id"], call["name"], call["input"]) for call in calls] == CALLED
        assert streamed["message"]["stop_reason"] == "tool_use"

    @pytest.mark.parametrize(
        ("status", "name", "kind"),
        [
            (400, "BadRequestError", "invalid_request_error"),
            (401, "AuthenticationError", "authentication_error"),
            (404, "NotFoundError", "not_found_error"),
            (429, "RateLimitError", "rate_limit_error"),
            (529, "OverloadedError", "overloaded_error"),
        ],
    )
    def test_throws_its_own_errors(self, service, upstream, node, provider, wire, status, name, kind) -> None:
        upstream.answer("refused", wire.error(status))
        for task in ("asked", "whole"):
            error = node.do(task, baseURL=service.url, model=f"{provider}/refused")["error"]
            assert (error["name"], error["type"]) == (name, kind)

    def test_throws_after_the_first_token_too(self, service, upstream, node, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        came = node.do("asked", baseURL=service.url, model=f"{provider}/failing")
        assert came["texts"] == ["0 ", "1 "]
        assert came["error"]["type"] == ("overloaded_error" if provider == "anthropic" else "api_error")
        assert came["error"]["code"].startswith("upstream_")

    def test_that_leaves_stops_the_model(self, service, upstream, node, provider, wire) -> None:
        upstream.answer("left", wire.answer("one", Gate("never"), "two"))
        before = len(upstream.requests("left"))
        assert node.do("left", baseURL=service.url, model=f"{provider}/left") == {"text": "one"}
        assert upstream.closed("left", before).deltas_sent == 1


def test_the_sdk_counts_tokens(service: Service, upstream: Upstream, node: Node) -> None:
    upstream.answer("counted", plain.json_body({"input_tokens": 17}))
    assert node.do("counted", baseURL=service.url, model="anthropic/counted") == {"input_tokens": 17}


@pytest.mark.parametrize(("provider", "wire"), PROVIDERS)
class TestLangChain:
    def test_hears_an_answer_piece_by_piece(self, service, upstream, node, provider, wire) -> None:
        upstream.answer("chatted", whole(wire))
        came = node.do("chatted", baseURL=service.url, model=f"{provider}/chatted")
        assert [text for text in came["texts"] if text] == list(PIECES)

    def test_hears_of_calls_and_tells_their_results(self, service, upstream, node, provider, wire) -> None:
        upstream.answer("chained", calling(wire))
        asked = {"baseURL": service.url, "model": f"{provider}/chained", "tools": TOOLS}
        came = node.do("chained", messages=HI, **asked)
        assert [(call["id"], call["name"], call["args"]) for call in came["calls"]] == CALLED
        assert (came["text"], came["stopReason"]) == ("Well. ", "tool_use")
        # It reads the input's tokens from the beginning of a message: Anthropic tells them there, others at the end.
        usage = came["usage"]
        assert usage["input_tokens"] == 9 if provider == "anthropic" else usage["input_tokens"] > 1
        assert usage["output_tokens"] == 2
        upstream.answer("chained", wire.answer("So."))
        called = {"role": "assistant", "content": came["content"], "tool_calls": came["calls"]}
        results = [{"role": "tool", "content": "done", "tool_call_id": call["id"]} for call in came["calls"]]
        assert node.do("chained", messages=[*HI, called, *results], **asked)["text"] == "So."

    def test_throws_after_the_first_token_too(self, service, upstream, node, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        came = node.do("chained", baseURL=service.url, model=f"{provider}/failing", messages=HI)
        assert (came["text"], came["error"]["status"]) == ("0 1 ", None)


def test_langchain_asks_anthropic_to_think(service: Service, upstream: Upstream, node: Node) -> None:
    upstream.answer("thinker", calling(anthropic_wire))
    thinking = {"type": "enabled", "budget_tokens": 1024}
    came = node.do("chained", baseURL=service.url, model="anthropic/thinker", messages=HI, thinking=thinking)
    assert [block["thinking"] for block in came["content"] if block["type"] == "thinking"] == ["hm"]
    assert upstream.requests("thinker")[-1].body["thinking"] == thinking


class TestAnySequence:
    @settings(max_examples=60)
    @given(events=event_sequences.sequences(), sizes=event_sequences.SIZES)
    def test_is_read_by_the_sdk_as_what_it_is(self, node: Node, events, sizes) -> None:
        encoder, answer = MessagesEncoder(), CollectedAnswer()
        answer.add(events)
        pieces = [encoder.encode(batch) for batch in event_sequences.batches(events, sizes)]
        came = node.do("read", pieces=[base64.b64encode(piece).decode() for piece in pieces])
        if answer.finish_reason is None:
            assert came["error"]["code"] == (events[-1].code if isinstance(events[-1], Failed) else "cancelled")
            assert answer.text().startswith("".join(came["texts"]))
        else:
            assert "".join(came["texts"]) == answer.text()
            assert came["blocks"] == came["message"]["content"] == encoder.encode_whole(answer)["content"]
