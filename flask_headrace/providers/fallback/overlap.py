"""Finds where another model's answer overlaps the text that the reader has of an answer that broke off.

`RepetitionMatcher` is for a model that answers from the start: its answer must repeat the delivered text. For a model
that was asked to continue, `ContinuationMatcher` distinguishes four cases: it continues exactly, starts again, repeats
a few words first, or announces what it will do. A single word does not distinguish them: text is passed on as new only
if the text itself shows that it is, and every doubtful case counts as diverged.

Works on texts only. Pure.
"""

from __future__ import annotations

import re
from os.path import commonprefix
from typing import Protocol

import regex

DECISION_WINDOW = 48
"""Characters of a continuation, leading white space not counted, that are held back at most before it is judged."""

UNIQUE_MATCH_CHARS = 32
"""Characters in a row that must occur once in both texts to locate a repetition."""

MIN_SIMILAR_CHARS = 24
"""Characters in a row, letters and digits only, whose agreement is no accident."""

MIN_COMMON_PREFIX_CHARS = 8
"""Letters and digits at which the beginnings of both texts may agree because of a list or because of a restart."""

MIN_REPETITION_CHARS = 512
"""Length from which a repeated passage is certainly a repetition: no refrain is that long."""

RESTART_WATCH_CHARS = 400
"""Characters of a continuation that are searched for a later restart of the delivered text."""

MAX_LEADING_BLANKS = 1024
"""White space characters with which a continuation may begin."""

_WORD = re.compile(r"[^\W_]+")
_PREAMBLE = regex.compile(
    r"(?:sure|certainly|of course|absolutely|okay|ok|alright|got it|understood|sorry|gerne|natürlich|klar|"
    r"bien sûr|d'accord|claro|por supuesto|certo|конечно|当然|好的|もちろん)[\s,!.:\uff0c\u3002\uff01\u3001]"
    r"|(?:here|hier|voici|aquí|ecco)\b.{0,40}\b(?:rest|continu|remain|complet|full|fort|suite|resto)"
    r"|(?:continu(?:ing|ation|ed)|to continue|picking up|as i was saying|let me|i apologi[sz]e|i['\u2019]ll|i will)\b",
    regex.IGNORECASE | regex.DOTALL,
)
"""Beginnings that are typical of a new answer and not of a continuation. A false alarm costs one more request."""


class OverlapMatcher(Protocol):
    """Compares a text with the delivered text and finds its new part.

    Attributes:
        is_matched: Whether the text agrees with the delivered text; all further text is new.
        has_diverged: Whether it differs, or may differ.
    """

    is_matched: bool
    has_diverged: bool

    def feed(self, text: str) -> str:
        """Add the next piece and return the new part of it and of the pieces that were held back."""
        ...

    def end(self) -> str:
        """Return the new part of the text that is held back, since no more text comes."""
        ...


class RepetitionMatcher:
    """Compares a whole answer with the delivered text, which the answer must repeat from its beginning.

    Args:
        delivered: The text that the reader has.
    """

    def __init__(self, delivered: str) -> None:
        self._delivered = delivered
        self._position = 0
        self.is_matched = not delivered
        self.has_diverged = False

    def feed(self, text: str) -> str:
        """Add the next piece; see `OverlapMatcher.feed`."""
        if self.is_matched:
            return text
        known = self._delivered[self._position : self._position + len(text)]
        self._position += len(known)
        self.has_diverged = self.has_diverged or not text.startswith(known)
        self.is_matched = not self.has_diverged and self._position == len(self._delivered)
        return text[len(known) :] if self.is_matched else ""

    def end(self) -> str:
        """Return an empty text, since none is held back; see `OverlapMatcher.end`."""
        self.has_diverged = not self.is_matched
        return ""


