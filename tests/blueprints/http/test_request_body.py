"""Bodies that are invalid at every endpoint: each endpoint sends the same message in its protocol's form."""

from __future__ import annotations

import json

import pytest

from tests.support.reader import QUESTION, Answer, send
from tests.support.service import Service
from tests.support.upstream import Upstream

CONVERSATION = {"messages": QUESTION}
UI_CHAT = {"messages": [{"id": "m", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]}
PROMPT = {"prompt": "hi"}

NATIVE = {"/api/chat": CONVERSATION}
OPENAI = {"/v1/chat/completions": CONVERSATION}
ANTHROPIC = {"/v1/messages": CONVERSATION | {"max_tokens": 9}, "/v1/messages/count_tokens": CONVERSATION}
AI_SDK = {
    "/ai/chat": UI_CHAT,
    "/ai/v4/chat": CONVERSATION,
    "/ai/completion": PROMPT,
    "/ai/v4/completion": PROMPT,
    "/ai/object": PROMPT,
    "/ai/text": PROMPT,
}
ENDPOINTS = NATIVE | OPENAI | ANTHROPIC | AI_SDK


def message_of(path: str, answer: Answer) -> str:
    """Return the message of an error response in the form of the endpoint's protocol."""
    if path in AI_SDK:
        return answer.body.decode()
    if path in ANTHROPIC:
        assert (answer.json["type"], answer.error["type"]) == ("error", "invalid_request_error")
    else:
        assert answer.error["code"] == "invalid_request"
    message: str = answer.error["message"]
    return message


@pytest.mark.parametrize("path", ENDPOINTS)
class TestABody:
    @pytest.mark.parametrize("half", [r"\ud800", r"\uDC00", r"\ud83c!", r"\ud83c\n 0123456789"])
    def test_with_half_a_character_is_told_which_half_and_where(self, service: Service, path: str, half: str) -> None:
        whole = json.dumps(ENDPOINTS[path])
        place = whole.index("hi") + 2
        answer = send(service.url + path, whole.replace("hi", "hi" + half).encode())
        assert answer.status == 400
        assert message_of(path, answer) == (
            f"The body holds {half[:6]} (byte {place}), half a surrogate pair: send whole characters, and cut text "
            "only between them."
        )

    @pytest.mark.parametrize("cut", ["", "\\", r"\u", r"\udf"])
    def test_that_ends_in_a_character_is_no_json(self, service: Service, path: str, cut: str) -> None:
        answer = send(service.url + path, (r'{"messages": "\ud83c' + cut).encode())
        assert answer.status == 400
        assert message_of(path, answer) == "The body is not JSON: Input data was truncated."

    def test_that_is_empty_is_told_so(self, service: Service, path: str) -> None:
        answer = send(service.url + path, b"")
        assert answer.status == 400
        assert message_of(path, answer) == "The body is empty, which is not JSON: send an object."

    def test_with_escapes_that_only_look_like_it_is_read(self, service: Service, path: str) -> None:
        body = json.dumps(ENDPOINTS[path] | {"model": 5}).replace("hi", r"\ud83c\udf0a \\ud800")
        answer = send(service.url + path, body.encode())
        assert answer.status == 400
        assert "got `int` - at `model`" in message_of(path, answer)

    @pytest.mark.parametrize("model", ["", " ", "\t\n"])
    def test_with_an_empty_name_for_a_model_is_told_what_to_send(
        self, service: Service, upstream: Upstream, path: str, model: str
    ) -> None:
        asked_before = len(upstream.requests())
        answer = send(service.url + path, ENDPOINTS[path] | {"model": model})
        assert answer.status == 400
        assert message_of(path, answer) == (
            f"model is {model!r}: name a model as provider/name, or omit model for the default."
        )
        assert len(upstream.requests()) == asked_before
