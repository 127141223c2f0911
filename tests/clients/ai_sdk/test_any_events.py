"""Each version of the AI SDK reads any sequence of events that a stream can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, reject, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.ai_sdk.application_frames import data_object, file_object, source_object
from flask_headrace.blueprints.ai_sdk.chat_body import read_chat_body
from flask_headrace.blueprints.ai_sdk.chat_request import to_chat_request
from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.core.answer import CollectedAnswer, ReasoningBlock, TextBlock, ToolCallBlock
from flask_headrace.core.application_events import ToolProgress, ToolResult
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    Failed,
    ResponseStarted,
    TextDelta,
    ToolCallStarted,
)
from tests.blueprints.ai_sdk.test_ui_application_events import EARLIER, OF_APPROVALS
from tests.blueprints.ai_sdk.test_ui_application_events import GOLDEN as OWN
from tests.blueprints.ai_sdk.test_ui_message_encoder import GOLDEN, values
from tests.clients.ai_sdk.node import Node, text_of, valid_parts
from tests.support.event_sequences import SIZES, answers, batches

STARTED = ResponseStarted("s1", "acme/tiny", "acme")


def expected(events: list[Event]) -> list[tuple[str, Any]]:
    """Return the expected parts: type, and text or arguments; None for an incomplete call."""
    answer = CollectedAnswer()
    answer.add(events)
    shown: dict[str, Any] = {}
    for event in events:
        if isinstance(event, ToolCallStarted):  # after a restart the same number is another call
            shown.pop(f"call_{event.index}", None)
        elif isinstance(event, ToolProgress):
            shown[f"call_{event.index}"] = event.value
    found: list[tuple[str, Any]] = []
    for block in answer.blocks:
        match block:
            case ToolCallBlock(result=None):
                found.append(("tool-find", (block.arguments, shown.get(block.id))))
            case ToolCallBlock():
                found.append(("tool-find", (block.arguments, outcome_of(block.result))))
            case ReasoningBlock():
                found.append(("reasoning", block.text))
            case TextBlock():
                found.append(("text", block.text))
    return found


def shown(message: dict[str, Any], cut: frozenset[str] = frozenset()) -> list[tuple[str, Any]]:
    """Return a message's valid parts in the form of the expected parts; `cut` has the ids of incomplete calls."""
    # Also what is void is closed.
    assert [part for part in message["parts"] if part.get("state") in {"streaming", "input-streaming"}] == []
    found: list[tuple[str, Any]] = []
    for part in valid_parts(message):
        if part["type"].startswith("tool-"):
            is_cut = part["toolCallId"] in cut and part["state"] == "output-error"
            outcome = (None, None) if is_cut else (part["input"], part.get("output", part.get("errorText")))
            found.append((part["type"], outcome))
        elif part["type"] in {"text", "reasoning"}:
            found.append((part["type"], part["text"]))
    return found


def cut_calls(events: list[Event]) -> frozenset[str]:
    """Return the ids of the incomplete calls."""
    answer = CollectedAnswer()
    answer.add(events)
    return frozenset(call.id for call in answer.tool_calls() if call.arguments is None)


def outcome_of(result: ToolResult | None) -> Any:
    """Return what a tool returned, or why it failed; None for neither."""
    return None if result is None else result.result if result.error is None else result.error


def further(message: dict[str, Any]) -> list[Any]:
    """Return what an application has added to a message, beside results of tools."""
    own = [part for part in valid_parts(message) if part["type"].startswith(("source-", "file", "data-"))]
    return [part for part in own if part["type"] != "data-restart"]


def expected_further(events: list[Event]) -> list[Any]:
    """Return the expected parts of sources and files, and the last data of each id."""
    answer = CollectedAnswer()
    answer.add(events)
    objects = [source_object(source) for _, source in answer.sources] + [file_object(file) for file in answer.files]
    return objects + [data_object(data) for data in answer.data()]


@st.composite
def written(draw: st.DrawFn, *, has_reset: bool = False) -> tuple[list[Event], list[bytes]]:
    """Draw an answer and its bytes, with heartbeats, and split at any place."""
    events, encoder = draw(answers()), UIMessageEncoder("m1", has_reset=has_reset)
    try:
        body = b"".join([encoder.encode(batch, 1) for batch in batches(events, draw(SIZES))])
    except AbortConnection:  # it restarts in a later step, which version 7 cannot revoke
        reject()
    # These clients refuse arguments that reach for an object's prototype, whoever sends them.
    assume(b"__proto__" not in body and b"prototype" not in body)
    places = sorted({0, len(body), *draw(st.lists(st.integers(0, len(body)), max_size=6))})
    return events, [body[start:end] for start, end in pairwise(places)]


