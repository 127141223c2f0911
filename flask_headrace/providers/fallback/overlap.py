"""Where one answer that broke off meets another: which of the other's text is new to who has the first.

Two ways to tell: `Repetition` holds a whole answer against what was said, `Joint` what a model says that was asked to
go on with it. Such a model goes on exactly, or begins anew, or repeats a few words first, or says what it is about to
do. One word does not tell these apart: what is new is only passed on where the text itself shows it, and all else is a
doubt.

Knows texts only. Pure.
"""

from __future__ import annotations

import re
from os.path import commonprefix
from typing import Protocol

import regex

DECISION_WINDOW = 48
"""Characters of a continuation, its first blanks not counted, that are held back at most before it is judged."""

UNIQUE_MATCH_CHARS = 32
"""Characters in a row that stand in both texts, and once only, by which the place of a repetition is known."""

MIN_SIMILAR_CHARS = 24
"""Characters in a row, all but letters and digits left out, that are no accident."""

MIN_COMMON_PREFIX_CHARS = 8
"""As many of them at the beginnings of both texts may be a list's, or those of an answer that begins anew."""

MIN_REPETITION_CHARS = 512
"""Characters in a row that are said twice by no song, one time right behind the other."""

RESTART_WATCH_CHARS = 400
"""Characters of a continuation in which the first text must not begin anew, behind words of its own."""

MAX_LEADING_BLANKS = 1024
"""Blanks with which a continuation may begin."""

_WORD = re.compile(r"[^\W_]+")
_PREAMBLE = regex.compile(
    r"(?:sure|certainly|of course|absolutely|okay|ok|alright|got it|understood|sorry|gerne|natürlich|klar|"
    r"bien sûr|d'accord|claro|por supuesto|certo|конечно|当然|好的|もちろん)[\s,!.:\uff0c\u3002\uff01\u3001]"
    r"|(?:here|hier|voici|aquí|ecco)\b.{0,40}\b(?:rest|continu|remain|complet|full|fort|suite|resto)"
    r"|(?:continu(?:ing|ation|ed)|to continue|picking up|as i was saying|let me|i apologi[sz]e|i['\u2019]ll|i will)\b",
    regex.IGNORECASE | regex.DOTALL,
)
"""How an assistant that answers begins, and one that goes on does not. A false alarm costs a second question."""


class OverlapMatcher(Protocol):
    """Finds out what of a text is new.

    Attributes:
        is_settled: Whether it goes with what was said; all that comes now is new.
        is_off: Whether it does not, or nobody can tell.
    """

    is_settled: bool
    is_off: bool

    def feed(self, text: str) -> str:
        """Take the next piece and return what is new of it, and of those before it that were held back."""
        ...

    def end(self) -> str:
        """Return what was held back and is new, now that something else than text comes."""
        ...


class RepetitionMatcher:
    """A whole answer beside what was said, which it is to repeat first.

    Args:
        told: What was said.
    """

    def __init__(self, delivered: str) -> None:
        self._told = delivered
        self._place = 0
        self.is_settled = not delivered
        self.is_off = False

    def feed(self, text: str) -> str:
        """Take the next piece; see `Match`."""
        if self.is_settled:
            return text
        known = self._told[self._place : self._place + len(text)]
        self._place += len(known)
        self.is_off = self.is_off or not text.startswith(known)
        self.is_settled = not self.is_off and self._place == len(self._told)
        return text[len(known) :] if self.is_settled else ""

    def end(self) -> str:
        """Return nothing, since nothing is held back; see `Match`."""
        self.is_off = not self.is_settled
        return ""


