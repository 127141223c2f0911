"""What travels unread from an upstream to a client of the same protocol has a limit of depth."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_headrace.core.events import Event, ProviderEvent
from flask_headrace.core.json_depth import MAX_DEPTH
from flask_headrace.core.sse import ServerSentEvent
from flask_headrace.providers.anthropic.source_decoder import SourceMessageDecoder
from flask_headrace.providers.decoding.provider_events import decode_fields
from flask_headrace.providers.openai.chat_provider_fields import ProviderFieldsDecoder
from flask_headrace.providers.openai.responses_source_decoder import SourceResponseDecoder


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


def novelty(levels: int) -> dict[str, Any]:
    return {"type": "novelty", "novel": nested(levels)}


def read(decoder: Any, *frames: tuple[str, dict[str, Any]]) -> list[str]:
    events: list[Event] = []
    decoder.read([ServerSentEvent(name.encode(), msgspec.json.encode(fields)) for name, fields in frames], events)
    return [event.data for event in events if isinstance(event, ProviderEvent)]


def chat(levels: int) -> list[str]:
    choice = {"index": 0, "delta": {"content": "a", **novelty(levels)}}
    return read(ProviderFieldsDecoder("u", "m", "p"), ("message", {"choices": [choice]}))


def responses(levels: int) -> list[str]:
    item = {"type": "response.output_item.added", "output_index": 0, "item": novelty(levels)}
    done = {**item, "type": "response.output_item.done"}
    return read(SourceResponseDecoder("u", "m", "p"), (str(item["type"]), item), (str(done["type"]), done))


def messages(levels: int) -> list[str]:
    block = {"type": "content_block_start", "index": 0, "content_block": novelty(levels)}
    return read(SourceMessageDecoder("u", "m", "p", None), ("content_block_start", block))


@pytest.mark.parametrize("protocol", [chat, responses, messages])
def test_what_is_too_deep_does_not_travel(protocol: Any) -> None:
    assert any("novel" in data for data in protocol(MAX_DEPTH - 10))
    assert not any("novel" in data for data in protocol(MAX_DEPTH + 1))


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b'{"a":', b'{"a":"\xff"}', b"[" * 100_000])
def test_what_is_no_object_has_no_fields(data: bytes) -> None:
    assert decode_fields(data) == {}