FEW = settings(  # not shrunk: each try is a round through Node
    max_examples=10, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)


@FEW
@given(st.lists(written(), min_size=6, max_size=10))
def test_is_parsed_and_shows_what_went_in(node: Node, streams: list[tuple[list[Event], list[bytes]]]) -> None:
    check_shown(node, streams)


@FEW
@given(st.lists(written(has_reset=True), min_size=6, max_size=10))
def test_version_7_keeps_nothing_of_what_was_void(
    nodes: Callable[[str], Node], streams: list[tuple[list[Event], list[bytes]]]
) -> None:
    for message in check_shown(nodes("ai7"), streams):
        assert "data-restart" not in [part["type"] for part in message["parts"]]


def sort(part: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(part.items())


def check_shown(node: Node, streams: list[tuple[list[Event], list[bytes]]]) -> list[dict[str, Any]]:
    """Check what the package shows of answers, and return its messages."""
    messages = []
    for (events, _), read in zip(streams, node.read([pieces for _, pieces in streams]), strict=True):
        end = events[-1]
        is_failed = isinstance(end, Failed)
        assert (read["status"], read["error"]) == (("error", end.message) if is_failed else ("ready", None))
        seen = read["messages"][0] if read["messages"] else {"parts": []}
        assert shown(seen, cut_calls(events)) == expected(events)
        assert sorted(map(json.dumps, map(sort, further(seen)))) == sorted(
            map(json.dumps, map(sort, expected_further(events)))
        )
        assert text_of(seen) == "".join(text for kind, text in expected(events) if kind == "text")
        messages.append(seen)
    return messages


def test_version_7_drops_what_it_had_before_a_replay_that_it_appends(nodes: Callable[[str], Node]) -> None:
    cut = UIMessageEncoder("m1", has_reset=True).encode([STARTED, TextDelta("o")])
    replay = UIMessageEncoder("m1", is_replay=True, has_reset=True).encode(
        [STARTED, TextDelta("one"), Completed("stop")]
    )
    (read,) = nodes("ai7").read([[cut, replay]])
    assert shown(read["messages"][0]) == [("text", "one")]


def test_each_frame_is_one_of_the_clients_own_schema(node: Node) -> None:
    has_reset, knows_approvals = node.version == "ai7", node.version != "ai5"
    given_events = [[*before, event] for before, event, _ in [*GOLDEN, *OWN]]
    encoded = [UIMessageEncoder("m1", has_reset=has_reset).encode(events) for events in given_events]
    if knows_approvals:
        for before, event, _ in OF_APPROVALS:
            encoder = UIMessageEncoder(None, knows_approvals=True, earlier_calls=EARLIER)
            encoded.append(encoder.encode([*before, event]))
    frames = [value for body in encoded for value in values(body)]
    accepted: list[bool] = node.do("check", frames=frames)
    assert [frame for frame, is_accepted in zip(frames, accepted, strict=True) if not is_accepted] == []
    assert node.do("check", frames=[{"type": "no-such-type"}, {"type": "text-delta", "id": 1}]) == [False, False]
    assert node.do("check", frames=[{"type": "reset-step"}]) == [has_reset]
    of_approvals = [{"type": "tool-output-denied", "toolCallId": "c1"}]
    of_approvals.append({"type": "tool-approval-request", "toolCallId": "c1", "approvalId": "a1"})
    assert node.do("check", frames=of_approvals) == [knows_approvals] * 2


def test_what_was_void_does_not_go_back_to_the_model(nodes: Callable[[str], Node]) -> None:
    events: list[Event] = [STARTED, TextDelta("wrong"), AnswerRestarted("it broke off", "acme/big"), TextDelta("right")]
    body = UIMessageEncoder("m1").encode([*events, Completed("stop")])
    for version in ("ai5", "ai6", "ai7"):
        (read,) = nodes(version).read([[body]])
        assert read["messages"][0]["metadata"]["model"] == "acme/big"
        chat_request = to_chat_request(read_chat_body({"messages": read["messages"]}))
        assert [message.text() for message in chat_request.messages] == ["right"]
