"""The frames and whole answers of all encoders, for any sequence of events: /openapi.json describes each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from flask import Flask
from hypothesis import given, note, settings
from hypothesis import strategies as st

from flask_headrace import Headrace
from flask_headrace.blueprints.ai_sdk.ui_completion_encoder import UICompletionEncoder
from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.blueprints.anthropic_messages.encoder import MessagesEncoder
from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.blueprints.native import encoder as native_encoder
from flask_headrace.blueprints.native.document_encoder import NativeDocumentEncoder
from flask_headrace.blueprints.openai_chat.encoder import ChatCompletionEncoder
from flask_headrace.blueprints.openai_responses import encoder as responses_encoder
from flask_headrace.blueprints.openai_responses import tool_names
from flask_headrace.blueprints.openai_responses.frame_types import EVENTS
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.events import Completed, Event
from tests.blueprints.openapi.documented import Document
from tests.support.event_sequences import answers

TOOL = {"type": "function", "name": "find"}
ENCODERS: dict[str, tuple[str, str | None, Callable[[], Any]]] = {  # the names of the frames and of the whole answer
    "native": ("ChatFrame", "ChatAnswer", lambda: native_encoder),
    "native, documents": ("ChatFrame", "ChatAnswer", lambda: NativeDocumentEncoder("all")),
    "native, resumed": ("ChatFrame", None, lambda: NativeDocumentEncoder("calls", seen=3)),
    "chat": ("ChatCompletionFrame", "ChatCompletion", lambda: ChatCompletionEncoder("s1", "a/b", 1)),
    "chat, usage": (
        "ChatCompletionFrame",
        "ChatCompletion",
        lambda: ChatCompletionEncoder("s1", "a/b", 1, has_usage=True, custom_tools=["find"]),
    ),
    "chat, functions": (
        "ChatCompletionFrame",
        "ChatCompletion",
        lambda: ChatCompletionEncoder("s1", "a/b", 1, is_legacy=True),
    ),
    "responses": ("ResponseFrame", "ResponseObject", lambda: responses_encoder.ResponsesEncoder("s1", "a/b", 1)),
    "responses, custom": (
        "ResponseFrame",
        "ResponseObject",
        lambda: responses_encoder.ResponsesEncoder(
            "s1", "a/b", 1, {"tools": [TOOL], tool_names.FIELD: {"custom": ["find"], "qualified": {}}}
        ),
    ),
    "messages": ("AnthropicFrame", "AnthropicMessage", lambda: MessagesEncoder("r1")),
    "AI SDK": ("UIMessageFrame", None, lambda: UIMessageEncoder("m1", is_replay=True)),
    "AI SDK 7": ("UIMessageFrame", None, lambda: UIMessageEncoder("m1", has_reset=True)),
    "AI SDK, completion": ("UIMessageFrame", None, lambda: UICompletionEncoder("m1")),
}


@pytest.fixture(scope="module")
def document() -> Document:
    app = Flask("host")
    Headrace(app)
    return Document(app.test_client().get("/openapi.json").json)


@settings(max_examples=40)
@given(events=answers(), has_ids=st.booleans())
def test_any_answer_is_in_every_protocol_as_the_document_says(
    document: Document, events: list[Event], has_ids: bool
) -> None:
    answer = CollectedAnswer()
    answer.add(events)
    for name, (frames, whole, make) in ENCODERS.items():
        note(f"the encoder: {name}")
        document.check_frames(document.named(frames), written(make(), events, has_ids=has_ids))
        if whole is not None and isinstance(events[-1], Completed):
            document.check_value(document.named(whole), _as_json(make().encode_whole(answer)))


def written(encoder: Any, events: list[Event], *, has_ids: bool) -> bytes:
    sent = b""
    try:
        for number, event in enumerate(events, 1):
            sent += encoder.encode([event], number if has_ids else None, b"-s1") + encoder.encode([])
    except AbortConnection as abort:
        sent += abort.final_bytes
    return sent


def _as_json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_the_responses_api_has_the_events_of_its_encoder() -> None:
    assert tuple(EVENTS) == responses_encoder.EVENT_NAMES
