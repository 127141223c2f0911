"""Each client reads any sequence of events that a stream can have, without a loss of text."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.ai_sdk.data_stream_v1_encoder import DataStreamV1Encoder
from flask_headrace.blueprints.ai_sdk.text_encoder import PlainTextEncoder
from flask_headrace.blueprints.ai_sdk.ui_frames import FINISH_REASONS
from flask_headrace.blueprints.ai_sdk.v4_body import V4Message
from flask_headrace.blueprints.ai_sdk.v4_request import to_messages
from flask_headrace.core.answer import CollectedAnswer, ReasoningBlock
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    Failed,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallStarted,
    Usage,
)
from tests.clients.ai_data.node import Node
from tests.clients.ai_data.sequences import SHOWN, THOUGHTS, answers, expected, write

CALL_THEN_TEXT = [
    ToolCallStarted(0, "call_0", "find"),
    AnswerRestarted("busy", "acme/big"),
    TextDelta("ok"),
    Completed("stop"),
]
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(readers: dict[str, Node], todo: str, written: bytes, **options: Any) -> dict[str, dict[str, Any]]:
    """Let all versions read the same bytes concurrently."""
    given_bytes = base64.b64encode(written).decode()
    tasks = {name: reader.begin(todo, bytes=given_bytes, **options) for name, reader in readers.items()}
    return {name: task.result(20) for name, task in tasks.items()}


@FEW
@given(batches=answers(), size=st.integers(1, 9))
def test_every_answer_is_read_as_a_data_stream(readers: dict[str, Node], batches: list[list[Event]], size: int) -> None:
    written, _ = write(DataStreamV1Encoder(), batches)
    wanted = expected(batches)
    for result in read(readers, "chat", written, size=size).values():
        assert result["content"] == wanted.text
        assert [_named(call) for call in result["calls"] if call["state"] != "partial-call"] == wanted.calls
        assert (result["finish"] or {}).get("finishReason") == FINISH_REASONS.get(wanted.reason)
        assert (result["error"] is None) == (wanted.reason is not None)


SIGNED_THEN_ANEW = [
    ReasoningSignature("abc"),
    AnswerRestarted("busy", "acme/big"),
    Usage(1, 1),
    Failed("x", "No.", False),
]


@FEW
@given(batches=answers(), size=st.integers(1, 9))
@example(batches=[SIGNED_THEN_ANEW], size=1)
def test_every_answer_is_read_with_its_reasoning(
    readers: dict[str, Node], batches: list[list[Event]], size: int
) -> None:
    written, is_broken = write(DataStreamV1Encoder(has_reasoning=True), batches)
    wanted = expected(batches, (*SHOWN, *THOUGHTS))
    result = read({"4.3": readers["4.3"]}, "chat", written, size=size)["4.3"]
    assert result["message"].get("content", "") == wanted.text
    assert (result["finish"] or {}).get("finishReason") == FINISH_REASONS.get(wanted.reason)
    assert (result["error"] is None) == (wanted.reason is not None)
    parts = [part for part in result["message"].get("parts", []) if part["type"] == "reasoning"]
    # The client shows a signature with the next part. Usage comes at the end of every answer of the service, except one
    # that must break off since it restarts.
    if not is_broken and any(isinstance(event, Usage) for batch in batches for event in batch):
        assert [_run(detail) for part in parts for detail in part["details"]] == runs(batches)


SIGNED_ALONE = [ReasoningSignature("abc"), TextDelta("ok"), Completed("stop")]
SIGNED_TWICE = [ReasoningDelta("a"), ReasoningSignature("1"), ReasoningDelta("b"), ReasoningSignature("2")]


@pytest.mark.parametrize("events", [SIGNED_ALONE, [*SIGNED_TWICE, *SIGNED_ALONE]])
def test_every_signature_goes_back_with_its_own_reasoning(readers: dict[str, Node], events: list[Event]) -> None:
    written, _ = write(DataStreamV1Encoder(has_reasoning=True), [events])
    message = read({"4.3": readers["4.3"]}, "chat", written)["4.3"]["message"]
    (sent_back,) = to_messages([msgspec.convert(message, V4Message)])
    parts = [(part.text, part.signature, part.is_redacted) for part in sent_back.parts() if hasattr(part, "signature")]
    assert parts == runs([events])


@FEW
@given(batches=answers(), size=st.integers(1, 9))
def test_every_answer_is_read_as_a_completion(readers: dict[str, Node], batches: list[list[Event]], size: int) -> None:
    written, is_broken = write(DataStreamV1Encoder(aborts_on_failure=True), batches)
    wanted = expected(batches)
    for result in read(readers, "completion", written, size=size, isBroken=is_broken).values():
        assert result["text"] == wanted.text
        assert result["finished"] == (None if wanted.reason is None else wanted.text)


@FEW
@given(batches=answers(), size=st.integers(1, 9))
@example(batches=[CALL_THEN_TEXT], size=1)
def test_every_answer_is_read_as_text(readers: dict[str, Node], batches: list[list[Event]], size: int) -> None:
    written, is_broken = write(PlainTextEncoder(), batches)
    wanted = expected(batches, (TextDelta,))
    options = {"size": size, "isBroken": is_broken, "streamProtocol": "text"}
    for result in read(readers, "completion", written, **options).values():
        assert result["finished"] == (None if is_broken else wanted.text)
        if not is_broken:
            assert result["text"] == wanted.text


def runs(batches: list[list[Event]]) -> list[tuple[str, str | None, bool]]:
    """Return the text and the signature of each run of reasoning, and whether it is redacted."""
    answer, has_begun = CollectedAnswer(), False
    for event in [event for batch in batches for event in batch]:
        if isinstance(event, AnswerRestarted) and has_begun:
            break
        has_begun = has_begun or isinstance(event, (*SHOWN, *THOUGHTS))
        answer.add([event])
    return [(run.text, run.signature, run.is_redacted) for run in answer.blocks if isinstance(run, ReasoningBlock)]


def _run(detail: dict[str, Any]) -> tuple[str, str | None, bool]:
    if detail["type"] == "redacted":
        return "", detail["data"], True
    return detail["text"], detail.get("signature"), False


def _named(call: dict[str, Any]) -> dict[str, Any]:
    return {name: call[name] for name in ("toolCallId", "toolName", "args", "result") if name in call}
