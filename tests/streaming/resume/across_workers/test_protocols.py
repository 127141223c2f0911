"""A stream that is resumed at another worker in its protocol: the header fields are the same as at the first."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.streaming.resume.across_workers.stage import (
    Pair,
    Steady,
    beyond,
    frames,
    gated,
    numbers,
    read,
    stream_id,
    wait_until,
)
from tests.support.reader import QUESTION, Answer, parse
from tests.support.upstream import Upstream, openai_wire

pytestmark = pytest.mark.parametrize("pair", ["redis"], indirect=True)

TOOL = {"type": "function", "name": "find", "description": "Finds.", "parameters": {"type": "object"}, "strict": False}
ASKED = {"metadata": {"chat": "7"}, "instructions": "Be brief.", "tools": [TOOL], "temperature": 0.5}
RESPONSES, CHAT = "/v1/responses", "/v1/chat/completions"
PROTOCOLS = {RESPONSES: "openai-responses", CHAT: "openai"}


def question(path: str, model: str, **fields: Any) -> dict[str, Any]:
    turns = {"input": "hi"} if path == RESPONSES else {"messages": QUESTION}
    return {"model": f"openai/{model}", **turns, "stream": True, "resumable": True, **fields}


def followed(pair: Pair, path: str, id_: str, after: int = 0) -> Answer:
    return read(pair.follow(1, id_, after, query=f"?protocol={PROTOCOLS[path]}"))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (RESPONSES, ASKED),
        (RESPONSES, {}),
        (CHAT, {"stream_options": {"include_usage": True}}),
        (CHAT, {"stream_options": {"include_usage": False}}),
        (CHAT, {}),
    ],
)
def test_what_follows_is_byte_for_byte_the_same_at_every_cursor(
    pair: Pair, upstream: Upstream, path: str, fields: dict[str, Any]
) -> None:
    name = f"{path} {json.dumps(fields)[:30]}"
    upstream.answer(name, gated(name, burst=3))
    first = Steady(pair.reading(0, path, question(path, name, **fields)))
    id_ = first.id
    first.has(b"word 2 ")
    # When it was asked is told, and not when it was followed.
    asked_at = created_in(first.body)
    wait_until(lambda: time.time() >= asked_at + 1)
    upstream.open_gate(name)
    whole = frames(first.read().replace(b": keep-alive\n", b""))
    assert followed(pair, path, id_).body == whole
    for after in numbers(whole)[:-1]:
        assert followed(pair, path, id_, after).body == beyond(whole, after)
    assert len(numbers(whole)) > 6


def created_in(body: bytes) -> int:
    data = next(parsed[1] for block in body.decode().split("\n\n") if (parsed := parse(block)))
    found: int = data["response"]["created_at"] if "response" in data else data["created"]
    return found


def test_a_response_repeats_its_question_whoever_tells_it(pair: Pair, upstream: Upstream) -> None:
    upstream.answer("repeating", openai_wire.answer("one"))
    reading = pair.reading(0, RESPONSES, question(RESPONSES, "repeating", **ASKED))
    id_ = stream_id(reading)
    read(reading)
    responses = [data["response"] for _, data in followed(pair, RESPONSES, id_).frames if "response" in data]
    assert [response["status"] for response in responses] == ["in_progress", "in_progress", "completed"]
    for response in responses:
        assert {name: response[name] for name in ASKED} == ASKED


def test_what_is_too_large_to_be_kept_is_repeated_nowhere(pair: Pair, upstream: Upstream) -> None:
    upstream.answer("much", openai_wire.answer("one"))
    large = ASKED | {"instructions": "Be brief. " * 30_000}
    reading = pair.reading(0, RESPONSES, question(RESPONSES, "much", **large))
    id_ = stream_id(reading)
    whole = read(reading).body
    assert followed(pair, RESPONSES, id_).body == whole
    assert len(whole) < 20_000
    assert b'"metadata":{"chat":"7"}' in whole
    # A plain one is not kept.
    plain = question(RESPONSES, "much", **large) | {"resumable": False}
    assert len(read(pair.reading(0, RESPONSES, plain)).body) > 900_000


def test_asked_in_another_protocol_nothing_of_it_is_repeated(pair: Pair, upstream: Upstream) -> None:
    upstream.answer("other", openai_wire.answer("one"))
    reading = pair.reading(0, RESPONSES, question(RESPONSES, "other", **ASKED))
    id_ = stream_id(reading)
    read(reading)
    assert b'"prompt_tokens":' in followed(pair, CHAT, id_).body
