"""The encoder of the AI SDK's data stream v1."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.blueprints.ai_sdk import data_stream_v1_encoder
from flask_headrace.blueprints.ai_sdk.data_stream_v1_encoder import DataStreamV1Encoder
from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.core.application_events import (
    ApprovalRequested,
    Data,
    File,
    OmittedEvent,
    Source,
    StepStarted,
    ToolProgress,
    ToolResult,
)
from flask_headrace.core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    FinishReason,
    ProviderEvent,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from tests.support.event_sequences import CHARACTERS

GOLDEN: list[tuple[Event, bytes]] = [
    (ResponseStarted("s1", "acme/tiny", "acme"), b""),
    (TextDelta("Hel"), b'0:"Hel"\n'),
    (TextDelta('"\\\n\r\t'), b'0:"\\"\\\\\\n\\r\\t"\n'),
    (TextDelta("ö🌊\u2028"), '0:"ö🌊\u2028"\n'.encode()),
    (ReasoningDelta("hmm"), b'g:"hmm"\n'),
    (ReasoningSignature("abc"), b'g:""\nj:{"signature":"abc"}\n'),
    (ReasoningSignature("abc", is_redacted=True), b'i:{"data":"abc"}\n'),
    (ToolCallStarted(0, "c1", "find"), b'b:{"toolCallId":"c1","toolName":"find"}\n'),
    (ToolCallDelta(0, '{"q":'), b'c:{"toolCallId":"c1","argsTextDelta":"{\\"q\\":"}\n'),
    (ToolCallCompleted(0, {"q": [1, None]}), b'9:{"toolCallId":"c1","toolName":"find","args":{"q":[1,null]}}\n'),
    (
        AnswerRestarted("it broke off", "acme/big"),
        b'3:"acme/big restarts the answer, which cannot be shown here (it broke off): send the request again."\n',
    ),
    (Usage(9, 2), b""),
    (Completed("stop"), b'e:{"finishReason":"stop","isContinued":false}\nd:{"finishReason":"stop"}\n'),
    (Failed("stall_timeout", "It fell silent.", retryable=True), b'3:"It fell silent."\n'),
    (Cancelled("stopped"), b'3:"The answer was stopped before it was complete."\n'),
    (ProviderEvent("other", "event", "{}"), b""),
    (Source("https://a.example/", "A", id="s1"), b'h:{"sourceType":"url","id":"s1","url":"https://a.example/","title":"A"}\n'),
    (
        Source(title="B", media_type="application/pdf", id="s2"),
        b'8:[{"type":"source-document","sourceId":"s2","mediaType":"application/pdf","title":"B"}]\n',
    ),
    (File("a/b", data=b"\x89"), b'8:[{"type":"file","mediaType":"a/b","url":"data:a/b;base64,iQ=="}]\n'),
    (Data("weather", 7, "w1"), b'2:[{"type":"data-weather","id":"w1","data":7}]\n'),
    (ToolResult(0, {"depth": None}), b'a:{"toolCallId":"c1","result":{"depth":null}}\n'),
    (ToolResult(-1, 7, call_id="c0"), b""),
    (ToolProgress(0, 7), b""),
    (ApprovalRequested(0, "a1"), b""),
    (StepStarted(), b""),  # in the middle of a call
    (OmittedEvent(), b""),
]  # fmt: skip
IDS = [f"{type(event).__name__}-{number}" for number, (event, _) in enumerate(GOLDEN)]
SPENT = Usage(9, 2, 4, 1, 0.00001)
ANNOTATION = (
    b'8:[{"usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11,"cachedInputTokens":4,"reasoningTokens":1},'
    b'"cost":0.00001,"currency":"USD","estimated":false,"attempts":[]}]\n'
)
TEXTS = st.text(CHARACTERS)


def encoder(**options: Any) -> DataStreamV1Encoder:
    """Return an encoder that has encoded some text and an open tool call."""
    begun = DataStreamV1Encoder(**options)
    begun.encode([TextDelta("x"), ToolCallStarted(0, "c1", "find")])
    return begun


def written(events: list[Event], **options: Any) -> bytes:
    """Return the encoded events, whether or not the encoder aborts the connection."""
    try:
        return encoder(**options).encode(events)
    except AbortConnection as broken:
        return broken.final_bytes


@pytest.mark.parametrize(("event", "line"), GOLDEN, ids=IDS)
def test_each_event_has_its_line(event: Event, line: bytes) -> None:
    assert written([event], has_reasoning=True) == line


def test_every_kind_of_event_has_an_entry() -> None:
    assert {type(event) for event, _ in GOLDEN} == set(Event.__subclasses__())


def test_events_are_written_one_after_the_other() -> None:
    changed_by_others = (AnswerRestarted, ReasoningSignature, Usage, StepStarted)
    several = [event for event, _ in GOLDEN if not isinstance(event, changed_by_others)]
    lines = b"".join(line for event, line in GOLDEN if event in several)
    assert written(several, has_reasoning=True) == lines


STEP = b'f:{"messageId":"s1"}\n'


@pytest.mark.parametrize(
    ("options", "begun"), [({}, b""), ({"has_reasoning": True}, STEP), ({"has_steps": True}, STEP)]
)
def test_a_step_ends_before_the_next_one_and_before_what_is_said_to_results(
    options: dict[str, bool], begun: bytes
) -> None:
    own = DataStreamV1Encoder(**options)
    own.encode([ResponseStarted("s1", "acme/tiny", "acme"), TextDelta("x")])
    assert own.encode([StepStarted()]) == STEP_END + begun
    assert own.encode([StepStarted()]) == b""
    own.encode([ToolCallStarted(0, "c1", "find"), ToolCallCompleted(0, {}), ToolResult(0, 7)])
    assert own.encode([TextDelta("y")]) == STEP_END + begun + b'0:"y"\n'


SIGNED = b'j:{"signature":"abc"}\n'
STEP_END = b'e:{"finishReason":"unknown","isContinued":false}\n'


@pytest.mark.parametrize(
    ("before", "event", "lines"),
    [
        ([ReasoningDelta("hm")], ReasoningSignature("abc"), SIGNED),
        ([ReasoningDelta("hm")], ReasoningDelta("m"), b'g:"m"\n'),
        ([], ReasoningSignature("abc"), b'g:""\n' + SIGNED),
        ([ReasoningSignature("x", is_redacted=True)], ReasoningSignature("abc"), b'g:""\n' + SIGNED),
        ([ReasoningSignature("x", is_redacted=True)], ReasoningDelta("hm"), b'g:"hm"\n'),
        ([ReasoningDelta("hm"), ReasoningSignature("x")], ReasoningSignature("abc"), STEP_END + b'g:""\n' + SIGNED),
        ([ReasoningDelta("hm"), ReasoningSignature("x")], ReasoningDelta("m"), STEP_END + b'g:"m"\n'),
        ([ReasoningDelta("hm"), TextDelta("x")], ReasoningDelta("m"), STEP_END + b'g:"m"\n'),
        ([ReasoningDelta("hm"), ToolCallStarted(1, "c2", "find")], ReasoningDelta("m"), STEP_END + b'g:"m"\n'),
        (
            [ReasoningDelta("hm"), TextDelta("x")],
            ReasoningSignature("abc", is_redacted=True),
            STEP_END + b'i:{"data":"abc"}\n',
        ),
    ],
)
def test_each_run_of_reasoning_keeps_its_own_text_and_signature(
    before: list[Event], event: Event, lines: bytes
) -> None:
    own = encoder(has_reasoning=True)
    for each in before:
        own.encode([each])
    assert own.encode([event]) == lines


def test_what_older_readers_die_of_is_left_out_unless_it_is_asked_for() -> None:
    assert written([ReasoningDelta("hmm"), ReasoningSignature("abc"), ReasoningSignature("x", is_redacted=True)]) == b""


def test_usage_is_told_at_the_end_with_its_cost() -> None:
    numbers = b'"usage":{"promptTokens":9,"completionTokens":2}'
    assert written([SPENT, Completed("length")]) == (
        ANNOTATION + b'e:{"finishReason":"length",' + numbers + b',"isContinued":false}\n'
        b'd:{"finishReason":"length",' + numbers + b"}\n"
    )


@pytest.mark.parametrize("end", [Failed("x", "No.", retryable=False), Cancelled("stopped")])
def test_usage_is_told_before_an_error_which_is_the_last_line(end: Event) -> None:
    lines = written([SPENT, end]).splitlines(keepends=True)
    assert lines[0] == ANNOTATION
    assert [line[:1] for line in lines[1:]] == [b"3"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("stop", "stop"), ("length", "length"), ("tool_calls", "tool-calls"), ("content_filter", "content-filter"),
     ("pause", "other"), ("other", "other")],
)  # fmt: skip
def test_the_finish_reason_is_in_its_own_words(ours: FinishReason, theirs: str) -> None:
    end = written([Completed(ours)]).splitlines()[-1]
    assert json.loads(end[2:]) == {"finishReason": theirs}


def test_an_answer_in_which_nothing_came_is_an_empty_text() -> None:
    lines = (
        DataStreamV1Encoder()
        .encode([ResponseStarted("s1", "acme/tiny", "acme"), SPENT, Completed("stop")])
        .splitlines()
    )
    assert lines[0] == b'0:""'
    assert [line[:1] for line in lines] == [b"0", b"8", b"e", b"d"]


def test_an_answer_that_begins_again_before_anything_was_written_goes_on() -> None:
    own = DataStreamV1Encoder()
    events: list[Event] = [
        ResponseStarted("s1", "acme/tiny", "acme"),
        AnswerRestarted("busy", "acme/big"),
        TextDelta("x"),
    ]
    assert own.encode(events) == b'0:"x"\n'


def test_one_that_begins_again_later_breaks_off_and_nothing_follows() -> None:
    with pytest.raises(AbortConnection) as broken:
        encoder().encode([TextDelta("z"), AnswerRestarted("it broke off", "acme/big"), TextDelta("y")])
    assert [line[:2] for line in broken.value.final_bytes.splitlines()] == [b"0:", b"3:"]


@pytest.mark.parametrize("end", [Failed("x", "No.", retryable=False), Cancelled("stopped")])
def test_a_failure_breaks_the_connection_where_its_line_would_be_overlooked(end: Event) -> None:
    with pytest.raises(AbortConnection) as broken:
        encoder(aborts_on_failure=True).encode([SPENT, end])
    assert broken.value.final_bytes == written([SPENT, end])


@given(st.lists(TEXTS, min_size=1))
def test_many_texts_at_once_have_the_bytes_of_each_by_itself(texts: list[str]) -> None:
    events: list[Event] = [TextDelta(text) for text in texts]
    assert DataStreamV1Encoder().encode(events) == b"".join(
        DataStreamV1Encoder().encode([event, Usage(1, 1)]) for event in events
    )


@given(TEXTS)
def test_no_line_holds_a_line_end_of_its_own(text: str) -> None:
    for event in (TextDelta(text), ReasoningDelta(text), ToolCallCompleted(0, {text: text}), Failed("x", text, False)):
        assert written([event], has_reasoning=True).count(b"\n") == 1


def test_a_silence_is_an_empty_line() -> None:
    assert DataStreamV1Encoder().encode([]) == data_stream_v1_encoder.HEARTBEAT == b"\n"


TWO_STEPS: list[Event] = [
    ResponseStarted("s1", "acme/tiny", "acme"),
    TextDelta("x"),
    ToolCallStarted(0, "c1", "find", runs_here=True),
    ToolCallCompleted(0, {}),
    ToolResult(0, 7),
    StepStarted(),
]


@pytest.mark.parametrize("void", [[], [ReasoningDelta("hm")], [ToolProgress(0, 1), Data("a", 1, transient=True)]])
def test_one_that_begins_again_in_a_step_of_which_nothing_was_written_goes_on(void: list[Event]) -> None:
    own = DataStreamV1Encoder(has_steps=True)
    own.encode([*TWO_STEPS, *void])
    again = [AnswerRestarted("busy", "acme/big", 1), *TWO_STEPS[1:], TextDelta("y")]
    assert own.encode(again) == b'0:"y"\n'
    assert own.encode([TextDelta("z")]) == b'0:"z"\n'


@pytest.mark.parametrize("void", [TextDelta("no"), Source("https://a/"), Data("a", 1)])
def test_one_that_begins_again_in_a_step_that_was_written_breaks_off(void: Event) -> None:
    own = DataStreamV1Encoder(has_steps=True)
    own.encode([*TWO_STEPS, void])
    with pytest.raises(AbortConnection):
        own.encode([AnswerRestarted("busy", "acme/big", 1), *TWO_STEPS[1:], TextDelta("y")])


def test_calls_that_all_have_results_are_not_the_last_step_of_an_answer() -> None:
    # Else `useChat` with `maxSteps` would send the conversation again.
    own = DataStreamV1Encoder(has_steps=True)
    lines = own.encode([*TWO_STEPS[:-1], Completed("other")]).splitlines()
    assert [line[:1] for line in lines[-4:]] == [b"e", b"f", b"e", b"d"]
    waiting = DataStreamV1Encoder(has_steps=True)
    lines = waiting.encode([*TWO_STEPS[:-2], Completed("tool_calls")]).splitlines()
    assert b"f" not in [line[:1] for line in lines]
