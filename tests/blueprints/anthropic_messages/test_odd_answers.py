"""Answers of odd servers of Anthropic's protocol: what they send in a wrong place or form breaks no message."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.anthropic_messages.encoder import MessagesEncoder
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.events import Event, ResponseStarted
from flask_headrace.core.sse import ServerSentEvent
from flask_headrace.providers.anthropic.source_decoder import SourceMessageDecoder

CITED = {"type": "citations_delta", "citation": {"type": "char_location"}}


def whole(block: dict[str, Any], *deltas: dict[str, Any], **message: Any) -> Any:
    """Return the complete message whose answer has one block."""
    sent: list[Any] = [
        {"type": "message_start", "message": {"role": "assistant", "content": [], **message}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *[{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas],
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    decoder = SourceMessageDecoder("acme", "m", "x")
    events: list[Event] = [ResponseStarted("s1", "acme/tiny", "acme")]
    for frame in sent:
        decoder.read([ServerSentEvent(frame["type"].encode(), json.dumps(frame).encode())], events)
    answer = CollectedAnswer()
    answer.add(events)
    return msgspec.json.encode(MessagesEncoder("r").encode_whole(answer)).decode()


@pytest.mark.parametrize("citations", [None, 5, 1.5, "x", {}, []])
def test_citations_that_are_no_list_are_none(citations: Any) -> None:
    message = json.loads(whole({"type": "document_text", "text": "", "citations": citations}, CITED, CITED))
    assert message["content"][0]["citations"] == [CITED["citation"]] * 2


@pytest.mark.parametrize("delta", [None, 5, "x", [], {"a": 1}])
def test_a_message_may_have_any_fields(delta: Any) -> None:
    text = {"type": "text_delta", "text": "a"}
    message = json.loads(whole({"type": "text", "text": ""}, text, delta=delta))
    assert (message["content"][0]["text"], message["delta"]) == ("a", delta)


def test_the_input_of_an_unknown_call_has_the_digits_of_the_provider() -> None:
    pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ('{"a":', "1.50,", '"b":1e999}')]
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    assert '"input":{"a":1.50,"b":1e999}' in whole(block, *pieces)
