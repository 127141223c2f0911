"""Thoughts that open an answer are told apart from its text, wherever it is cut; what looks like them stays text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.core.events import (
    ReasoningDelta,
    TextDelta,
)
from flask_headrace.providers.chat_request import ChatRequest, Message, ResponseFormat
from flask_headrace.providers.decoding.opening_thoughts import (
    MAX_BLANKS,
    MAX_DOUBTFUL,
    MAX_RUNS,
    OpeningThoughts,
    opening_thoughts,
)
from flask_headrace.providers.decoding.think_tags import DEFAULT_TAGS, ThinkTags
from tests.providers.decoding.thoughts import cuts, separate, told

THOUGHT = {
    "<think>maybe</think>right": ("maybe", "right"),
    "\n <think>\nmaybe\n</think>\n\nright\n": ("maybe", "right\n"),
    "<think>\n\n</think>\n\nright": ("", "right"),
    "<think></think>right": ("", "right"),
    "<think>maybe</think>": ("maybe", ""),
    "<think>maybe</think>\n": ("maybe", ""),
    "<think>maybe": ("maybe", ""),
    "<think>maybe </thi": ("maybe </thi", ""),
    "<think>1 < 2 </ 3 </thin> </think>right": ("1 < 2 </ 3 </thin>", "right"),
    "<Think>maybe</THINK>right": ("maybe", "right"),
    "[THINK]maybe[/THINK]right": ("maybe", "right"),
    "<thinking>maybe</think>?</thinking>right": ("maybe</think>?", "right"),
    "◁think▷maybe◁/think▷right": ("maybe", "right"),
    "<think>a</think>\n<think>b</think>\nright": ("ab", "right"),
    "<think>a</think><thought>b</thought>right": ("ab", "right"),
    "<think>a</think>right <think>b</think>": ("a", "right <think>b</think>"),
    "<think>a</think></think>right": ("a", "</think>right"),
    # Thoughts inside thoughts, and thoughts that name the tag.
    "<think>a<think>b</think>c</think>right": ("a<think>b</think>c", "right"),
    "<think>in <think> tags</think>\nright": ("in <think> tags", "right"),
    "<think>in <think></think> tags</think>right": ("in <think></think> tags", "right"),
    "<think>a<think>b</think>c<think>d</think>e</think>right": ("a<think>b</think>c<think>d</think>e", "right"),
    "<think>\n<think>\nmaybe</think>right": ("<think>\nmaybe", "right"),
    "<think>in <think> tags</think>": ("in <think> tags", ""),
}
LOOKS_LIKE_IT = [
    "right",
    "  right",
    "<thinker>maybe</thinker>",
    "<think",
    "<",
    " <thi",
    "< think>maybe</think>right",
    "<think maybe>",
    "right <think>maybe</think>",
    "`<think>` opens thoughts",
    "</think>right",
    "maybe</think>right",
    "<<think>maybe</think>",
    "[THIN]",
    "\n",
    " " * (MAX_BLANKS + 1) + "<think>maybe</think>",
]


class TestAnAnswer:
    @pytest.mark.parametrize("text", THOUGHT)
    def test_that_thoughts_open_has_them_as_reasoning_wherever_it_is_cut(self, text: str) -> None:
        for pieces in cuts(text):
            assert told(separate(OpeningThoughts(DEFAULT_TAGS), *pieces)) == THOUGHT[text], pieces

    @pytest.mark.parametrize("text", LOOKS_LIKE_IT)
    def test_that_only_looks_like_it_stays_as_it_is(self, text: str) -> None:
        for pieces in cuts(text):
            assert told(separate(OpeningThoughts(DEFAULT_TAGS), *pieces)) == ("", text), pieces

    @given(
        st.lists(
            st.sampled_from(["<think>", "</think>", "<", "</", "think>", " ", "\n", "a", "[THINK]", "{}"]), max_size=9
        ),
        st.data(),
    )
    def test_is_the_same_wherever_it_is_cut(self, words: list[str], drawn: st.DataObject) -> None:
        text = "".join(words)
        places = sorted(drawn.draw(st.sets(st.integers(1, max(1, len(text) - 1)))))
        pieces = [text[start:end] for start, end in itertools.pairwise([0, *places, len(text)]) if start < end]
        assert told(separate(OpeningThoughts(DEFAULT_TAGS), *pieces)) == told(
            separate(OpeningThoughts(DEFAULT_TAGS), *([text] if text else []))
        )

    @pytest.mark.parametrize(("begin", "end"), DEFAULT_TAGS)
    def test_may_have_any_of_the_usual_tags(self, begin: str, end: str) -> None:
        for pieces in cuts(f"{begin}maybe{end}right", most=1):
            assert told(separate(OpeningThoughts(DEFAULT_TAGS), *pieces)) == ("maybe", "right")

    def test_has_the_operator_s_tags_alone(self) -> None:
        tags = (("<|plan|>", "<|say|>"),)
        assert told(separate(OpeningThoughts(tags), "<|plan|>maybe<|say|>right")) == ("maybe", "right")
        assert told(separate(OpeningThoughts(tags), "<think>maybe</think>")) == ("", "<think>maybe</think>")


class TestWhatWaits:
    def test_is_no_more_than_the_beginning_of_a_tag(self) -> None:
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        for piece in ("<", "thi", "nk", ">"):
            assert thoughts.separate([TextDelta(piece)]) == []
        assert thoughts.separate([TextDelta("1 <")]) == [ReasoningDelta("1")]
        assert thoughts.separate([TextDelta(" 2")]) == [ReasoningDelta(" < 2")]
        assert thoughts.separate([TextDelta(" </thin")]) == []
        assert thoughts.separate([TextDelta("g")]) == [ReasoningDelta(" </thing")]
        assert thoughts.separate([TextDelta("</think>")]) == []
        assert thoughts.separate([TextDelta(" <")]) == []
        assert thoughts.separate([TextDelta("b>")]) == [TextDelta("<"), TextDelta("b>")]

    def test_is_nothing_where_no_tag_can_begin(self) -> None:
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        first, second = TextDelta(" Right"), TextDelta("<think>")
        assert thoughts.separate([first, second])[0] is first
        assert thoughts.is_over

    def test_is_white_space_only_for_a_while(self) -> None:
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        assert thoughts.separate([TextDelta(" " * MAX_BLANKS)]) == []
        assert thoughts.separate([TextDelta(" ")]) == [TextDelta(" " * MAX_BLANKS), TextDelta(" ")]
        inside = OpeningThoughts(DEFAULT_TAGS)
        assert inside.separate([TextDelta("<think>maybe" + " " * MAX_BLANKS)]) == [ReasoningDelta("maybe")]
        assert inside.separate([TextDelta(" ")]) == [ReasoningDelta(" " * (MAX_BLANKS + 1))]

    def test_is_as_much_text_as_may_still_be_thoughts_where_the_thoughts_have_another_opening_tag(self) -> None:
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        assert thoughts.separate([TextDelta("<think>a <think> b</think>")]) == [ReasoningDelta("a <think> b")]
        assert thoughts.separate([TextDelta("x" * MAX_DOUBTFUL)]) == []
        assert thoughts.separate([TextDelta("y")]) == [TextDelta("x" * MAX_DOUBTFUL + "y")]

    def test_is_nothing_behind_thoughts_whose_inner_ones_are_all_closed(self) -> None:
        thoughts = OpeningThoughts(DEFAULT_TAGS)
        for letter in "<think>a<think>b</think>c<think>d</think>e</think>":
            thoughts.separate([TextDelta(letter)])
        assert thoughts.separate([TextDelta("right")]) == [TextDelta("right")]

    def test_has_an_end_where_a_server_sends_thoughts_without_end(self) -> None:
        reasoning, text = told(separate(OpeningThoughts(DEFAULT_TAGS), "<think>a</think>" * 100_000))
        assert reasoning == "a" * MAX_RUNS
        assert text == "<think>a</think>" * (100_000 - MAX_RUNS)


class TestAModelWhosePromptHasTheOpeningTag:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("maybe</think>\n\nright", ("maybe", "right")),
            ("\nmaybe[/THINK]right", ("maybe", "right")),
            ("<think>maybe</think>right", ("maybe", "right")),
            ("</think>right", ("", "right")),
            ("maybe", ("maybe", "")),
            ("<thi", ("<thi", "")),
            ("{maybe}</think>right", ("{maybe}", "right")),
            ("maybe</think>a</think>b", ("maybe", "a</think>b")),
        ],
    )
    def test_begins_inside_its_thoughts(self, text: str, expected: tuple[str, str]) -> None:
        for pieces in cuts(text):
            assert told(separate(OpeningThoughts(DEFAULT_TAGS, starts_inside=True), *pieces)) == expected, pieces

    def test_has_no_thoughts_where_its_server_has_it_write_json_at_once(self) -> None:
        for text in ('{"mill": "right"}', "[1]"):
            for pieces in cuts(text, most=1):
                thoughts = OpeningThoughts(DEFAULT_TAGS, starts_inside=True, is_json=True)
                assert told(separate(thoughts, *pieces)) == ("", text)
        thinking = OpeningThoughts(DEFAULT_TAGS, starts_inside=True, is_json=True)
        assert told(separate(thinking, 'maybe {"a": 1}</think>{}')) == ('maybe {"a": 1}', "{}")


def thoughts_for(
    *messages: Message, tags: ThinkTags | None = None, is_official: bool = False
) -> OpeningThoughts | None:
    return opening_thoughts(tags or ThinkTags(), ChatRequest("r1", messages), is_official=is_official)


QUESTION = Message("user", "hi")


class TestARequest:
    def test_to_a_provider_s_own_server_has_its_text_as_it_is_unless_tags_are_set(self) -> None:
        assert thoughts_for(QUESTION, is_official=True) is None
        assert thoughts_for(QUESTION) is not None
        assert thoughts_for(QUESTION, tags=ThinkTags(())) is None
        assert thoughts_for(QUESTION, tags=ThinkTags(DEFAULT_TAGS), is_official=True) is not None
        assert thoughts_for(QUESTION, tags=ThinkTags(in_prompt=("r1",)), is_official=True) is not None

    @pytest.mark.parametrize(
        ("messages", "in_prompt", "is_inside"),
        [
            ((QUESTION,), (), False),
            ((QUESTION,), ("r1",), True),
            ((QUESTION,), ("*",), True),
            ((QUESTION,), ("other",), False),
            ((QUESTION, Message("assistant", "<think>\n")), (), True),
            ((QUESTION, Message("assistant", "<think>\nI should")), (), True),
            ((QUESTION, Message("assistant", "<think>a<think>b")), (), True),
            ((QUESTION, Message("assistant", "<think>\n</think>\n\n")), ("r1",), False),
            ((QUESTION, Message("assistant", "The mill")), ("r1",), False),
            ((QUESTION, Message("assistant", " ")), ("r1",), True),
            ((QUESTION, Message("assistant", "a <think>")), (), False),
            ((Message("assistant", "<think>"), QUESTION), (), False),
        ],
    )
    def test_says_whether_its_answer_begins_inside_the_thoughts(
        self, messages: tuple[Message, ...], in_prompt: tuple[str, ...], is_inside: bool
    ) -> None:
        thoughts = thoughts_for(*messages, tags=ThinkTags(in_prompt=in_prompt))
        assert thoughts is not None
        expected = ("maybe", "right") if is_inside else ("", "maybe</think>right")
        assert told(separate(thoughts, "maybe</think>right")) == expected

    def test_for_json_is_known_as_one(self) -> None:
        request = ChatRequest("r1", (QUESTION,), response_format=ResponseFormat({}))
        thoughts = opening_thoughts(ThinkTags(in_prompt=("*",)), request, is_official=False)
        assert thoughts is not None
        assert told(separate(thoughts, "{}")) == ("", "{}")
