"""Answers with random oddities, cut anywhere: no text twice, none lost, no call changed, no cut answer completed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flask_headrace.core.events import Completed, ToolCallCompleted, ToolCallDelta, ToolCallStarted
from flask_headrace.providers.anthropic.decoder import MessageDecoder
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from flask_headrace.providers.openai.responses_decoder import ResponseDecoder
from tests.providers.decoding import decoding as reading
from tests.providers.decoding import quirky_answers

PROTOCOLS = {
    "chat completions": (ChatDecoder, quirky_answers.chat_bodies),
    "responses": (ResponseDecoder, quirky_answers.response_bodies),
    "messages": (MessageDecoder, quirky_answers.message_bodies),
}


def read(protocol: str, *pieces: bytes) -> reading.Answer:
    return reading.Answer(PROTOCOLS[protocol][0]("acme", "m", "http://acme"), *pieces)


def cut(draw: Any, body: bytes) -> list[bytes]:
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(body)), max_size=6))), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


def calls_in(answer: reading.Answer) -> list[tuple[str, Any]]:
    names = {event.index: event.name for event in answer.events if isinstance(event, ToolCallStarted)}
    ended = {event.index: event.arguments for event in answer.events if isinstance(event, ToolCallCompleted)}
    return [(names[call], ended[call]) for call in sorted(ended)]


def check_pieces(answer: reading.Answer) -> None:
    """The pieces of a call's arguments add up to its final arguments, and no two calls have the same id."""
    started = [event for event in answer.events if isinstance(event, ToolCallStarted)]
    assert len({event.id for event in started}) == len(started)
    for ended in (event for event in answer.events if isinstance(event, ToolCallCompleted)):
        text = "".join(e.text for e in answer.events if isinstance(e, ToolCallDelta) and e.index == ended.index)
        assert quirky_answers.json.loads(text or "{}") == ended.arguments


few = settings(max_examples=40)


@pytest.mark.parametrize("protocol", PROTOCOLS)
class TestAnOddAnswer:
    @few
    @given(st.data())
    def test_is_told_whole_and_once(self, protocol: str, drawn: st.DataObject) -> None:
        sent = drawn.draw(quirky_answers.answers())
        body = drawn.draw(PROTOCOLS[protocol][1](sent))
        answer = read(protocol, *cut(drawn.draw, b"".join(body.frames)))
        assert (answer.error, answer.text) == (None, sent.text)
        assert calls_in(answer) == [(call.name, call.value) for call in sent.calls]
        assert answer.events[-1] == Completed(sent.reason)
        check_pieces(answer)

    @few
    @given(st.data())
    def test_that_is_cut_is_told_so_with_the_beginning_of_its_text(self, protocol: str, drawn: st.DataObject) -> None:
        sent = drawn.draw(quirky_answers.answers())
        body = drawn.draw(PROTOCOLS[protocol][1](sent))
        whole = b"".join(body.frames[: body.whole_at])
        # Cut before the last brace of the event that completes the answer.
        place = drawn.draw(st.integers(0, len(whole.rstrip()) - 1))
        assume(not read(protocol, whole[:place]).is_done)
        answer = read(protocol, *cut(drawn.draw, whole[:place]))
        assert answer.error is not None
        assert sent.text.startswith(answer.text)
        assert not any(isinstance(event, Completed) for event in answer.events)