class ContinuationMatcher:
    """What a model says that was asked to go on with what was said.

    Args:
        told: What was said. The model was given it without the blanks at its end.
    """

    def __init__(self, delivered: str) -> None:
        self._prefix = delivered.rstrip()
        self._gap = delivered[len(self._prefix) :]
        self._prefix_words = _normalize(self._prefix)
        self._held = ""
        self._repetition_start: int | None = None
        self._place = 0
        self._restart_markers: tuple[str, ...] = ()
        self.is_settled = self.is_off = False

    def feed(self, text: str) -> str:
        """Take the next piece; see `Match`."""
        if self.is_off:
            return ""
        if self._repetition_start is not None and not self.is_settled:
            return self._skip_repetition(text)
        if self.is_settled:
            return self._watch_for_restart(self._without_gap(text), text)
        self._held += text
        if len(self._held.lstrip()) >= DECISION_WINDOW or self._is_decidable():
            return self._judge(is_last=False)
        self.is_off = len(self._held) > MAX_LEADING_BLANKS
        return ""

    def end(self) -> str:
        """Return what is new of a text that is no longer; see `Match`."""
        if self.is_off or self.is_settled:
            return ""
        if self._repetition_start is None and self._held.strip():
            new = self._judge(is_last=True)
            if self.is_off or self.is_settled:
                return new
        # It says nothing, or nothing new: only an answer that was told from its beginning is known to be whole by that.
        is_whole = self._repetition_start is not None and not self._prefix[: self._repetition_start].strip()
        self.is_settled = is_whole and self._place == len(self._prefix)
        self.is_off = not self.is_settled
        return ""

    def _judge(self, *, is_last: bool) -> str:
        held, prefix = self._held, self._prefix
        text = held.lstrip()
        place = prefix.find(text[:UNIQUE_MATCH_CHARS]) if len(text) >= UNIQUE_MATCH_CHARS else -1
        if place >= 0:
            # Where those words stand twice, nobody knows which of them are meant.
            self.is_off = prefix.find(text[:UNIQUE_MATCH_CHARS], place + 1) >= 0
            self._repetition_start = self._place = place
            return "" if self.is_off else self._skip_repetition(text)
        prefix_words = self._prefix_words
        if self._looks_like_new_answer() or _may_repeat(
            prefix_words, _normalize(held), self._is_at_word_boundary(), is_last=is_last
        ):
            self.is_off = True
            return ""
        self.is_settled = True
        if len(prefix_words) >= MIN_SIMILAR_CHARS:
            self._restart_markers = prefix_words[:UNIQUE_MATCH_CHARS], prefix_words[-UNIQUE_MATCH_CHARS:]
        self._held = ""
        return self._watch_for_restart(self._without_gap(held), held)

    def _skip_repetition(self, text: str) -> str:
        known = self._prefix[self._place : self._place + len(text)]
        self._place += len(known)
        new = text[len(known) :]
        # Behind the end of a sentence it may be said again for good: in the midst of one it is not.
        is_refrain = (
            not self._is_mid_sentence() and len(self._prefix) - (self._repetition_start or 0) < MIN_REPETITION_CHARS
        )
        self.is_off = not text.startswith(known) or (bool(new) and is_refrain)
        self.is_settled = bool(new) and not self.is_off
        return self._without_gap(new) if self.is_settled else ""

    def _without_gap(self, text: str) -> str:
        # The blanks at the break were not given to the model, and the reader has them.
        new = text[len(commonprefix([self._gap, text])) :]  # noqa: RUF071  # characters are what is to be compared
        self._gap = "" if new else self._gap[len(text) :]
        return new

    def _watch_for_restart(self, new: str, text: str) -> str:
        if self._restart_markers:
            self._held += text
            words = _normalize(self._held)
            if any(mark in words for mark in self._restart_markers):
                self.is_off, new = True, ""
            if len(self._held) > RESTART_WATCH_CHARS:
                self._restart_markers, self._held = (), ""
        return new

    def _is_decidable(self) -> bool:
        """Whether more of it could raise no doubt that it does not raise already."""
        words = _normalize(self._held)
        if not words or words in self._prefix_words:
            return False
        preamble = None if self._held[0].isspace() else _PREAMBLE.match(self._held, partial=True)
        return preamble is None or not preamble.partial

    def _is_mid_sentence(self) -> bool:
        """Whether the break is in the midst of a sentence."""
        return self._prefix[-1].isalnum() or self._prefix[-1] in ",;"

    def _is_at_word_boundary(self) -> bool:
        """Whether it is known that no word is cut at the break."""
        return bool(self._gap) or not self._prefix[-1].isalnum()

    def _looks_like_new_answer(self) -> bool:
        """Whether it speaks for itself, as an answer does, where another one is to be gone on with in its midst."""
        text = self._held.lstrip()
        if text.startswith(("...", "…")) and not self._prefix.endswith((".", "…")):
            return True
        if self._held[0].isspace():
            # It was given the text without blanks at its end, and goes on behind them.
            return False
        is_one_word = not self._gap and self._prefix[-1].isupper()
        is_sentence = text[0].isupper() and self._is_mid_sentence() and "\n" not in self._gap and not is_one_word
        return is_sentence or _PREAMBLE.match(text) is not None


def _normalize(text: str) -> str:
    """Return the words of a text with one blank between them: without marks, and in one case."""
    return " ".join(_WORD.findall(text.casefold()))


def _may_repeat(prefix_words: str, new: str, is_word_boundary: bool, *, is_last: bool) -> bool:
    """Whether a text may be one that says again what was said, or nobody can tell; both as `_words` gives them."""
    common_length = len(commonprefix([prefix_words, new]))  # noqa: RUF071  # characters are what is to be compared
    if not prefix_words or common_length >= MIN_COMMON_PREFIX_CHARS:
        return True
    min_length = MIN_COMMON_PREFIX_CHARS if is_last else MIN_SIMILAR_CHARS
    if len(new) >= min_length and new[:MIN_SIMILAR_CHARS] in prefix_words:
        return True
    return any(
        _repeats_tail(prefix_words, new[:size], new[size : size + 1], is_word_boundary)
        for size in range(1, min(len(new), MIN_SIMILAR_CHARS) + 1)
    )


def _repeats_tail(prefix_words: str, tail: str, next_char: str, is_word_boundary: bool) -> bool:
    # Whether the last words that were said are the first of the text. Some scripts have no blanks between words.
    if not prefix_words.endswith(tail):
        return False
    is_unspaced = tail[0] >= "\u0e00" and len(tail) > 1
    before = prefix_words[-len(tail) - 1 : -len(tail)]
    return is_unspaced or (before in {"", " "} and (not is_word_boundary or next_char in {"", " "}))