class ContinuationMatcher:
    """Compares the output of a model that was asked to continue with the delivered text.

    Args:
        delivered: The text that the reader has. The model was given it without the white space at its end.
    """

    def __init__(self, delivered: str) -> None:
        self._prefix = delivered.rstrip()
        self._gap = delivered[len(self._prefix) :]
        self._prefix_words = _normalize(self._prefix)
        self._held = ""
        self._repetition_start: int | None = None
        self._position = 0
        self._restart_markers: tuple[str, ...] = ()
        self.is_matched = self.has_diverged = False

    def feed(self, text: str) -> str:
        """Add the next piece; see `OverlapMatcher.feed`."""
        if self.has_diverged:
            return ""
        if self._repetition_start is not None and not self.is_matched:
            return self._skip_repetition(text)
        if self.is_matched:
            return self._watch_for_restart(self._without_gap(text), text)
        self._held += text
        if len(self._held.lstrip()) >= DECISION_WINDOW or self._is_decidable():
            return self._judge(is_last=False)
        self.has_diverged = len(self._held) > MAX_LEADING_BLANKS
        return ""

    def end(self) -> str:
        """Return the new part of the text that is held back; see `OverlapMatcher.end`."""
        if self.has_diverged or self.is_matched:
            return ""
        if self._repetition_start is None and self._held.strip():
            new = self._judge(is_last=True)
            if self.has_diverged or self.is_matched:
                return new
        # Nothing new has come: only an answer that was repeated from its beginning is then known to be complete.
        is_whole = self._repetition_start is not None and not self._prefix[: self._repetition_start].strip()
        self.is_matched = is_whole and self._position == len(self._prefix)
        self.has_diverged = not self.is_matched
        return ""

    def _judge(self, *, is_last: bool) -> str:
        held, prefix = self._held, self._prefix
        text = held.lstrip()
        place = prefix.find(text[:UNIQUE_MATCH_CHARS]) if len(text) >= UNIQUE_MATCH_CHARS else -1
        if place >= 0:
            # If those characters occur twice, it is unknown which occurrence is repeated.
            self.has_diverged = prefix.find(text[:UNIQUE_MATCH_CHARS], place + 1) >= 0
            self._repetition_start = self._position = place
            return "" if self.has_diverged else self._skip_repetition(text)
        prefix_words = self._prefix_words
        is_new_answer = self._looks_like_new_answer() or self._repeats_mark()
        if is_new_answer or _may_repeat(prefix_words, _normalize(held), self._is_at_word_boundary(), is_last=is_last):
            self.has_diverged = True
            return ""
        self.is_matched = True
        if len(prefix_words) >= MIN_SIMILAR_CHARS:
            self._restart_markers = prefix_words[:UNIQUE_MATCH_CHARS], prefix_words[-UNIQUE_MATCH_CHARS:]
        self._held = ""
        return self._watch_for_restart(self._without_gap(held), held)

    def _skip_repetition(self, text: str) -> str:
        known = self._prefix[self._position : self._position + len(text)]
        self._position += len(known)
        new = text[len(known) :]
        # Behind the end of a sentence a repetition may be intended, as in a refrain; within a sentence it is not.
        is_refrain = (
            not self._is_mid_sentence() and len(self._prefix) - (self._repetition_start or 0) < MIN_REPETITION_CHARS
        )
        self.has_diverged = not text.startswith(known) or (bool(new) and is_refrain)
        self.is_matched = bool(new) and not self.has_diverged
        return self._without_gap(new) if self.is_matched else ""

    def _without_gap(self, text: str) -> str:
        # The reader has the white space at the break; the model was not given it.
        new = text[len(commonprefix([self._gap, text])) :]  # noqa: RUF071  # characters are what is to be compared
        self._gap = "" if new else self._gap[len(text) :]
        return new

    def _watch_for_restart(self, new: str, text: str) -> str:
        if self._restart_markers:
            self._held += text
            words = _normalize(self._held)
            if any(mark in words for mark in self._restart_markers):
                self.has_diverged, new = True, ""
            if len(self._held) > RESTART_WATCH_CHARS:
                self._restart_markers, self._held = (), ""
        return new

    def _is_decidable(self) -> bool:
        """Whether no further text could raise a doubt that the held text does not raise already."""
        words = _normalize(self._held)
        if not words or words in self._prefix_words:
            return False
        preamble = None if self._held[0].isspace() else _PREAMBLE.match(self._held, partial=True)
        return preamble is None or not preamble.partial

    def _is_mid_sentence(self) -> bool:
        """Whether the delivered text ends within a sentence."""
        return self._prefix[-1].isalnum() or self._prefix[-1] in ",;"

    def _is_at_word_boundary(self) -> bool:
        """Whether the delivered text certainly does not end within a word."""
        return bool(self._gap) or not self._prefix[-1].isalnum()

    def _repeats_mark(self) -> bool:
        """Whether the held text begins with the mark, such as that of a list item, that ends the delivered text."""
        mark = self._prefix.split()[-1]
        if "\n" in self._gap or any(map(str.isalnum, mark)):
            return False
        is_alone_in_line = self._prefix.rpartition("\n")[2].strip() == mark
        text = self._held.lstrip() if is_alone_in_line else self._held.lstrip(" \t")
        return text.startswith(mark) and (text == mark or text[len(mark)].isspace())

    def _looks_like_new_answer(self) -> bool:
        """Whether the held text begins as a new answer does, although it should continue a sentence."""
        text = self._held.lstrip()
        if text.startswith(("...", "…")) and not self._prefix.endswith((".", "…")):
            return True
        if self._held[0].isspace():
            # The model continues behind the white space that it was not given.
            return False
        is_one_word = not self._gap and self._prefix[-1].isupper()
        is_sentence = text[0].isupper() and self._is_mid_sentence() and "\n" not in self._gap and not is_one_word
        return is_sentence or _PREAMBLE.match(text) is not None


def _normalize(text: str) -> str:
    """Return the words of a text in lower case, joined by single spaces, without punctuation."""
    return " ".join(_WORD.findall(text.casefold()))


def _may_repeat(prefix_words: str, new: str, is_word_boundary: bool, *, is_last: bool) -> bool:
    """Whether a continuation may repeat the delivered text. Both texts are normalized; see `_normalize`."""
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
    # Whether the last delivered words are the first of the continuation. Some scripts have no spaces between words.
    if not prefix_words.endswith(tail):
        return False
    is_unspaced = tail[0] >= "\u0e00" and len(tail) > 1
    before = prefix_words[-len(tail) - 1 : -len(tail)]
    return is_unspaced or (before in {"", " "} and (not is_word_boundary or next_char in {"", " "}))
