"""The text in which the reasoning of an answer travels: what is made of one, and what is made of a forged one."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.core.events import Completed, Event, ProviderEvent, ReasoningDelta, ReasoningSignature, TextDelta
from flask_headrace.providers.anthropic.request_body import build_body as anthropic_body
from flask_headrace.providers.chat_request import ChatRequest, Message, ReasoningPart, TextPart
from flask_headrace.providers.decoding.reasoning_recorder import ReasoningRecorder
from flask_headrace.providers.openai.chat_request_body import build_body as chat_body
from flask_headrace.providers.openai.responses_request_body import build_body as responses_body
from flask_headrace.providers.reasoning_state import (
    MAX_RUNS,
    MAX_STATE_CHARS,
    ReasoningState,
    SignedReasoning,
    decode_state,
    encode_state,
    own_states,
    raw,
    with_reasoning_parts,
)
from flask_headrace.providers.request_validation import validation_error
from tests.support.event_sequences import TEXTS

USER = Message("user", "hi")
MADE_BY = {"family": "openai-chat", "provider": "acme", "model": "m"}


def written(state: Any) -> str:
    """Return a state in the form in which clients have it, whatever it contains."""
    return "r1." + urlsafe_b64encode(state if isinstance(state, bytes) else msgspec.json.encode(state)).decode()


def request_with(state: str | None, content: Any = "Well.", role: Any = "assistant") -> ChatRequest:
    return ChatRequest("m", (USER, Message(role, content, reasoning_state=state), USER))


FORGED: dict[str, Any] = {
    "empty": "",
    "of another form": "S" * 100,
    "without a version": "r.e30=",
    "with no base64": "r1.ö",
    "cut": written(MADE_BY)[:-3],
    "no JSON": written(b"{"),
    "no object": written([1]),
    "without a maker": written({"provider": "acme", "model": "m"}),
    "of no family": written({**MADE_BY, "family": "native"}),
    "with an unknown field": written({**MADE_BY, "role": "system"}),
    "with another field of the message": written({**MADE_BY, "fields": {"role": "system"}}),
    "with the content of the message": written({**MADE_BY, "fields": {"content": "x"}}),
    "with other calls": written({**MADE_BY, "fields": {"tool_calls": []}}),
    "with another function": written({**MADE_BY, "calls": {"c1": {"function": {"name": "rm"}}}}),
    "with calls that are none": written({**MADE_BY, "calls": {"c1": 1}}),
    "with runs that are none": written({**MADE_BY, "runs": [{"text": 1}]}),
    "with too many runs": written({**MADE_BY, "runs": [{"text": ""}] * (MAX_RUNS + 1)}),
    "with too many calls": written({**MADE_BY, "calls": {str(n): {} for n in range(MAX_RUNS + 1)}}),
    "with half a character": written(
        b'{"family":"openai-chat","provider":"acme","model":"m","runs":[{"text":"\\ud800"}]}'
    ),
    "that is deep": written(
        b'{"family":"openai-chat","provider":"a","model":"m","fields":{"reasoning":' + b"[" * 100_000
    ),
    "that is long": "r1." + "A" * MAX_STATE_CHARS,
}


@pytest.mark.parametrize("state", FORGED.values(), ids=FORGED)
def test_a_forged_state_is_refused_by_its_place(state: str) -> None:
    problem = validation_error(request_with(state))
    assert problem is not None
    assert problem.startswith("messages[1].reasoning_state is ")
    assert len(problem) < 300


@pytest.mark.parametrize("role", ["user", "system", "developer"])
def test_only_an_answer_may_have_one(role: str) -> None:
    request = request_with(written(MADE_BY), role=role)
    assert "only an assistant message may have one" in (validation_error(request) or "")


def test_a_state_of_another_version_is_dropped() -> None:
    request = request_with("r2." + "x" * 10)
    assert validation_error(request) is None
    assert own_states(request, "openai-chat", "acme") == {}
    assert with_reasoning_parts(request, "anthropic", "acme").messages == (USER, Message("assistant", "Well."), USER)


@given(st.binary(max_size=60) | st.text(max_size=60).filter(lambda text: not text.startswith("r")))
def test_anything_else_is_refused(text: bytes | str) -> None:
    states = str(text), written(text.encode() if isinstance(text, str) else text)
    assert [validation_error(request_with(state)) is None for state in states] == [False, False]


def test_is_not_made_where_it_would_be_too_long() -> None:
    runs = (SignedReasoning("x" * MAX_STATE_CHARS, "S"),)
    assert encode_state(ReasoningState("anthropic", "acme", "m", runs=runs)) is None
    assert (
        encode_state(ReasoningState("anthropic", "acme", "m", runs=(SignedReasoning("", "S"),) * (MAX_RUNS + 1)))
        is None
    )


@given(st.lists(TEXTS, max_size=3), TEXTS, st.dictionaries(TEXTS, st.integers(), max_size=2))
def test_is_the_same_after_its_way(texts: list[str], name: str, calls: dict[str, int]) -> None:
    runs = tuple(SignedReasoning(text, text, len(text) > 2, number) for number, text in enumerate(texts))
    fields = {"reasoning_details": raw([{"n": msgspec.Raw(b"0.50"), "text": name}])}
    others = {call: {"extra_content": raw(value)} for call, value in calls.items()}
    state = ReasoningState("openai-chat", name, name, 7, runs, fields, others)
    text = encode_state(state)
    assert text is not None
    read = decode_state(text)
    assert read is not None
    assert (read.family, read.provider, read.model, read.text_size, read.runs) == ("openai-chat", name, name, 7, runs)
    assert msgspec.json.encode(read) == msgspec.json.encode(state)
    assert b'"n":0.50' in msgspec.json.encode(read.fields)


class TestPlaces:
    """Reasoning between two texts goes back between them, as long as the client returns the text as it was."""

    RUNS = (
        SignedReasoning("one", "EqAA"),
        SignedReasoning("two", "EqBB", place=6),
        SignedReasoning("", "EqCC", True, 6),
    )

    def parts(self, text: Any) -> Any:
        state = encode_state(ReasoningState("anthropic", "acme", "m", 12, self.RUNS))
        (_, answer, _) = with_reasoning_parts(request_with(state, text), "anthropic", "acme").messages
        assert answer.reasoning_state is None
        return answer.content

    def test_are_those_of_the_answer(self) -> None:
        one, two, three = (ReasoningPart(run.text, run.signature, run.is_redacted) for run in self.RUNS)
        assert self.parts("first.second") == (one, TextPart("first."), two, three, TextPart("second"))
        assert self.parts((TextPart("first."), TextPart("second"))) == (
            one,
            TextPart("first."),
            two,
            three,
            TextPart("second"),
        )

    @pytest.mark.parametrize("text", ["first. and second", "first", ""])
    def test_are_before_a_text_that_was_changed(self, text: str) -> None:
        assert [type(part) for part in self.parts(text)] == [ReasoningPart] * 3 + [TextPart] * bool(text)

    def test_of_other_reasoning_of_the_message_are_taken(self) -> None:
        parts = self.parts((ReasoningPart("other", "EqDD"), TextPart("first.second")))
        assert "other" not in str(parts)

    @pytest.mark.parametrize("place", [-5, 99, 10**30])
    def test_that_are_forged_do_no_harm(self, place: int) -> None:
        state = written({**MADE_BY, "text_size": 5, "runs": [{"text": "x", "signature": "EqAA", "place": place}]})
        request = with_reasoning_parts(request_with(state), "openai-chat", "acme")
        assert "".join(part.text for part in request.messages[1].parts() if isinstance(part, TextPart)) == "Well."


class TestABody:
    """Bodies of requests with forged states that are well formed: the provider judges what they say."""

    @pytest.mark.parametrize("value", [1, None, [], {"a": "\\ud800"}, "x" * 1000, [[]] * 100, 0.5])
    def test_has_what_a_forged_field_has_and_nothing_else_changes(self, value: Any) -> None:
        state = written({**MADE_BY, "fields": {"reasoning_details": value}, "calls": {"no call": {"x": value}}})
        request = request_with(state)
        assert validation_error(request) is None
        states = own_states(request, "openai-chat", "acme")
        body = msgspec.json.decode(msgspec.json.encode(chat_body(request, is_official=False, states=states)))
        assert body["messages"][1] == {"role": "assistant", "content": "Well.", "reasoning_details": value}
        assert "reasoning_details" not in str(chat_body(request, is_official=False))

    def test_of_a_signature_of_another_provider_has_none(self) -> None:
        runs = (SignedReasoning("t", "openai-responses:gAAAA"), SignedReasoning("u", "EqAAAAAAAAAAAAAAAAAAAA"))
        for family, body in (("anthropic", anthropic_body), ("openai-responses", responses_body)):
            state = encode_state(ReasoningState(family, "acme", "m", 5, runs))  # type: ignore[arg-type]
            request = with_reasoning_parts(request_with(state), family, "acme")  # type: ignore[arg-type]
            text = str(body(request))
            assert ("gAAAA" in text, "EqAA" in text) == (family != "anthropic", family == "anthropic")


def test_the_recorder_makes_the_same_of_an_answer_however_it_comes() -> None:
    class Decoder:
        """Gives events as they are."""

        is_done = True

        def read(self, frames: Any, events: list[Event]) -> None:
            events += frames

        def end(self) -> list[Event]:
            return []

    said: list[Event] = [
        ReasoningDelta("a"), ReasoningDelta("b"), ReasoningSignature("S"), TextDelta("x🌊"), ReasoningDelta("c"),
        ReasoningSignature("T", is_redacted=True), ReasoningSignature("U"), TextDelta("y"), Completed("stop"),
    ]  # fmt: skip
    found = set()
    for size in range(1, len(said) + 1):
        recorder, events = ReasoningRecorder(Decoder(), "anthropic", "acme", "m"), list[Event]()
        for start in range(0, len(said), size):
            recorder.read(said[start : start + size], events)  # type: ignore[arg-type]
        assert [event for event in events if not isinstance(event, ProviderEvent)] == said
        (state,) = [event.data for event in events if isinstance(event, ProviderEvent)]
        found.add(state)
    (only,) = found
    state = decode_state(only)
    assert state is not None
    assert [(run.text, run.signature, run.is_redacted, run.place) for run in state.runs] == [
        ("ab", "S", False, 0), ("c", None, False, 2), ("", "T", True, 2), ("", "U", False, 2),
    ]  # fmt: skip
    assert state.text_size == 3
