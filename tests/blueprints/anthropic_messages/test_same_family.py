"""A Messages API request on its way to Anthropic's API: what is unchanged is sent as it came."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.blueprints.anthropic_messages.body import MessagesBody
from flask_headrace.blueprints.anthropic_messages.request import to_chat_request
from flask_headrace.core.errors import InvalidRequest
from flask_headrace.providers.anthropic.request_body import build_source_body
from flask_headrace.providers.chat_request import ChatRequest, Message, Tool

HI = {"role": "user", "content": "hi"}
TOOL = {"name": "f", "input_schema": {"type": "object"}, "defer_loading": True}
ODD = {"role": "user", "content": [{"type": "text", "text": "a", "odd": 1}, {"type": "odd"}]}


def read(**fields: Any) -> ChatRequest:
    body = {"model": "m", "max_tokens": 9, "messages": [HI], **fields}
    chat_request = to_chat_request(msgspec.json.decode(json.dumps(body), type=MessagesBody), body, {})
    return msgspec.structs.replace(chat_request, model="m")


def sent(request: ChatRequest) -> dict[str, Any]:
    assert request.source is not None
    return build_source_body(request, request.source, keeps_unsigned=True)


class TestWhatAnApplicationChanged:
    def test_in_a_field_is_sent_and_the_others_stay(self) -> None:
        request = read(temperature=0.5, tools=[TOOL], tool_choice={"type": "auto", "odd": 1}, odd=1)
        changed = sent(msgspec.structs.replace(request, temperature=0.7, max_tokens=5))
        assert (changed["temperature"], changed["max_tokens"], changed["odd"]) == (0.7, 5, 1)
        assert (changed["tools"], changed["tool_choice"]) == ([TOOL], {"type": "auto", "odd": 1})
        removed = sent(msgspec.structs.replace(request, temperature=None, tools=(Tool("g"),)))
        assert "temperature" not in removed
        assert [tool["name"] for tool in removed["tools"]] == ["g"]
        assert removed["tool_choice"] == {"type": "auto"}

    def test_in_the_conversation_is_built_and_the_other_turns_stay(self) -> None:
        request = read(messages=[ODD, {"role": "assistant", "content": "b"}, ODD], system="S")
        system, first, answer, last = request.messages
        changed = sent(msgspec.structs.replace(request, messages=(system, first, Message("assistant", "c"), last)))
        assert changed["messages"] == [ODD, {"role": "assistant", "content": "c"}, ODD]
        other = sent(msgspec.structs.replace(request, messages=(Message("system", "T"), first, answer, last)))
        assert (other["system"], other["messages"][0]) == ("T", ODD)
        without = sent(msgspec.structs.replace(request, messages=(first, answer, last)))
        assert "system" not in without

    def test_at_the_end_is_added(self) -> None:
        request = read(messages=[ODD])
        more = (*request.messages, Message("assistant", "So"))
        assert sent(msgspec.structs.replace(request, messages=more))["messages"] == [
            ODD,
            {"role": "assistant", "content": "So"},
        ]


TEXT = st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=3))
ODD_BLOCK = st.just({"type": "odd", "x": [1, None, {"y": "z"}]})
DOCUMENT = st.just({"type": "document", "source": {"type": "text", "data": "x", "odd": 1}, "title": None})
THOUGHT = st.just({"type": "thinking", "thinking": "t", "signature": "s"})


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw turns of a client that Anthropic's API would take, with things that only that API knows."""
    drawn: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 5))):
        drawn.append(
            {"role": "user", "content": draw(st.one_of(st.text(max_size=3), st.lists(TEXT | ODD_BLOCK | DOCUMENT)))}
        )
        answer = draw(st.lists(TEXT | ODD_BLOCK | THOUGHT, max_size=4))
        ids = [f"{number}_{call}" for call in range(draw(st.integers(0, 2)))]
        for id_ in ids:
            call = {"type": "tool_use", "id": id_, "name": "f", "input": {"q": 1}, "caller": {"type": "direct"}}
            answer.insert(draw(st.integers(0, len(answer))), call)
        drawn.append({"role": "assistant", "content": answer, **draw(st.sampled_from([{}, {"odd": None}]))})
        results = [
            {"type": "tool_result", "tool_use_id": id_, "content": draw(st.lists(TEXT | ODD_BLOCK))} for id_ in ids
        ]
        drawn += [{"role": "user", "content": [*results, *draw(st.lists(TEXT, max_size=2))]}] if ids else []
    return drawn


@given(turns(), st.sampled_from([None, "S", [{"type": "text", "text": "S", "odd": 1}]]))
def test_every_conversation_arrives_as_it_came_also_in_the_next_round(messages: list[Any], system: Any) -> None:
    body = sent(read(messages=messages, **({} if system is None else {"system": system})))
    assert (body["messages"], body.get("system")) == (messages, system)
    again = sent(read(messages=[*body["messages"], HI]))
    assert again["messages"] == [*messages, HI]


VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1.5, "", "x", "text", "image", "tool_use", "custom", "file"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "source", "content", "name", "id", "file_id", "input", "tool_use_id", "data"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BLOCKS = st.lists(
    st.dictionaries(st.sampled_from(["type", "text", "source", "content", "name", "data", "url"]), VALUES)
)
FIELDS = st.dictionaries(
    st.sampled_from(["system", "tools", "tool_choice", "thinking", "metadata", "container", "thread", "odd"]), VALUES
)


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), BLOCKS), max_size=3), FIELDS)
def test_no_body_is_worse_than_refused(messages: list[tuple[str, Any]], fields: dict[str, Any]) -> None:
    turns = [{"role": role, "content": content} for role, content in messages]
    with suppress(msgspec.ValidationError, InvalidRequest):
        sent(read(messages=turns, **fields))
