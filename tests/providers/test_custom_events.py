"""The events of custom generators: valid ones pass, and invalid ones are rejected with a clear message."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from flask_headrace.core.events import (
    AnswerRestarted,
    Attempt,
    Cancelled,
    Completed,
    Event,
    Failed,
    ModelSelected,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.providers.custom_events import MAX_BATCH_EVENTS, event_batches

STOP, REPORTED, PARTIAL = Completed("stop"), Usage(9, 2), Usage(9, 0, estimated=True)
HALF = "so \ud83d"


def batches(*pieces: Any) -> list[Any]:
    return list(event_batches(iter(pieces), "mine"))


CALL, PIECE, CALLED = ToolCallStarted(0, "c", "find"), ToolCallDelta(0, '{"q":'), ToolCallCompleted(0, {"q": 1})


class TestCallThatIsBegunAndNotEnded:
    @pytest.mark.parametrize("reason", ["tool_calls", "length", "stop"])
    @pytest.mark.parametrize("pieces", [[CALL], [CALL, PIECE], [[CALL, CALLED], ToolCallStarted(1, "d", "find")]])
    def test_makes_the_end_of_the_answer_a_failure(self, pieces: list[Any], reason: Any) -> None:
        *before, last = batches(*pieces, [REPORTED, Completed(reason)])
        assert before == [piece if isinstance(piece, list) else [piece] for piece in pieces]
        usage, failed = last
        assert usage == REPORTED
        assert (failed.code, failed.retryable) == ("tool_arguments_invalid", True)
        assert "'find'" in failed.message
        assert "ToolCallCompleted" in failed.message

    def test_does_so_also_where_the_generator_just_ends(self) -> None:
        assert isinstance(batches(CALL, PIECE)[-1][-1], Failed)

    def test_is_seen_across_the_lists_that_one_long_list_comes_in(self) -> None:
        last = batches([CALL, *[PIECE] * MAX_BATCH_EVENTS, Completed("tool_calls")])[-1]
        assert [type(event) for event in last] == [PIECE.__class__, Failed]

    @pytest.mark.parametrize("end", [Failed("mine", "so it is", retryable=False), Cancelled("stopped")])
    def test_leaves_another_end_as_it_is(self, end: Event) -> None:
        assert batches(CALL, PIECE, end)[-1] == [end]

    @pytest.mark.parametrize("pieces", [[CALL, PIECE, CALLED], [CALL, PIECE, AnswerRestarted("gone", "a/b")]])
    def test_is_none_that_was_ended_or_is_void(self, pieces: list[Event]) -> None:
        assert batches(*pieces, Completed("tool_calls"))[-1] == [Completed("tool_calls")]
        assert batches([*pieces, Completed("tool_calls")]) == [[*pieces, Completed("tool_calls")]]


class TestEvents:
    def test_pass_as_they_are(self) -> None:
        events: list[Event] = [
            TextDelta("ä😀"), ReasoningDelta("hm"), ReasoningSignature("s", is_redacted=True),
            ToolCallStarted(0, "c", "find"), ToolCallDelta(0, '{"q":'),
            ToolCallCompleted(0, {"q": [1, 10**30, None, {"a": 0.5}]}), AnswerRestarted("gone", "a/b"),
        ]  # fmt: skip
        note = ModelSelected("a/b", "a", "b", "")
        assert batches(events, note, *events, [REPORTED, STOP]) == [
            events,
            note,
            *([each] for each in events),
            [REPORTED, STOP],
        ]

    def test_may_come_in_a_plain_list_whose_end_is_theirs(self) -> None:
        assert list(event_batches(["a", TextDelta("b")])) == [[TextDelta("a")], [TextDelta("b")], [STOP]]

    def test_are_none_where_there_is_no_text(self) -> None:
        assert batches("", [], "a") == [[], [], [TextDelta("a")], [STOP]]

    def test_in_a_long_list_come_in_several(self) -> None:
        events = [TextDelta(str(number)) for number in range(3 * MAX_BATCH_EVENTS // 2)]
        found = batches([*events, REPORTED, STOP])
        assert [event for batch in found for event in batch] == [*events, REPORTED, STOP]
        assert max(map(len, found)) == MAX_BATCH_EVENTS


class TestTheEnd:
    @pytest.mark.parametrize(
        ("given", "rest"),
        [
            ([STOP, REPORTED], [REPORTED, STOP]),
            ([REPORTED, TextDelta("a"), STOP], [TextDelta("a"), REPORTED, STOP]),
            ([TextDelta("a"), PARTIAL, TextDelta("b")], [TextDelta("a"), TextDelta("b"), PARTIAL]),
            ([REPORTED, TextDelta("a"), PARTIAL, STOP, STOP], [TextDelta("a"), REPORTED, STOP]),
            ([Cancelled("stopped"), TextDelta("a")], [Cancelled("stopped")]),
        ],
    )
    def test_stands_last_and_the_usage_before_it(self, given: list[Event], rest: list[Event]) -> None:
        assert batches(given)[0] == rest

    @pytest.mark.parametrize("more", ["too late", [STOP], REPORTED])
    def test_is_followed_by_nothing_and_the_log_says_what_was_dropped(self, more: Any, caplog) -> None:
        assert batches("a", STOP, more, "later still") == [[TextDelta("a")], [STOP]]
        assert "mine yields something behind the end of its answer, which is dropped" in caplog.text

    def test_in_the_middle_of_a_list_drops_the_rest_and_the_log_says_so(self, caplog) -> None:
        assert batches([STOP, TextDelta("late")]) == [[STOP]]
        assert "late" in caplog.text


HALVES: dict[str, Event] = {
    "text": TextDelta(HALF),
    "reasoning": ReasoningDelta(HALF),
    "signature": ReasoningSignature(HALF),
    "id of a call": ToolCallStarted(0, HALF, "find"),
    "name of a tool": ToolCallStarted(0, "c", HALF),
    "piece of arguments": ToolCallDelta(0, HALF),
    "value in arguments": ToolCallCompleted(0, {"a": [{"b": HALF}]}),
    "key in arguments": ToolCallCompleted(0, {"a": {HALF: 1}}),
    "model": AnswerRestarted("gone", HALF),
    "reason": AnswerRestarted(HALF, "a/b"),
    "message": Failed("mine", HALF, retryable=False),
    "code": Failed(HALF, "so it is", retryable=False),
    "stopped at": Completed("stop", HALF),
    "currency": Usage(1, 2, currency=HALF),
    "attempt": Usage(1, 2, attempts=(Attempt(HALF, 1, 2, None),)),
}


class TestHalfASurrogatePair:
    @pytest.mark.parametrize("place", HALVES)
    def test_is_refused_wherever_it_stands(self, place: str) -> None:
        found = event_batches(iter(["good", [TextDelta("fine"), HALVES[place]]]), "mine")
        assert next(found) == [TextDelta("good")]
        with pytest.raises(
            ValueError, match=r"^mine gives half a surrogate pair, .*\\ud83d.*: cut text between"
        ) as error:
            next(found)
        str(error.value).encode("ascii")

    def test_in_a_piece_of_text_is_refused(self) -> None:
        with pytest.raises(ValueError, match="half a surrogate pair"):
            batches(HALF)

    @settings(max_examples=50)
    @given(st.text(st.characters(codec=None, exclude_categories=()), max_size=8))
    def test_alone_is_what_is_refused_in_text(self, text: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError:
            with pytest.raises(ValueError, match="half a surrogate pair"):
                batches(text)
        else:
            assert batches(text)[:-1] == ([[TextDelta(text)]] if text else [[]])


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


class TestWhatIsNoEvent:
    @pytest.mark.parametrize("wrong", [None, 3, b"bytes", [[TextDelta("a")]], ["text"], [None], {"a": 1}, object()])
    def test_is_refused_with_what_it_is(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match=r"mine gives .*: yield text, or events other than ResponseStarted"):
            batches("a", wrong)

    @pytest.mark.parametrize(
        "wrong",
        [
            TextDelta(5),
            ToolCallDelta("first", "{}"),
            ToolCallCompleted(0, {"a": object()}),
            ToolCallCompleted(0, nested(100_000)),
            Completed("because"),
            Cancelled("no reason"),
            Usage("many", 2),
            Event(),
        ],
        ids=lambda event: type(event).__name__,
    )
    def test_but_looks_like_one_is_refused_with_what_is_wrong(self, wrong: Event) -> None:
        with pytest.raises(ValueError, match=r"mine gives an event that cannot be sent on, "):
            batches(wrong)

    @pytest.mark.parametrize("wrong", [Usage(-1, 2), Usage(1, -2), Usage(1, 2, cost=-0.5)])
    def test_usage_below_nothing_is_refused(self, wrong: Usage) -> None:
        with pytest.raises(ValueError, match="the numbers of a Usage must be 0 or more"):
            batches(wrong)

    @pytest.mark.parametrize("source", [None, 42, object()])
    def test_a_source_that_cannot_be_iterated_is_refused(self, source: Any) -> None:
        with pytest.raises(TypeError, match=r"mine gives .*: return a generator, or a list"):
            list(event_batches(source, "mine"))

    def test_a_cost_that_is_none_passes_for_an_unknown_one(self) -> None:
        assert math.isnan(batches(Usage(1, 2, cost=math.nan))[0][0].cost)


class TestClosing:
    def test_happens_once_at_each_end(self) -> None:
        closed = []

        def source() -> Iterator[str]:
            try:
                yield "a"
                yield "b"
            finally:
                closed.append(1)

        for taken in range(4):
            found = event_batches(source())
            for _ in range(taken):
                next(found)
            found.close()
        # A generator that was never started has nothing to close.
        assert len(closed) == 3

    def test_that_fails_changes_no_error_and_is_logged(self, caplog) -> None:
        class Source:
            def __iter__(self) -> Iterator[str]:
                raise KeyError("the error")

            def close(self) -> None:
                raise OSError("the other")

        with pytest.raises(KeyError, match="the error"):
            list(event_batches(Source(), "mine"))
        assert "mine failed to close" in caplog.text
        assert "the other" in caplog.text

    def test_is_told_again_to_a_generator_that_goes_on(self, caplog) -> None:
        caught = []

        def deaf(times: int) -> Iterator[str]:
            while len(caught) < times:
                with contextlib.suppress(GeneratorExit):
                    yield "a"
                    continue
                caught.append(1)

        for times in (2, 4):
            found = event_batches(deaf(times), "mine")
            next(found)
            caught.clear()
            found.close()
            assert len(caught) == min(times, 3)
        assert caplog.text.count("mine failed to close") == 1


def test_text_of_a_subclass_of_str_is_sent_as_text() -> None:
    (batch, _) = event_batches([Markup("<b>")])
    assert batch == [TextDelta("<b>")]
    assert type(batch[0].text) is str  # type: ignore[index,union-attr]
