"""Random conversations as chat completions: legal for OpenAI, nothing lost or moved, the same after a second round."""

from __future__ import annotations

import json
import re
from itertools import count
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.openai_chat.body import ChatCompletionBody
from flask_headrace.blueprints.openai_chat.request import to_chat_request
from flask_headrace.providers.chat_request import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
)
from flask_headrace.providers.openai.chat_request_body import build_body

KINDS = ("text", "image", "document", "note", "audio")


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Draw a conversation in which each text, picture and call has a number of its own."""
    numbers = count()

    def part(kind: str) -> Part:
        number = f"<{next(numbers)}>"
        match kind:
            case "text":
                return TextPart(number)
            case "image":
                return ImagePart(f"https://x/{number}")
            case "document":
                return FilePart(f"data:application/pdf;{number};base64,JQ==", draw(st.sampled_from([None, "a.pdf"])))
            case "note":
                return FilePart(f"data:text/plain,{number}", draw(st.sampled_from([None, "a.txt"])))
            case _:
                return AudioPart(number, "wav")

    def parts() -> tuple[Part, ...]:
        return tuple([part(kind) for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))])

    def answer() -> Message:
        reasoning = [ReasoningPart(f"<{next(numbers)}>") for _ in range(draw(st.integers(0, 2)))]
        text = [part("text")] if draw(st.booleans()) else []
        tails = draw(st.lists(st.sampled_from(["", "x" * 60]), max_size=2))
        calls = [ToolCall(f"<{next(numbers)}>{tail}", "f") for tail in tails]
        return Message("assistant", (*reasoning, *text), tool_calls=tuple(calls))

    messages: list[Message] = []
    for _ in range(draw(st.integers(1, 4))):
        messages.append(Message(draw(st.sampled_from(["system", "user"])), parts()))
        answers = [answer() for _ in range(draw(st.integers(1, 2)))]
        if len(answers) > 1 and not answers[0].tool_calls:
            answers.pop()
        results = [Message("tool", parts(), tool_call_id=call.id) for each in answers for call in each.tool_calls]
        said = [Message("user", parts()) for _ in range(draw(st.integers(0, 2)))] if results else []
        messages += [*answers, *draw(st.permutations([*results, *said]))]
    return tuple(messages)


def built(messages: tuple[Message, ...], *, is_official: bool) -> list[Any]:
    body = build_body(ChatRequest("m", messages), is_official=is_official)
    return json.loads(msgspec.json.encode(body))["messages"]


def found(value: Any) -> list[str]:
    return re.findall(r"<\d+>", json.dumps(value))


def of_role(messages: list[Any], role: str) -> list[str]:
    return [number for message in messages if message["role"] == role for number in found(message["content"])]


@settings(max_examples=200)
@given(conversations(), st.booleans())
def test_are_legal(messages: tuple[Message, ...], is_official: bool) -> None:
    turns = built(messages, is_official=is_official)
    waiting: set[str] = set()
    for turn in turns:
        assert (turn["role"] == "tool") == bool(waiting)
        if turn["role"] == "tool":
            assert isinstance(turn["content"], str)
            waiting.remove(turn["tool_call_id"])
        calls = turn.get("tool_calls", ())
        waiting |= {call["id"] for call in calls}
        assert calls or turn["content"] not in ([], None)
        assert not is_official or not any(len(call["id"]) > 40 for call in calls)
    assert not waiting


@settings(max_examples=200)
@given(conversations())
def test_lose_nothing_and_keep_its_order(messages: tuple[Message, ...]) -> None:
    turns = built(messages, is_official=False)
    sent = [json.loads(msgspec.json.encode(message)) for message in messages]
    everything = re.sub(r"\[From the result of the tool call .*?:\]", "", json.dumps(turns))
    for number in set(found(sent)):
        is_call = any(call.id.startswith(number) for message in messages for call in message.tool_calls)
        assert everything.count(number) == (2 if is_call else 1)
    for role in ("system", "user"):
        numbers = [number for number in of_role(turns, role) if number in of_role(sent, role)]
        assert numbers == of_role(sent, role)


@settings(max_examples=200)
@given(conversations())
def test_are_the_same_after_a_second_round(messages: tuple[Message, ...]) -> None:
    turns = built(messages, is_official=False)
    fields = {"messages": turns}
    read = to_chat_request(msgspec.convert(fields, ChatCompletionBody), fields)
    assert built(read.messages, is_official=False) == turns
