"""The messages of the AI SDK 3.4 to 4.3 as messages of a `ChatRequest`."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.ai_sdk.tool_parts import UNANSWERED_RESULT
from flask_headrace.blueprints.ai_sdk.v4_body import V4Message
from flask_headrace.blueprints.ai_sdk.v4_request import to_messages
from flask_headrace.core.errors import InvalidRequest
from flask_headrace.providers.chat_request import ImagePart, Message, ReasoningPart, TextPart, ToolCall

USER = {"role": "user", "content": "hi", "parts": [{"type": "text", "text": "hi"}]}
ASKED = Message("user", "hi")


def converted(*posted: dict[str, Any]) -> tuple[Message, ...]:
    return to_messages(msgspec.convert(posted, tuple[V4Message, ...]))


def call(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "state": "result", "toolCallId": f"c{number}", "toolName": "find", "args": {"q": number}, "result": "found",
        **fields,
    }  # fmt: skip


def calling(number: int, **fields: Any) -> dict[str, Any]:
    return {"type": "tool-invocation", "toolInvocation": call(number, **fields)}


def called(*numbers: int, content: tuple[Any, ...] = ()) -> Message:
    return Message("assistant", content, tuple(ToolCall(f"c{n}", "find", {"q": n}) for n in numbers))


def result(number: int, text: str = "found") -> Message:
    return Message("tool", text, tool_call_id=f"c{number}")


class TestText:
    @pytest.mark.parametrize("posted", [{"role": "user", "content": "hi"}, USER, {**USER, "parts": []}])
    def test_is_the_same_with_parts_and_without(self, posted: dict[str, Any]) -> None:
        assert converted(posted) == (ASKED,)

    def test_of_all_roles_is_told_apart(self) -> None:
        messages = converted(
            {"role": "system", "content": "Be brief."}, USER, {"role": "assistant", "content": "Yes?"}, USER
        )
        assert messages == (Message("system", "Be brief."), ASKED, Message("assistant", (TextPart("Yes?"),)), ASKED)

    def test_that_is_for_the_page_alone_is_left_out(self) -> None:
        kept = {
            "id": "m1",
            "createdAt": "2026-01-01",
            "annotations": [{"usage": {}}],
            "data": {"a": 1},
            "reasoning": "x",
        }
        noted = {"role": "data", "content": "for the page"}
        source = {"type": "source", "source": {"url": "https://a.example"}}
        answer = {"role": "assistant", "content": "", "parts": [{"type": "step-start"}, source]}
        assert converted({**USER, **kept}, noted, answer, USER) == (ASKED, ASKED)

    @pytest.mark.parametrize(
        ("posted", "says"),
        [
            ({"role": "tool", "content": "x"}, "Invalid enum value 'tool'"),
            ({"role": "user", "contents": "x"}, "contents"),
            ({"role": "user", "content": "", "parts": [{"type": "tool-find"}]}, "tool-find"),
        ],
    )
    def test_of_an_unknown_form_is_refused_by_its_place(self, posted: dict[str, Any], says: str) -> None:
        with pytest.raises(msgspec.ValidationError, match=says):
            converted(posted)


class TestToolCalls:
    def test_without_parts_stand_before_their_results(self) -> None:
        posted = {"role": "assistant", "content": "Well.", "toolInvocations": [call(1), call(2)]}
        assert converted(USER, posted) == (ASKED, called(1, 2, content=(TextPart("Well."),)), result(1), result(2))

    def test_are_told_apart_by_their_steps(self) -> None:
        posted = {"role": "assistant", "content": "", "toolInvocations": [call(1, step=0), call(2, step=1)]}
        assert converted(posted) == (called(1), result(1), called(2), result(2))

    def test_among_the_parts_end_a_step(self) -> None:
        parts = [calling(1, step=0), {"type": "text", "text": "And now"}, calling(2, step=1), calling(3, step=1)]
        posted = {"role": "assistant", "content": "And now", "parts": parts, "toolInvocations": [call(1)]}
        second = called(2, 3, content=(TextPart("And now"),))
        assert converted(posted) == (called(1), result(1), second, result(2), result(3))

    @pytest.mark.parametrize(
        ("returned", "text"), [("found", "found"), ({"a": [1, "ö"]}, '{"a":[1,"ö"]}'), (None, "null"), (3, "3")]
    )
    def test_return_text_as_it_is_and_all_else_as_json(self, returned: Any, text: str) -> None:
        posted = {"role": "assistant", "content": "", "toolInvocations": [call(1, result=returned)]}
        assert converted(posted)[-1] == result(1, text)

    def test_that_were_cut_off_were_never_made(self) -> None:
        cut = call(1, state="partial-call", args='{"q"')
        del cut["result"]
        assert converted(USER, {"role": "assistant", "content": "", "toolInvocations": [cut]}, USER) == (ASKED, ASKED)

    def test_that_nobody_answered_are_told_so(self) -> None:
        open_call = call(1, state="call")
        del open_call["result"]
        _, answer, _ = converted({"role": "assistant", "content": "", "toolInvocations": [open_call]}, USER)
        assert answer == Message("tool", UNANSWERED_RESULT, tool_call_id="c1", is_error=True)

    def test_in_the_last_message_must_be_answered(self) -> None:
        open_call = call(1, state="call")
        del open_call["result"]
        with pytest.raises(InvalidRequest, match=r"messages\[1\] has a call of 'find' without a result"):
            converted(USER, {"role": "assistant", "content": "", "toolInvocations": [open_call]})


class TestThoughts:
    def test_keep_what_their_provider_knows_them_by(self) -> None:
        details = [{"type": "text", "text": "hm", "signature": "s"}, {"type": "redacted", "data": "secret"}]
        part = {"type": "reasoning", "reasoning": "hm", "details": details}
        assert converted({"role": "assistant", "content": "", "parts": [part]})[0].parts() == (
            ReasoningPart("hm", "s"),
            ReasoningPart("", "secret", is_redacted=True),
        )

    def test_without_details_are_text(self) -> None:
        posted = {"role": "assistant", "content": "", "parts": [{"type": "reasoning", "reasoning": "hm"}]}
        assert converted(posted)[0].parts() == (ReasoningPart("hm"),)


class TestFiles:
    def attached(self, **attachment: Any) -> tuple[Any, ...]:
        return converted({**USER, "experimental_attachments": [attachment]})[0].parts()

    @pytest.mark.parametrize(
        "attachment",
        [
            {"url": "https://a.example/mill", "contentType": "image/png", "name": "mill"},
            {"url": "data:image/png;base64,AAAA"},
        ],
    )
    def test_that_are_pictures_are_passed_on(self, attachment: dict[str, str]) -> None:
        assert self.attached(**attachment) == (TextPart("hi"), ImagePart(attachment["url"]))

    def test_among_the_parts_are_pictures_too(self) -> None:
        part = {"type": "file", "mimeType": "image/png", "data": "AAAA"}
        assert converted({**USER, "parts": [part]})[0].parts() == (ImagePart("data:image/png;base64,AAAA"),)

    def test_of_text_are_read(self) -> None:
        url = "data:text/csv;base64," + base64.b64encode("a,ö".encode()).decode()
        assert self.attached(url=url, contentType="text/csv") == (TextPart("hia,ö"),)

    @pytest.mark.parametrize(
        "attachment",
        [
            {"url": "https://a.example/mill"},
            {"url": "https://a.example/a.txt", "contentType": "text/plain"},
            {"url": "data:text/plain;base64,/w=="},
            {"url": "data:text/plain;base64,%%%"},
            {"url": "data:application/pdf;base64,AAAA"},
        ],
    )
    def test_of_other_types_are_refused_by_their_place(self, attachment: dict[str, str]) -> None:
        with pytest.raises(
            InvalidRequest, match=r"^messages\[0\]\.experimental_attachments\[0\] is a file of the type"
        ):
            self.attached(**attachment)
