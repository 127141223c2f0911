"""Conversations of clients of other protocols, as Anthropic's API takes them."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.core.errors import InvalidRequest
from flask_headrace.providers.anthropic.request_body import build_body
from flask_headrace.providers.anthropic.turns import OPENING
from flask_headrace.providers.chat_request import (
    ChatRequest,
    CustomTool,
    FilePart,
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCall,
)

HI = Message("user", "hi")
ASKED = {"role": "user", "content": "hi"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "S"}
SIGNED, UNSIGNED = ReasoningPart("hm", "S"), ReasoningPart("hm")


def body(*messages: Message, **fields: Any) -> dict[str, Any]:
    return build_body(ChatRequest("claude-sonnet-4-5", messages, **fields))


def turns(*messages: Message) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(*messages)["messages"]
    return found


def text(content: str) -> dict[str, str]:
    return {"type": "text", "text": content}


def called(*ids: str, content: str | tuple[Any, ...] = "") -> Message:
    return Message("assistant", content, tuple(ToolCall(id_, "f") for id_ in ids))


def returned(id_: str, content: str | tuple[Any, ...] = "1") -> Message:
    return Message("tool", content, tool_call_id=id_)


def use(id_: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": "f", "input": {}}


def result(id_: str, content: Any = "1") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, "content": content}


class TestNothingIsEmpty:
    @pytest.mark.parametrize("content", ["", " \n", (), (TextPart(""), TextPart(" ")), (UNSIGNED,)])
    @pytest.mark.parametrize("role", ["user", "assistant", "system"])
    def test_of_the_turns(self, role: Any, content: Any) -> None:
        assert turns(HI, Message(role, content), Message("user", "x")) == [ASKED, {"role": "user", "content": "x"}]

    def test_of_the_texts(self) -> None:
        answered = called("a", content=(SIGNED, TextPart("")))
        thought = {"type": "thinking", "thinking": "hm", "signature": "S"}
        assert turns(HI, answered, returned("a", (TextPart(""),))) == [
            ASKED,
            {"role": "assistant", "content": [thought, use("a")]},
            {"role": "user", "content": [result("a", [])]},
        ]

    def test_of_the_conversation(self) -> None:
        assert body(Message("system", "s"), Message("developer", "t")) == body(Message("user", "s\n\nt"))
        parts = (TextPart("s", {"type": "ephemeral"}),)
        asked = body(Message("system", parts), Message("user", ""))
        assert ("system" in asked, asked["messages"][0]["content"][0]["text"]) == (False, "s")
        with pytest.raises(InvalidRequest, match="no text: add a user's message"):
            body(Message("user", ""), Message("assistant", " "))


class TestTheFirstTurn:
    @pytest.mark.parametrize("before", [(), (Message("user", " "),), (Message("system", "s"),)])
    def test_is_the_users(self, before: tuple[Message, ...]) -> None:
        assert turns(*before, Message("assistant", "Hello!"), HI) == [
            {"role": "user", "content": OPENING},
            {"role": "assistant", "content": "Hello!"},
            ASKED,
        ]


class TestTheLastTurn:
    @pytest.mark.parametrize("content", ["x \n", (TextPart("x \n"),)])
    def test_of_the_assistant_ends_without_white_space(self, content: Any) -> None:
        last = turns(HI, Message("assistant", content))[-1]["content"]
        assert last == ("x" if isinstance(content, str) else [text("x")])

    def test_of_the_user_stays(self) -> None:
        assert turns(Message("user", "x ")) == [{"role": "user", "content": "x "}]


class TestAnAnswerThatWasStopped:
    def test_in_the_middle_of_a_thought_is_left_out(self) -> None:
        assert turns(HI, Message("assistant", (SIGNED,)), HI) == [ASKED, ASKED]

    def test_behind_its_text_keeps_only_that(self) -> None:
        assert turns(HI, Message("assistant", (SIGNED, TextPart("x"), SIGNED)), HI)[1]["content"] == [
            THOUGHT,
            text("x"),
        ]


class TestResults:
    def test_are_in_one_turn_behind_all_calls(self) -> None:
        calls = [called("a"), called("b", content="and")]
        answered = {"role": "assistant", "content": [use("a"), text("and"), use("b")]}
        results = {"role": "user", "content": [result("a"), result("b")]}
        assert turns(HI, *calls, returned("a"), returned("b")) == [ASKED, answered, results]

    def test_stand_before_what_is_said_between_them(self) -> None:
        said = [Message("user", "note"), returned("a"), Message("system", "mind"), returned("b"), HI]
        assert turns(HI, called("a", "b"), *said)[2:] == [
            {"role": "user", "content": [result("a"), result("b"), text("note"), text("mind"), text("hi")]}
        ]

    def test_may_be_pictures_and_files(self) -> None:
        parts = (ImagePart("data:image/png;base64,AAAA"), FilePart("https://x/y.pdf", "y"))
        content = turns(HI, called("a"), returned("a", parts))[2]["content"][0]["content"]
        assert [block["type"] for block in content] == ["image", "document"]


class TestTheSystem:
    def test_is_the_prompt_at_the_beginning_and_text_in_its_place_later(self) -> None:
        messages = [Message("system", "s"), Message("developer", "t"), HI, Message("developer", "now"), HI]
        asked = body(*messages)
        assert asked["system"] == "s\n\nt"
        assert asked["messages"] == [ASKED, {"role": "user", "content": "now"}, ASKED]


class TestFiles:
    def block(self, url: str, name: str | None = "n") -> Any:
        return turns(Message("user", (FilePart(url, name),)))[0]["content"][0]

    def test_of_text_are_documents_of_text(self) -> None:
        data = base64.b64encode("Füße".encode()).decode()
        source = {"type": "text", "media_type": "text/plain", "data": "Füße"}
        for kind in ("text/plain", "text/markdown;charset=utf-8", "application/json", "application/ld+json"):
            assert self.block(f"data:{kind};base64,{data}") == {"type": "document", "source": source, "title": "n"}

    def test_of_other_kinds_are_data_and_addresses_are_addresses(self) -> None:
        pdf = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
        assert self.block("data:application/pdf;base64,AAAA", None) == {"type": "document", "source": pdf}
        assert self.block("https://x/y")["source"] == {"type": "url", "url": "https://x/y"}
        broken = {"type": "base64", "media_type": "text/plain", "data": "/w=="}
        assert self.block("data:text/plain;base64,/w==")["source"] == broken

    def test_that_are_pictures_are_pictures(self) -> None:
        source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
        assert self.block("data:image/png;base64,AAAA") == {"type": "image", "source": source}


class TestToolsOfFreeText:
    def test_are_functions_of_one_text(self) -> None:
        grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
        tools = (CustomTool("patch", "Edits.", format=grammar), CustomTool("say"), Tool("f"))
        patch, say, plain = body(HI, tools=tools)["tools"]
        assert patch["description"] == "Edits.\n\nThe input must match this lark grammar:\nstart: /.+/"
        assert patch["input_schema"] == say["input_schema"]
        assert list(say["input_schema"]["properties"]) == ["input"]
        assert plain["input_schema"] == {"type": "object"}


class TestAnEffort:
    def test_is_said_in_words_that_the_api_has(self) -> None:
        for asked, sent in (("minimal", {"effort": "low"}), ("high", {"effort": "high"}), ("none", None)):
            request = ChatRequest("claude-opus-4-6", (HI,), reasoning_effort=asked)
            assert build_body(request).get("output_config") == sent

    def test_is_a_budget_for_models_that_take_none(self) -> None:
        for model in (
            "claude-sonnet-4-5",
            "claude-haiku-4-5-20251001",
            "claude-opus-4-1-20250805",
            "claude-3-7-sonnet-latest",
        ):
            asked = build_body(ChatRequest(model, (HI,), reasoning_effort="high"))
            assert "output_config" not in asked
            assert 1024 <= asked["thinking"]["budget_tokens"] < asked["max_tokens"]
        assert "thinking" not in build_body(ChatRequest("claude-3-5-haiku-latest", (HI,), reasoning_effort="high"))

    def test_leaves_room_for_the_answer(self) -> None:
        assert body(HI, reasoning_effort="high", max_tokens=4096)["thinking"]["budget_tokens"] == 3072
        assert "thinking" not in body(HI, reasoning_effort="high", max_tokens=1500)

    @pytest.mark.parametrize(
        "fields",
        [{"temperature": 0.2}, {"top_k": 3}, {"top_p": 0.5}, {"tools": (Tool("f"),), "tool_choice": "required"}],
    )
    def test_is_left_out_where_the_api_does_not_let_the_model_think(self, fields: dict[str, Any]) -> None:
        assert "thinking" not in body(HI, reasoning_effort="low", **fields)

    def test_is_left_out_after_calls_that_were_made_without_thoughts(self) -> None:
        assert "thinking" not in body(HI, called("a"), returned("a"), reasoning_effort="low")
        assert "thinking" in body(HI, called("a", content=(SIGNED,)), returned("a"), reasoning_effort="low")
        assert "thinking" in body(HI, called("a"), returned("a"), HI, reasoning_effort="low")


ROLES = st.sampled_from(["system", "user", "assistant"])
TEXTS = st.sampled_from(["", " ", "x", "y"])
PARTS = st.lists(st.one_of(TEXTS.map(TextPart), st.sampled_from([SIGNED, UNSIGNED])), max_size=3).map(tuple)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Draw a conversation in which every call has its result."""
    messages: list[Message] = []
    for number in range(draw(st.integers(0, 6))):
        ids = [f"{number}.{call}" for call in range(draw(st.integers(0, 2)))]
        if ids:
            messages.append(called(*ids, content=draw(st.one_of(TEXTS, PARTS))))
            for id_ in draw(st.permutations(ids)):
                messages += [Message("system", draw(TEXTS))] if draw(st.booleans()) else []
                messages.append(returned(id_, draw(TEXTS)))
        else:
            role = draw(ROLES)
            messages.append(Message(role, draw(TEXTS if role != "assistant" else st.one_of(TEXTS, PARTS))))
    return (*messages, HI)


