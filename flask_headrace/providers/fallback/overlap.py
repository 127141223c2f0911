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

WINDOW = 48
"""Characters of a continuation, its first blanks not counted, that are held back at most before it is judged."""

SURE = 32
"""Characters in a row that stand in both texts, and once only, by which the place of a repetition is known."""

ALIKE = 24
"""Characters in a row, all but letters and digits left out, that are no accident."""

BEGUN = 8
"""As many of them at the beginnings of both texts may be a list's, or those of an answer that begins anew."""

REFRAIN = 512
"""Characters in a row that are said twice by no song, one time right behind the other."""

WATCHED = 400
"""Characters of a continuation in which the first text must not begin anew, behind words of its own."""

MOST_BLANKS = 1024
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


class Match(Protocol):
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


class Repetition:
    """A whole answer beside what was said, which it is to repeat first.

    Args:
        told: What was said.
    """

    def __init__(self, told: str) -> None:
        self._told = told
        self._place = 0
        self.is_settled = not told
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


class Joint:
    """What a model says that was asked to go on with what was said.

    Args:
        told: What was said. The model was given it without the blanks at its end.
    """

    def __init__(self, told: str) -> None:
        self._begun = told.rstrip()
        self._gap = told[len(self._begun) :]
        self._said = _words(self._begun)
        self._held = ""
        self._repeats_from: int | None = None
        self._place = 0
        self._marks: tuple[str, ...] = ()
        self.is_settled = self.is_off = False

    def feed(self, text: str) -> str:
        """Take the next piece; see `Match`."""
        if self.is_off:
            return ""
        if self._repeats_from is not None and not self.is_settled:
            return self._repeated(text)
        if self.is_settled:
            return self._watched(self._joined(text), text)
        self._held += text
        if len(self._held.lstrip()) >= WINDOW or self._is_clear():
            return self._looked_at(is_last=False)
        self.is_off = len(self._held) > MOST_BLANKS
        return ""

    def end(self) -> str:
        """Return what is new of a text that is no longer; see `Match`."""
        if self.is_off or self.is_settled:
            return ""
        if self._repeats_from is None and self._held.strip():
            new = self._looked_at(is_last=True)
            if self.is_off or self.is_settled:
                return new
        # It says nothing, or nothing new: only an answer that was told from its beginning is known to be whole by that.
        is_whole = self._repeats_from is not None and not self._begun[: self._repeats_from].strip()
        self.is_settled = is_whole and self._place == len(self._begun)
        self.is_off = not self.is_settled
        return ""

    def _looked_at(self, *, is_last: bool) -> str:
        held, begun = self._held, self._begun
        text = held.lstrip()
        place = begun.find(text[:SURE]) if len(text) >= SURE else -1
        if place >= 0:
            # Where those words stand twice, nobody knows which of them are meant.
            self.is_off = begun.find(text[:SURE], place + 1) >= 0
            self._repeats_from = self._place = place
            return "" if self.is_off else self._repeated(text)
        said = self._said
        if self._is_answer() or _is_alike(said, _words(held), self._has_whole_words(), is_last=is_last):
            self.is_off = True
            return ""
        self.is_settled = True
        if len(said) >= ALIKE:
            self._marks = said[:SURE], said[-SURE:]
        self._held = ""
        return self._watched(self._joined(held), held)

    def _repeated(self, text: str) -> str:
        known = self._begun[self._place : self._place + len(text)]
        self._place += len(known)
        new = text[len(known) :]
        # Behind the end of a sentence it may be said again for good: in the midst of one it is not.
        is_refrain = not self._is_within() and len(self._begun) - (self._repeats_from or 0) < REFRAIN
        self.is_off = not text.startswith(known) or (bool(new) and is_refrain)
        self.is_settled = bool(new) and not self.is_off
        return self._joined(new) if self.is_settled else ""

    def _joined(self, text: str) -> str:
        # The blanks at the break were not given to the model, and the reader has them.
        new = text[len(commonprefix([self._gap, text])) :]  # noqa: RUF071  # characters are what is to be compared
        self._gap = "" if new else self._gap[len(text) :]
        return new

    def _watched(self, new: str, text: str) -> str:
        if self._marks:
            self._held += text
            words = _words(self._held)
            if any(mark in words for mark in self._marks):
                self.is_off, new = True, ""
            if len(self._held) > WATCHED:
                self._marks, self._held = (), ""
        return new

    def _is_clear(self) -> bool:
        """Whether more of it could raise no doubt that it does not raise already."""
        words = _words(self._held)
        if not words or words in self._said:
            return False
        preamble = None if self._held[0].isspace() else _PREAMBLE.match(self._held, partial=True)
        return preamble is None or not preamble.partial

    def _is_within(self) -> bool:
        """Whether the break is in the midst of a sentence."""
        return self._begun[-1].isalnum() or self._begun[-1] in ",;"

    def _has_whole_words(self) -> bool:
        """Whether it is known that no word is cut at the break."""
        return bool(self._gap) or not self._begun[-1].isalnum()

    def _is_answer(self) -> bool:
        """Whether it speaks for itself, as an answer does, where another one is to be gone on with in its midst."""
        text = self._held.lstrip()
        if text.startswith(("...", "…")) and not self._begun.endswith((".", "…")):
            return True
        if self._held[0].isspace():
            # It was given the text without blanks at its end, and goes on behind them.
            return False
        is_one_word = not self._gap and self._begun[-1].isupper()
        is_sentence = text[0].isupper() and self._is_within() and "\n" not in self._gap and not is_one_word
        return is_sentence or _PREAMBLE.match(text) is not None


def _words(text: str) -> str:
    """Return the words of a text with one blank between them: without marks, and in one case."""
    return " ".join(_WORD.findall(text.casefold()))


def _is_alike(said: str, new: str, has_whole_words: bool, *, is_last: bool) -> bool:
    """Whether a text may be one that says again what was said, or nobody can tell; both as `_words` gives them."""
    begun_alike = len(commonprefix([said, new]))  # noqa: RUF071  # characters are what is to be compared
    if not said or begun_alike >= BEGUN:
        return True
    least = BEGUN if is_last else ALIKE
    if len(new) >= least and new[:ALIKE] in said:
        return True
    return any(
        _is_tail(said, new[:size], new[size : size + 1], has_whole_words) for size in range(1, min(len(new), ALIKE) + 1)
    )


def _is_tail(said: str, tail: str, behind: str, has_whole_words: bool) -> bool:
    # Whether the last words that were said are the first of the text. Some scripts have no blanks between words.
    if not said.endswith(tail):
        return False
    is_unspaced = tail[0] >= "\u0e00" and len(tail) > 1
    before = said[-len(tail) - 1 : -len(tail)]
    return is_unspaced or (before in {"", " "} and (not has_whole_words or behind in {"", " "}))
