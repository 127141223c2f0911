"""What a server of the Responses API would refuse, of other providers' or stopped answers, is left out or replaced."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.core.reasoning_signature import sign_as_openai
from flask_headrace.providers.chat_request import ChatRequest, Message, ReasoningPart, TextPart, ToolCall
from flask_headrace.providers.openai.responses_accepted_items import MAX_CALL_ID_CHARS, accepted_items
from flask_headrace.providers.openai.responses_request_body import build_body
from tests.support.upstream import anthropic_wire

USER = {"role": "user", "content": "q"}
SAID = {"type": "message", "id": "msg_0a4c81d7", "role": "assistant", "content": []}
LONG = "x" * 65


def thought(**fields: Any) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_0a4c81d7", "summary": [], **fields}


SIGNED = thought(encrypted_content="gAAAAABo")


def call(id: str = "a") -> dict[str, Any]:  # noqa: A002
    return {"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"}


def output(id: str = "a") -> dict[str, Any]:  # noqa: A002
    return {"type": "function_call_output", "call_id": id, "output": "1"}


def official(*items: dict[str, Any]) -> list[dict[str, Any]]:
    return accepted_items(items, is_official=True)


def other(*items: dict[str, Any]) -> list[dict[str, Any]]:
    return accepted_items(items, is_official=False)


@pytest.mark.parametrize(
    "items",
    [
        [USER, SIGNED, SAID, USER],
        [USER, SIGNED, SIGNED, call(), output()],
        [USER, thought(), SAID],
        [USER, SIGNED, {"type": "web_search_call", "id": "ws_0a4c81d7"}, SAID],
        [{"type": "item_reference", "id": "rs_x_0"}, USER],
    ],
)
def test_what_openai_has_answered_stays_as_it_is(items: list[dict[str, Any]]) -> None:
    assert official(*items) == other(*items) == items


class TestReasoning:
    @pytest.mark.parametrize("content", [anthropic_wire.SIGNATURE, f"redacted:{anthropic_wire.SIGNATURE}"])
    def test_that_anthropic_has_signed_is_left_out(self, content: str) -> None:
        items = [USER, thought(encrypted_content=content), SAID]
        assert official(*items) == other(*items) == [USER, SAID]

    @pytest.mark.parametrize("fields", [{"id": "rs_abc_0"}, {"id": None}])
    def test_that_openai_cannot_know_is_left_out_for_openai_alone(self, fields: dict[str, Any]) -> None:
        items = [USER, thought(content=[{"type": "reasoning_text", "text": "hm"}], **fields), SAID]
        assert official(*items) == [USER, SAID]
        assert other(*items) == items

    @pytest.mark.parametrize(
        "items", [[USER, SIGNED], [USER, SIGNED, USER], [call(), SIGNED, output()], [call(), output(), SIGNED, USER]]
    )
    def test_that_nothing_follows_is_left_out_for_openai_alone(self, items: list[dict[str, Any]]) -> None:
        assert official(*items) == [item for item in items if item is not SIGNED]
        assert other(*items) == items

    def test_of_a_stopped_answer_is_left_out_for_clients_of_other_apis(self) -> None:
        reasoning = ReasoningPart("hm", sign_as_openai("ENC"))
        turns = (Message("user", "q"), Message("assistant", (TextPart("a"), reasoning)), Message("user", "r"))
        assert [item["role"] for item in build_body(ChatRequest("m", turns))["input"]] == ["user", "assistant", "user"]


class TestIds:
    def test_of_calls_are_never_too_long(self) -> None:
        for items in (official(call(LONG), output(LONG)), other(call(LONG), output(LONG))):
            called, returned = items
            assert called["call_id"] == returned["call_id"]
            assert len(called["call_id"]) <= MAX_CALL_ID_CHARS
        assert official(call(LONG + "y"))[0]["call_id"] != official(call(LONG))[0]["call_id"]

    def test_of_calls_are_never_too_long_for_clients_of_other_apis(self) -> None:
        turns = (Message("assistant", "", (ToolCall(LONG, "f"),)), Message("tool", "1", tool_call_id=LONG))
        called, returned = build_body(ChatRequest("m", turns))["input"]
        assert called["call_id"] == returned["call_id"]
        assert len(called["call_id"]) <= MAX_CALL_ID_CHARS

    def test_of_items_that_this_service_has_made_are_left_out_for_openai(self) -> None:
        items = [{**SAID, "id": "msg_abc_0"}, {**call(), "id": "fc_abc_12"}]
        assert official(*items) == [{name: value for name, value in item.items() if name != "id"} for item in items]
        assert other(*items) == items
