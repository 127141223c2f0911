"""The body of `useChat` as a `ChatRequest`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.ai_sdk.chat_body import read_chat_body
from flask_headrace.blueprints.ai_sdk.chat_request import to_chat_request
from flask_headrace.core.errors import InvalidRequest
from flask_headrace.providers.chat_request import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
)

HI = {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
STEP = {"type": "step-start"}


def chat_request(*messages: dict[str, Any], **fields: Any) -> ChatRequest:
    return to_chat_request(read_chat_body({"id": "chat", "messages": list(messages), **fields}))


def user(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts), **fields}


def assistant(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "parts": list(parts), **fields}


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content, "state": "done"}


def call(state: str = "output-available", *, id: str = "c1", **fields: Any) -> dict[str, Any]:  # noqa: A002
    return {"type": "tool-find", "toolCallId": id, "state": state, "input": {"q": 1}, **fields}


class TestParts:
    def test_of_text_become_text(self) -> None:
        messages = chat_request({"role": "system", "parts": [text("Be "), text("kind.")]}, HI).messages
        assert messages == (Message("system", "Be kind."), Message("user", "hi"))

    def test_with_a_picture_stay_in_their_order(self) -> None:
        picture = {"type": "file", "mediaType": "image/png", "url": "https://a/b.png", "filename": "b.png"}
        (message,) = chat_request(user(picture, text("What is it?"))).messages
        assert message.content == (ImagePart("https://a/b.png"), TextPart("What is it?"))

    @pytest.mark.parametrize(
        ("file", "part"),
        [
            ({"mediaType": "image", "url": "https://a/b.png"}, ImagePart("https://a/b.png")),
            ({"mediaType": "text/csv", "url": "data:text/csv;base64,w7YsMQ=="}, TextPart("ö,1")),
        ],
    )
    def test_of_files_are_pictures_and_texts(self, file: dict[str, str], part: ImagePart | TextPart) -> None:
        (message,) = chat_request(user({"type": "file", **file}, text("Read it."))).messages
        assert message.content == (part, TextPart("Read it."))

    @pytest.mark.parametrize("parts", [[], [text("")], [{"type": "data-x", "data": 1}]])
    def test_of_a_user_that_say_nothing_are_an_empty_text(self, parts: list[dict[str, Any]]) -> None:
        assert chat_request(user(*parts)).messages == (Message("user", ""),)

    def test_that_are_for_the_page_are_left_out(self) -> None:
        for_the_page = [{"type": kind, "data": {}} for kind in ("source-url", "source-document", "data-weather")]
        messages = chat_request(HI, assistant(STEP, *for_the_page, text("So."), text(""))).messages
        assert messages[1] == Message("assistant", (TextPart("So."),))

    def test_of_a_message_with_nothing_for_the_model_make_no_turn(self) -> None:
        assert len(chat_request(HI, assistant(STEP, {"type": "data-x", "data": 1}), HI).messages) == 2

    def test_of_earlier_steps_are_valid_after_a_restart(self) -> None:
        restart = {"type": "data-restart", "data": {"reason": "upstream_broken", "model": "acme/big"}}
        void = [STEP, text("wrong"), restart, STEP, text("wrong again"), restart]
        parts = [STEP, text("Let me see."), call(output="deep"), *void, STEP, text("right")]
        _, request, answered, answer = chat_request(HI, assistant(*parts)).messages
        assert (request.text(), answered.content, answer.text()) == ("Let me see.", "deep", "right")

    def test_of_earlier_steps_are_void_after_a_replay(self) -> None:
        replayed = {"type": "data-restart", "data": {"reason": "resumed", "model": "acme/tiny"}}
        parts = [STEP, text("Let me see."), call(output="deep"), replayed, STEP, text("right")]
        assert [message.text() for message in chat_request(HI, assistant(*parts)).messages] == ["hi", "right"]

    @pytest.mark.parametrize("data", [{}, None, "x", {"reason": 1}])
    def test_before_a_restart_of_any_data_are_void(self, data: Any) -> None:
        parts = [STEP, text("wrong"), {"type": "data-restart", "data": data}, STEP, text("right")]
        assert [message.text() for message in chat_request(HI, assistant(*parts)).messages] == ["hi", "right"]

    def test_before_a_restart_are_void(self) -> None:
        void = [STEP, text("wrong"), call("input-available"), {"type": "data-restart", "data": {}}]
        messages = chat_request(HI, assistant(*void, STEP, text("right")), HI).messages
        assert messages[1] == Message("assistant", (TextPart("right"),))

    @pytest.mark.parametrize(
        ("known", "part"),
        [
            ({"anthropic": {"signature": "s"}}, ReasoningPart("hm", "s")),
            ({"anthropic": {"redactedData": "r"}}, ReasoningPart("", "r", is_redacted=True)),
            ({"openai": {"itemId": "i"}}, ReasoningPart("hm")),
            ({"anthropic": {"signature": 1}}, ReasoningPart("hm")),
            (None, ReasoningPart("hm")),
        ],
    )
    def test_of_reasoning_keep_what_their_provider_knows_them_by(self, known: Any, part: ReasoningPart) -> None:
        thought = {"type": "reasoning", "text": "hm", "providerMetadata": known}
        assert chat_request(HI, assistant(STEP, thought)).messages[1].content == (part,)


class TestConversation:
    ANSWERS = (assistant(text("one"), id="a1"), {**HI, "id": "u2"}, assistant(text("two"), id="a2"))

    @pytest.mark.parametrize(
        ("fields", "left"),
        [
            ({"trigger": "submit-message", "messageId": "a1"}, 4),
            ({"trigger": "regenerate-message", "messageId": "a2"}, 3),
            ({"trigger": "regenerate-message", "messageId": "a1"}, 1),
            ({"trigger": "regenerate-message", "messageId": "u2"}, 3),
            ({"trigger": "regenerate-message", "messageId": "gone"}, 4),
            ({"trigger": "regenerate-message"}, 4),
        ],
    )
    def test_ends_before_the_answer_that_is_to_be_replaced(self, fields: dict[str, Any], left: int) -> None:
        assert len(chat_request(HI, *self.ANSWERS, **fields).messages) == left

    def test_may_be_a_single_message(self) -> None:
        assert to_chat_request(read_chat_body({"id": "chat", "message": HI})).messages == (Message("user", "hi"),)

    def test_of_no_messages_is_empty_whatever_the_system_prompt(self) -> None:
        assert chat_request(system="Be kind.").messages == ()


class TestSettings:
    def test_have_the_names_of_the_native_protocol(self) -> None:
        settings = {
            "max_tokens": 7,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 5,
            "stop": ["END"],
            "seed": 1,
            "frequency_penalty": 0.1,
            "presence_penalty": 0.2,
            "tools": [{"name": "find"}],
            "tool_choice": {"name": "find"},
            "parallel_tool_calls": False,
            "reasoning_effort": "low",
            "thinking": {"type": "enabled"},
        }
        request = chat_request(HI, system="Be kind.", schema={"type": "object"}, **settings)
        assert request.messages[0] == Message("system", "Be kind.")
        assert request.response_format == ResponseFormat({"type": "object"})
        assert (request.tools, request.tool_choice, request.stop) == ((Tool("find"),), NamedTool("find"), ("END",))
        plain = settings.keys() - {"tools", "tool_choice", "stop"}
        assert {name: getattr(request, name) for name in plain} == {name: settings[name] for name in plain}

    def test_of_the_applications_own_are_left_alone(self) -> None:
        assert chat_request(HI, sessionId="s", user={"name": "x"}, metadata={}) == chat_request(HI)


class TestRefused:
    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({}, "`messages` or, for a single one, `message`"),
            ({"messages": [HI], "message": HI}, "`messages` or, for a single one, `message`"),
            ({"messages": [HI], "topP": 0.5}, "The body has topP: rename it to top_p."),
            ({"messages": [HI], "reasoningEffort": "low"}, "rename it to reasoning_effort."),
            ({"messages": [HI], "stopSequences": ["x"]}, "rename it to stop."),
            ({"messages": [user({"type": "audio"})]}, r"messages\[0\]\.parts\[0\] is of the type 'audio'"),
            ({"messages": [user({"type": "file", "mediaType": "text/csv", "url": "data:"})]}, "must be an image"),
            ({"messages": [HI, assistant(STEP, call("input-available"))]}, r"messages\[1\]\.parts\[1\] calls 'find'"),
            (
                {"messages": [user({"type": "file", "mediaType": "image/png"})]},
                r"parts\[0\] .* without a url",
            ),
            ({"messages": [HI, assistant(call(id=""))]}, "without `toolCallId`"),
            ({"messages": [HI, assistant({**call(), "type": "dynamic-tool"})]}, "a tool call without a name"),
        ],
    )
    def test_is_what_cannot_be_passed_on(self, fields: dict[str, Any], says: str) -> None:
        with pytest.raises(InvalidRequest, match=says):
            to_chat_request(read_chat_body(fields))

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"messages": [{"role": "user", "content": "hi"}]}, "parts"),
            ({"messages": [{"role": "tool", "parts": []}]}, r"messages\[0\]\.role"),
            ({"messages": [HI], "trigger": "resume"}, "trigger"),
            ({"messages": [HI], "max_tokens": "7"}, "max_tokens"),
        ],
    )
    def test_is_what_has_another_form(self, fields: dict[str, Any], says: str) -> None:
        with pytest.raises(msgspec.ValidationError, match=says):
            read_chat_body(fields)
