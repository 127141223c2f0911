"""Other events among the deltas of an answer that may open with thoughts: each stays in its place, and none is lost."""

from __future__ import annotations

import itertools

import httpx2
import pytest

from flask_headrace.core.events import (
    Event,
    ProviderEvent,
    ReasoningDelta,
    TextDelta,
    ToolCallCompleted,
    ToolCallStarted,
    Usage,
)
from flask_headrace.providers.decoding.opening_thoughts import OpeningThoughts
from flask_headrace.providers.decoding.think_tags import DEFAULT_TAGS
from tests.providers.decoding.thoughts import END, answer_stream, cuts, read_batches

CALL: list[Event] = [ToolCallStarted(0, "c", "f"), ToolCallCompleted(0, {})]


class TestSomethingElse:
    @pytest.mark.parametrize(
        ("begun", "before"),
        [
            ("<thi", [TextDelta("<thi")]),
            ("\n\n", [TextDelta("\n\n")]),
            ("<think>a </thi", [ReasoningDelta("a"), ReasoningDelta(" </thi")]),
            ("<think>a</think> <", [ReasoningDelta("a"), TextDelta("<")]),
            ("<think>a</think>\n", [ReasoningDelta("a")]),
            ("<think>a<think></think> b", [ReasoningDelta("a<think>"), TextDelta("b")]),
        ],
    )
    @pytest.mark.parametrize("following", [CALL, [ReasoningDelta("b")], []])
    def test_comes_after_what_waited(self, begun: str, before: list[Event], following: list[Event]) -> None:
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        assert thoughts.separate([TextDelta(begun), *following, *END]) == [*before, *following, *END]

    def test_leaves_thoughts_open(self) -> None:
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        events = thoughts.separate([TextDelta("<think>a"), *CALL, TextDelta("b</think>right")])
        assert events == [ReasoningDelta("a"), *CALL, ReasoningDelta("b"), TextDelta("right")]

    def test_of_the_usage_so_far_may_come_between_two_pieces_of_a_tag(self) -> None:
        thoughts, usage = OpeningThoughts(DEFAULT_TAGS), Usage(1, 1, estimated=True)
        events = thoughts.separate([TextDelta("<thi"), usage]) + thoughts.separate([TextDelta("nk>a</think>b"), usage])
        assert events == [usage, ReasoningDelta("a"), TextDelta("b"), usage]

    def test_of_reasoning_in_a_field_of_its_own_may_come_before(self) -> None:
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        events = thoughts.separate([ReasoningDelta("a"), TextDelta("<think>b</think>right")])
        assert events == [ReasoningDelta("a"), ReasoningDelta("b"), TextDelta("right")]


BLOCK = ProviderEvent("anthropic", "block", '{"type":"text","text":"","citations":null}')
ITEM = ProviderEvent("openai-responses", "item", '{"output_index":0,"item":{"type":"message","id":"m"}}')
NATIVE = ProviderEvent("anthropic", "block", '{"type":"thinking","thinking":"","signature":""}')
LOGPROBS = ProviderEvent("openai-responses", "logprobs", '{"logprobs":[1]}')
PART = ProviderEvent("openai-chat", "part", '{"choices":[{"logprobs":{"content":[1]}}]}')
SEARCH = ProviderEvent("anthropic", "block", '{"type":"server_tool_use"}', is_content=True)