@given(conversations())
def test_every_conversation_is_one_that_the_api_takes_and_nothing_is_lost(messages: tuple[Message, ...]) -> None:
    asked = body(*messages)
    sent = asked["messages"]
    waiting: set[str] = set()
    for turn in sent:
        blocks = [text(turn["content"])] if isinstance(turn["content"], str) else turn["content"]
        assert blocks
        assert all(block["text"].strip() for block in blocks if block["type"] == "text")
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert [block["type"] for block in blocks[: len(results)]] == ["tool_result"] * len(results)
        assert set(results) == waiting
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
    assert not waiting
    said = re.sub(r"\s", "", "".join(message.text() for message in messages if message.role != "tool"))
    assert sorted(said) == sorted(re.sub(r"\s", "", _all_texts(asked)))


def _all_texts(asked: dict[str, Any]) -> str:
    found = asked.get("system", "")
    for turn in asked["messages"]:
        content = turn["content"] if turn["content"] != OPENING else ""
        found += content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
    return str(found)


class TestReasoningWithoutASignature:
    def test_is_another_providers_to_anthropic(self) -> None:
        asked = build_body(ChatRequest("claude-x", (HI, Message("assistant", (UNSIGNED, TextPart("x"))), HI)))
        assert asked["messages"][1]["content"] == [text("x")]

    def test_is_also_what_another_provider_has_signed(self) -> None:
        foreign = (ReasoningPart("hm", "openai-responses:gAAAA"), ReasoningPart("", "x:y", is_redacted=True))
        asked = build_body(ChatRequest("claude-x", (HI, Message("assistant", (*foreign, SIGNED, TextPart("x"))), HI)))
        assert asked["messages"][1]["content"] == [THOUGHT, text("x")]

    def test_goes_back_to_servers_that_sign_none(self) -> None:
        request = ChatRequest("kimi", (HI, called("a", content=(UNSIGNED,)), returned("a")))
        thought = {"type": "thinking", "thinking": "hm", "signature": ""}
        assert build_body(request, keeps_unsigned=True)["messages"][1]["content"] == [thought, use("a")]
