"""Each version of the AI SDK reads any sequence of events that a stream can have."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.ai_sdk.chat_body import read_chat_body
from flask_headrace.blueprints.ai_sdk.chat_request import to_chat_request
from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.core.answer import CollectedAnswer, ReasoningBlock, TextBlock, ToolCallBlock
from flask_headrace.core.events import AnswerRestarted, Completed, Event, Failed, ResponseStarted, TextDelta
from tests.blueprints.ai_sdk.test_ui_message_encoder import GOLDEN, values
from tests.clients.ai_sdk.node import Node, text_of, valid_parts
from tests.support.event_sequences import SIZES, answers, batches

STARTED = ResponseStarted("s1", "acme/tiny", "acme")


def expected(events: list[Event]) -> list[tuple[str, Any]]:
    """Return the expected parts: type, and text or arguments; None for an incomplete call."""
    answer = CollectedAnswer()
    answer.add(events)
    found: list[tuple[str, Any]] = []
    for block in answer.blocks:
        match block:
            case ToolCallBlock():
                found.append(("tool-find", block.arguments))
            case ReasoningBlock():
                found.append(("reasoning", block.text))
            case TextBlock():
                found.append(("text", block.text))
    return found


def shown(message: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return a message's valid parts in the form of the expected parts."""
    # Also what is void is closed.
    assert all(part["state"] not in {"streaming", "input-streaming"} for part in message["parts"] if "state" in part)
    found: list[tuple[str, Any]] = []
    for part in valid_parts(message):
        if part["type"].startswith("tool-"):
            found.append((part["type"], part["input"] if part["state"] == "input-available" else None))
        elif part["type"] != "step-start":
            found.append((part["type"], part["text"]))
    return found


@st.composite
def written(draw: st.DrawFn, *, has_reset: bool = False) -> tuple[list[Event], list[bytes]]:
    """Draw an answer and its bytes, with heartbeats, and split at any place."""
    events, encoder = draw(answers()), UIMessageEncoder("m1", has_reset=has_reset)
    body = b"".join([encoder.encode(batch, 1) for batch in batches(events, draw(SIZES))])
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


def check_shown(node: Node, streams: list[tuple[list[Event], list[bytes]]]) -> list[dict[str, Any]]:
    """Check what the package shows of answers, and return its messages."""
    messages = []
    for (events, _), read in zip(streams, node.read([pieces for _, pieces in streams]), strict=True):
        end = events[-1]
        is_failed = isinstance(end, Failed)
        assert (read["status"], read["error"]) == (("error", end.message) if is_failed else ("ready", None))
        seen = read["messages"][0] if read["messages"] else {"parts": []}
        assert shown(seen) == expected(events)
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
    has_reset = node.version == "ai7"
    encoded = [UIMessageEncoder("m1", has_reset=has_reset).encode([*before, event]) for before, event, _ in GOLDEN]
    frames = [value for body in encoded for value in values(body)]
    accepted: list[bool] = node.do("check", frames=frames)
    assert [frame for frame, is_accepted in zip(frames, accepted, strict=True) if not is_accepted] == []
    assert node.do("check", frames=[{"type": "no-such-type"}, {"type": "text-delta", "id": 1}]) == [False, False]
    assert node.do("check", frames=[{"type": "reset-step"}]) == [has_reset]


def test_what_was_void_does_not_go_back_to_the_model(nodes: Callable[[str], Node]) -> None:
    events: list[Event] = [STARTED, TextDelta("wrong"), AnswerRestarted("it broke off", "acme/big"), TextDelta("right")]
    body = UIMessageEncoder("m1").encode([*events, Completed("stop")])
    for version in ("ai5", "ai6", "ai7"):
        (read,) = nodes(version).read([[body]])
        assert read["messages"][0]["metadata"]["model"] == "acme/big"
        chat_request = to_chat_request(read_chat_body({"messages": read["messages"]}))
        assert [message.text() for message in chat_request.messages] == ["right"]
