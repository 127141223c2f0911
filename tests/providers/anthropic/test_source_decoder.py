"""Answers of Anthropic's API for clients of the same API: what comes out, also of bad ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.core.events import Completed, Event, ProviderEvent, TextDelta, ToolCallStarted, Usage
from flask_headrace.core.sse import SSEDecoder
from flask_headrace.providers.anthropic.decoder import MessageDecoder
from flask_headrace.providers.anthropic.source_decoder import SourceMessageDecoder
from tests.blueprints.anthropic_messages.answers import ANSWER, END, SEARCH, STOP, TEXT, block, event, said, start


def read(data: bytes, *cuts: int, decoder: type[MessageDecoder] = SourceMessageDecoder) -> list[list[Event]]:
    """Return the events of each piece of an answer."""
    reader, frames = decoder("acme", "claude", "acme"), SSEDecoder()
    batches: list[list[Event]] = []
    for begin, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        batches.append([])
        reader.read(frames.feed(data[begin:end]), batches[-1])
    assert reader.is_done
    return batches


def told(data: bytes) -> list[Event]:
    return [given for batch in read(data) for given in batch if not isinstance(given, Usage)]


def provider(kind: str, is_content: bool = False, **fields: Any) -> ProviderEvent:
    return ProviderEvent("anthropic", kind, json.dumps(fields, separators=(",", ":")), is_content)


WHOLE = b"".join(ANSWER)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=6).map(sorted))
def test_an_answer_is_the_same_wherever_it_is_cut(cuts: list[int]) -> None:
    batches = read(WHOLE, *cuts)
    assert [given for batch in batches for given in batch if not isinstance(given, Usage)] == told(WHOLE)
    for batch in batches:
        # A usage is the last of its batch, or comes just before the end of the answer.
        places = [place for place, given in enumerate(batch) if isinstance(given, Usage)]
        assert not places or places in ([len(batch) - 1], [len(batch) - 2])


@given(st.lists(st.integers(0, len(WHOLE)), max_size=6).map(sorted))
def test_the_tokens_of_the_prompt_are_known_at_the_first_part_wherever_the_answer_is_cut(cuts: list[int]) -> None:
    known: list[Usage] = []
    for batch in read(WHOLE, *cuts):
        known += [given for given in batch if isinstance(given, Usage)]
        if len(batch) > sum(isinstance(given, Usage) for given in batch):
            break
    assert known


def test_the_common_events_are_those_of_any_client() -> None:
    common = [given for given in told(WHOLE) if not isinstance(given, ProviderEvent)]
    plain = [given for batch in read(WHOLE, decoder=MessageDecoder) for given in batch if not isinstance(given, Usage)]
    assert common == plain


class TestWhatDescribesAnAnswer:
    def test_waits_for_its_first_part(self) -> None:
        opened = b"".join([start(container=None), event("content_block_start", index=0, content_block=TEXT)])
        rest = b"".join([event("content_block_delta", index=0, delta=said("x")), END, STOP])
        first, second = read(opened + rest, len(opened))
        assert [type(given) for given in first] == [Usage]
        assert [given.kind for given in second if isinstance(given, ProviderEvent)] == ["message", "block", "end"]
        assert isinstance(second[2], TextDelta)

    def test_comes_with_an_answer_without_any_part(self) -> None:
        first, *_, last = told(start(container=None) + END + STOP)
        assert isinstance(first, ProviderEvent)
        assert last == Completed("stop")

    def test_does_not_keep_another_model_from_going_on_with_one_text(self) -> None:
        one = start() + block(0, {**TEXT, "citations": []}, said("x")) + END + STOP
        assert not any(given.is_content for given in told(one) if isinstance(given, ProviderEvent))
        two = start() + block(0, TEXT, said("x")) + block(1, TEXT, said("y")) + END + STOP
        assert [
            given.is_content for given in told(two) if isinstance(given, ProviderEvent) and given.kind == "block"
        ] == [
            False,
            True,
        ]


class TestAnAnswerThatIsWholeAtItsStart:
    def test_has_everything_too(self) -> None:
        cited = {"type": "text", "text": "x", "citations": [1]}
        call = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}, "caller": None}
        content = [cited, SEARCH, call]
        events = told(start(content=content, stop_reason="tool_use") + STOP)
        assert [given.kind if isinstance(given, ProviderEvent) else type(given).__name__ for given in events] == [
            *("message", "block", "TextDelta", "block", "stop"),
            *("call", "ToolCallStarted", "ToolCallDelta", "ToolCallCompleted", "Completed"),
        ]
        assert events[-1] == Completed("tool_calls")

    def test_of_text_alone_is_that_text(self) -> None:
        events = told(start(content="x", stop_reason="end_turn") + STOP)
        assert events[1:] == [TextDelta("x"), Completed("stop")]


class TestABadAnswer:
    @pytest.mark.parametrize(
        "odd",
        [
            event("content_block_delta", index=0, delta={"type": ["x"]}),
            event("content_block_delta", index=0, delta={"type": {"x": 1}, "x": 1}),
            event("message_delta", delta={"stop_reason": None}, usage=None, odd=[]),
            b'event: odd\ndata: {"type":"odd\\nevent: x"}\n\n',
            b"event: odd\ndata: [1]\n\n",
            b'event: odd\ndata: {"type":"odd","x":' + b"[" * 200 + b"]" * 200 + b"}\n\n",
        ],
        ids=range(6),
    )
    def test_loses_only_what_is_bad(self, odd: bytes) -> None:
        good = block(1, SEARCH) + block(2, TEXT, said("x")) + END + STOP
        events = told(start() + odd + good)
        assert [given for given in events if isinstance(given, (TextDelta, Completed))] == [
            TextDelta("x"),
            Completed("stop"),
        ]
        assert provider("stop", is_content=True) in events
        assert not any("\n" in given.data for given in events if isinstance(given, ProviderEvent))

    def test_is_told_on_one_line_each(self) -> None:
        pretty = b'event: odd\ndata: {"type": "odd",\ndata:  "x": [1,\ndata: 2.50]}\n\n'
        events = told(start() + pretty + block(2, TEXT, said("x")) + END + STOP)
        assert ProviderEvent("anthropic", "event", '{"type":"odd","x":[1,2.50]}') in events

    def test_has_calls_whatever_else_is_said_about_them(self) -> None:
        further = {"caller": None, "toolset_name": "browser"}
        call = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}, **further}
        events = told(start() + block(0, call) + END + STOP)
        place = events.index(ToolCallStarted(0, "t", "f"))
        assert events[place - 1] == provider("call", **further)