class TestWhatTheProviderSays:
    @pytest.mark.parametrize("said", [BLOCK, ITEM])
    def test_of_the_text_comes_with_the_text(self, said: ProviderEvent) -> None:
        for pieces in cuts("<think>a</think>b", most=1):
            thoughts = OpeningThoughts(DEFAULT_TAGS)
            events = thoughts.separate([said, *map(TextDelta, pieces), *END])
            place = events.index(said)
            assert all(type(event) is ReasoningDelta for event in events[:place])
            assert "".join(event.text for event in events[place + 1 : -2]) == "b"

    def test_of_a_text_that_is_only_thoughts_goes_with_it(self) -> None:
        again = ProviderEvent("anthropic", "block", BLOCK.data, is_content=True)
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        events = thoughts.separate([BLOCK, TextDelta("<think>a</think>"), again, TextDelta("b")])
        assert events == [ReasoningDelta("a"), again, TextDelta("b")]
        for first, *rest in itertools.islice(cuts("<think>a </think>b", most=1), 1, len("<think>a </think>")):
            events = OpeningThoughts(DEFAULT_TAGS).separate([BLOCK, TextDelta(first), again, *map(TextDelta, rest)])
            assert events == [ReasoningDelta("a"), again, TextDelta("b")]
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        assert thoughts.separate([BLOCK, TextDelta("<think>a"), *CALL, *END]) == [ReasoningDelta("a"), *CALL, *END]

    def test_of_a_piece_of_the_thoughts_is_left_out_and_that_of_the_text_stays_with_it(self) -> None:
        thoughts, other = OpeningThoughts(DEFAULT_TAGS), ProviderEvent("openai-responses", "logprobs", "{}")
        events = thoughts.separate(
            [
                LOGPROBS,
                TextDelta("<think>"),
                LOGPROBS,
                TextDelta("a</think>"),
                LOGPROBS,
                TextDelta("\n"),
                other,
                TextDelta("b"),
            ]
        )
        assert events == [ReasoningDelta("a"), other, TextDelta("b")]
        events = OpeningThoughts(DEFAULT_TAGS).separate([TextDelta("<think>a"), LOGPROBS, TextDelta("</think>b")])
        assert events == [ReasoningDelta("a"), TextDelta("b")]

    @pytest.mark.parametrize("said", [[BLOCK], [ITEM, LOGPROBS], [PART]])
    def test_stays_in_its_place_where_there_are_no_thoughts(self, said: list[Event]) -> None:
        for text in ("right", "<thinker>", " <b>"):
            for pieces in cuts(text, most=1):
                sent = [event for piece in pieces for event in (*said, TextDelta(piece))]
                assert [e for e in OpeningThoughts(DEFAULT_TAGS).separate([*sent, *END]) if e != PART] == [
                    event for event in (*sent, *END) if event != PART
                ]

    @pytest.mark.parametrize("said", [NATIVE, SEARCH, PART])
    def test_of_anything_else_does_not_wait(self, said: ProviderEvent) -> None:
        assert OpeningThoughts(DEFAULT_TAGS).separate([said]) == [said]

    def test_does_not_wait_without_end(self) -> None:
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        assert len(thoughts.separate([ITEM] * 1000)) == 1000


class CountedThoughts(OpeningThoughts):
    batches = 0

    def separate(self, events: list[Event]) -> list[Event]:
        self.batches += 1
        return super().separate(events)


class TestTheBatchesOfAnAnswer:
    @pytest.mark.parametrize(
        ("text", "last"),
        [
            ("<thi", TextDelta("<thi")),
            ("<think></thi", ReasoningDelta("</thi")),
            ("<think><think></think>a", TextDelta("a")),
        ],
    )
    def test_that_breaks_off_lose_nothing(self, text: str, last: Event) -> None:
        broken = httpx2.ReadError("broken")
        answer = answer_stream([TextDelta(text)], thoughts=OpeningThoughts(DEFAULT_TAGS), error=broken)
        found: list[list[Event]] = []
        with pytest.raises(httpx2.ReadError):
            found.extend(read_batches(answer))
        assert found[-1][-1] == last

    def test_do_not_pass_through_the_thoughts_once_the_text_has_begun(self) -> None:
        thoughts = CountedThoughts(DEFAULT_TAGS)
        given = [[TextDelta("<think>a")], [TextDelta("</think>b")], [TextDelta("<think>c")], END]
        separated = list(read_batches(answer_stream(*given, thoughts=thoughts)))
        assert separated == [[ReasoningDelta("a")], [TextDelta("b")], [TextDelta("<think>c")], END]
        assert thoughts.batches == 2

    def test_stay_as_they_are_where_there_are_no_tags(self) -> None:
        given = [[TextDelta("<think>a</think>b")], END]
        assert list(read_batches(answer_stream(*given, thoughts=None))) == given
