"""The overlap of a broken answer with its continuation: no word twice, none missing, or a doubt."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_headrace.providers.fallback.overlap import (
    DECISION_WINDOW,
    MAX_LEADING_BLANKS,
    RESTART_WATCH_CHARS,
    UNIQUE_MATCH_CHARS,
    ContinuationMatcher,
    RepetitionMatcher,
)
from tests.providers.fallback.test_continuation import cut

SENTENCES = (
    "Once upon a time there was an old king who lived by the sea. He had three daughters, and none of them could swim. "
    "The eldest kept bees; the second counted the ships that came home in the evening, and wrote them into a book.\n\n"
    "One morning the book was gone. Nobody had seen who took it, but a line of wet sand led from the door to a ship."
)
DOUBT = object()


def outcome(delivered: str, *pieces: str, is_ended: bool = True) -> object:
    """Return the text of a reader that had `delivered` before, or DOUBT."""
    matcher, text = ContinuationMatcher(delivered), delivered
    for piece in pieces:
        text += matcher.feed(piece)
    if is_ended:
        text += matcher.end()
    return DOUBT if matcher.has_diverged else text


def at(words: str) -> int:
    """Return the index behind these words in SENTENCES."""
    return SENTENCES.index(words) + len(words)


PLACES = {
    "behind a word": at("by the"),
    "behind a blank": at("counted the "),
    "in a word": at("eldest ke"),
    "behind a sentence": at("could swim."),
    "behind a sentence and its blank": at("could swim. "),
    "behind a comma": at("daughters,"),
    "behind a paragraph": at("into a book.\n"),
}


@pytest.mark.parametrize("place", PLACES)
class TestAModelThat:
    def broken(self, place: str) -> tuple[str, str, str]:
        """Return the delivered text, the same without white space at its end, and the rest of SENTENCES."""
        delivered = SENTENCES[: PLACES[place]]
        return delivered, delivered.rstrip(), SENTENCES[len(delivered.rstrip()) :]

    def test_goes_on_exactly_is_joined(self, place: str) -> None:
        delivered, _, rest = self.broken(place)
        assert outcome(delivered, *rest) == SENTENCES

    def test_begins_anew_is_joined_or_in_doubt(self, place: str) -> None:
        delivered, _, _ = self.broken(place)
        for before in ("", "\n\n", " "):
            is_within = delivered.rstrip()[-1] != "."
            assert outcome(delivered, *before, *SENTENCES) in ({SENTENCES} if is_within else {SENTENCES, DOUBT})

    @pytest.mark.parametrize("change", [str.upper, lambda text: re.sub(r"(\w+)", r"**\1**", text), "\n".join])
    def test_begins_anew_in_another_form_is_in_doubt(self, place: str, change) -> None:
        delivered, _, _ = self.broken(place)
        text = change(SENTENCES.split(" ")) if change == "\n".join else change(SENTENCES)
        assert outcome(delivered, *text) is DOUBT

    def test_begins_anew_in_other_words_from_some_place_on_is_in_doubt(self, place: str) -> None:
        delivered, _, _ = self.broken(place)
        assert outcome(delivered, "Once upon a time there was a queen. She had no daughters.") is DOUBT

    @pytest.mark.parametrize("words", [1, 2, 3, 5, 8, 12, 20])
    def test_repeats_words_is_joined_or_in_doubt(self, place: str, words: int) -> None:
        delivered, begun, rest = self.broken(place)
        starts = [found.start() for found in re.finditer(r"\S+", begun)][-words:]
        for before in ("", " ", "\n\n"):
            assert outcome(delivered, *before, *begun[starts[0] :], *rest) in {SENTENCES, DOUBT}

    def test_says_what_it_is_about_to_do_is_in_doubt(self, place: str) -> None:
        delivered, begun, rest = self.broken(place)
        for preamble in ("Sure, here is the rest:\n\n", "Here's the rest of the story: ", "Continuing: ", "Claro! "):
            for text in (rest, begun[-40:] + rest, SENTENCES):
                assert outcome(delivered, *preamble, *text) is DOUBT

    @pytest.mark.parametrize("preamble", ["Die Fortsetzung lautet wie folgt: ", " ...", "…"])
    def test_begins_anew_behind_words_of_its_own_is_in_doubt(self, place: str, preamble: str) -> None:
        delivered, begun, rest = self.broken(place)
        assert outcome(delivered, *preamble, *SENTENCES) is DOUBT
        assert outcome(delivered, *preamble, *begun[-50:], *rest) is DOUBT

    @pytest.mark.parametrize("nothing", ["", " ", "\n\n"])
    def test_says_nothing_is_in_doubt(self, place: str, nothing: str) -> None:
        assert outcome(self.broken(place)[0], nothing) is DOUBT

    def test_repeats_and_says_nothing_new_is_in_doubt(self, place: str) -> None:
        delivered, begun, _ = self.broken(place)
        assert outcome(delivered, *begun[-40:]) is DOUBT


class TestDoubt:
    @pytest.mark.parametrize(
        ("delivered", "text"),
        [
            ("Once upon a ", "Once upon a time there was a king"),
            ("Once upon a", " Once upon a time there was a king"),
            ("Once upon a ti", "time there was a king"),
            ("Once upon a", "a time there was a king"),
            ("Once upon a ti", " time there was a king"),
            ("Once upon a ", "Sure! It goes on like this: time there was a king"),
            ("Once upon a ", "There was a king, and he was old"),
            ("ha ", "ha ha ha"),
            ("\n-", "\n- a"),
            ("ha ha ha ha ha ha ha ha ha ha ha ha ha ha ", "ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha!"),
            ("1", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"),
            ("从前有一个", "从前有一个国王, 他住在海边"),
            ("从前有一个", "一个国王, 他住在海边"),
            (
                "Row, row, row your boat, gently down the stream.\n",
                "Row, row, row your boat, gently down the stream.\nOh",
            ),
            ("- apples are red\n- pears are green\n", "- apples are red and sweet, too"),
            ("The answer is yes. It really is. ", "It really is."),
        ],
    )
    def test_is_what_is_left_where_words_may_be_said_twice(self, delivered: str, text: str) -> None:
        assert outcome(delivered, text) is outcome(delivered, *text) is DOUBT

    @pytest.mark.parametrize(
        ("delivered", "text"),
        [
            ("The ban", "ana is ripe"),
            ("I wa", "s there"),
            ("I want a ", "and b, and nothing more than that"),
            ("- apples\n- pears\n", "\n- plums"),
            ("He said: ", "Never again."),
            ("SEL", "ECT name FROM rulers"),
            ("Title\n\n", "Text of it"),
            ("one, two, ", "three"),
            ("It is 4", "2."),
            ("我", "们在这里"),
            ("f(x", ")"),
            ("He asked whether she was", " sure, and she said that she was not"),
        ],
    )
    def test_is_none_where_it_plainly_goes_on(self, delivered: str, text: str) -> None:
        joined = delivered + text.removeprefix("\n") if delivered.endswith("\n") else delivered + text
        assert outcome(delivered, text) == outcome(delivered, *text) == joined

    def test_comes_late_where_it_begins_anew_behind_much_else(self) -> None:
        delivered = SENTENCES[:100]
        emitted = outcome(delivered, " " + "word " * 20, is_ended=False)
        assert isinstance(emitted, str)
        assert len(emitted) > 190
        assert outcome(delivered, " " + "word " * 20, SENTENCES) is DOUBT
        assert outcome(delivered, " " + "word " * RESTART_WATCH_CHARS, SENTENCES) != DOUBT

    def test_is_left_behind_many_blanks(self) -> None:
        matcher = ContinuationMatcher("Once upon a")
        for _ in range(MAX_LEADING_BLANKS + 1):
            assert not matcher.has_diverged
            matcher.feed("\n")
        assert matcher.has_diverged


def test_what_plainly_goes_on_is_not_held_back() -> None:
    assert ContinuationMatcher(SENTENCES[: at("kept ")]).feed("bees") == "bees"
    assert ContinuationMatcher(SENTENCES[: at("kept")]).feed(" bees") == " bees"


@settings(max_examples=100)
@given(st.text(min_size=DECISION_WINDOW, max_size=3 * DECISION_WINDOW), st.lists(st.integers(0, 99), max_size=8))
def test_no_more_than_a_window_is_held_back(text: str, places: list[int]) -> None:
    matcher = ContinuationMatcher("Once upon a")
    fed, emitted = "", ""
    for piece in cut(text.lstrip(), places):
        fed += piece
        emitted += matcher.feed(piece)
        assert matcher.has_diverged or len(fed) - len(emitted) < DECISION_WINDOW or matcher.is_matched


WORDS = st.sampled_from(
    [
        "a",
        "the",
        "king",
        "ha",
        "Once",
        "upon",
        "time",
        "and",
        "king.",
        "\n-",
        "1",
        "11",
        "time,",
        "Ähre",
        "国王",
        "so-so",
    ]
) | st.text("abcdefgh", min_size=1, max_size=9)
ANSWERS = st.lists(WORDS, min_size=2, max_size=60).map(" ".join)


@settings(max_examples=500)
@given(ANSWERS, st.integers(0, 10**6), st.integers(0, 70), st.sampled_from(["", "\n\n"]), st.lists(st.integers(0, 99)))
def test_whatever_is_repeated_no_word_comes_twice_and_none_is_missing(
    answer: str, broken_at: int, words: int, before: str, places: list[int]
) -> None:
    delivered = answer[: broken_at % len(answer)]
    begun = delivered.rstrip()
    starts = [found.start() for found in re.finditer(r"\S*\w\S*", begun)]
    text = answer[len(begun) :]
    if starts and words:
        text = before + answer[starts[max(0, len(starts) - words)] :]
    if begun:
        assert outcome(delivered, *cut(text, places)) in {answer, DOUBT}


class TestRepetition:
    def test_of_nothing_is_settled_at_once(self) -> None:
        assert RepetitionMatcher("").feed("a") == "a"

    def test_that_ends_early_is_off(self) -> None:
        match = RepetitionMatcher("abc")
        assert (match.feed("ab"), match.end(), match.has_diverged) == ("", "", True)

    def test_long_enough_is_known_by_its_first_words(self) -> None:
        assert len("Once upon a time there was an old") > UNIQUE_MATCH_CHARS
