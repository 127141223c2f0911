"""Separates the thoughts that open an answer, between tags such as `<think>` and `</think>`, from its text. Pure.

Servers without a reasoning parser send what a model thinks as a part of its text. This works on the events of every
decoder, so that each API, and each client of the same API, has the same answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import regex

from ...core.events import Event, ProviderEvent, ReasoningDelta, TextDelta, Usage
from ..chat_request import ChatRequest
from .provider_events import belongs_to_next_text, describes_text
from .think_tags import DEFAULT_TAGS, TagPairs, ThinkTags

MAX_BLANKS = 32
"""Characters of white space before the first tag, and characters of it in the thoughts that wait for what follows."""

MAX_RUNS = 16
"""Runs of thoughts, one after the other, that may open an answer."""

MAX_DOUBTFUL = 500
"""Characters behind a closing tag that wait for another one, if there was a second opening tag in the thoughts."""

MAX_WAITING = 64
"""Events that wait for the text that they describe."""

_Pattern: TypeAlias = Any
"""A compiled pattern of `regex`, which has no types."""


class OpeningThoughts:
    """Separates thoughts from text in the events of one answer.

    What may become a tag waits for the next events: no more characters than a tag has, and white space before it. The
    closing tag ends the thoughts. Other thoughts may follow; white space behind thoughts is dropped. Upper and lower
    case are equal. If the thoughts contain another opening tag, they may have named the tag, or begun other thoughts
    inside: so what follows the closing tag waits for another closing tag, or the answer's end, up to `MAX_DOUBTFUL`.

    Args:
        pairs: The tags.
        starts_inside: Whether the answer begins inside the thoughts: the opening tag was in the prompt.
        is_json: Whether the answer must be JSON. If such an answer starts with a brace or a bracket, its server has
            enforced that from the first token on, and there are no thoughts.

    Attributes:
        is_over: Whether the text has begun, so that nothing further can change.
    """

    __slots__ = (
        "_any_tags", "_depth", "_doubt", "_is_blank", "_is_json", "_open_tags", "_opening", "_place", "_runs",
        "_starts_inside", "_tags", "_text", "_waiting", "is_over",
    )  # fmt: skip

    def __init__(self, pairs: TagPairs, *, starts_inside: bool = False, is_json: bool = False) -> None:
        self._opening, self._tags, self._any_tags = _patterns(pairs)
        self._open_tags: _Pattern | None = None  # the tags of the thoughts that are open
        self._depth = 0  # opening tags in them that have no closing tag yet
        self._doubt = 0  # where in `_text` the text begins, if there is a closing tag that may have been an inner one
        self._place = 0  # where in `_text` the next tag is looked for
        self._starts_inside, self._is_json = starts_inside, is_json
        self._text = ""  # the text, or the end of the thoughts, that may become a tag
        self._waiting: list[Event] = []  # the events with that text, and those that describe the text
        self._runs = 0
        self._is_blank = True  # whether the open thoughts have only white space so far
        self.is_over = False

    def separate(self, events: list[Event]) -> list[Event]:
        """Return the events of the next batch, with thoughts as `ReasoningDelta`s."""
        separated: list[Event] = []
        for place, event in enumerate(events):
            if self.is_over:
                return separated + events[place:]
            if type(event) is TextDelta:
                self._read_text(event, separated)
            elif type(event) is ProviderEvent and (not event.is_content or describes_text(event)):
                self._read_description(event, separated)
            else:
                # The usage so far may come between two pieces of a tag.
                separated += [] if isinstance(event, Usage) and event.estimated else self.flush()
                separated.append(event)
        return separated

    def flush(self) -> list[Event]:
        """Return the events that wait, since something else follows, or nothing: they are what they look like now."""
        events: list[Event] = []
        if self._text and self._open_tags is None and self._starts_inside:
            self._begin_thoughts(self._any_tags, self._text, events)
        if self._doubt:
            self._end_thoughts("", self._text[self._doubt :].lstrip(), events)
        if self._open_tags is not None:
            events += [ReasoningDelta(self._text)] if self._text else []
            self._text, self._place = "", 0
        elif self._text:
            self._begin_text(events)
        elif not self._runs:
            events, self._waiting = self._waiting, []
        return events

    def _read_text(self, event: TextDelta, events: list[Event]) -> None:
        if self._open_tags is not None:
            self._read_thoughts(self._open_tags, self._text + event.text, events)
            return
        if not self._text and (self._runs or self._starts_inside) and event.text[:1].isspace():
            event = TextDelta(event.text.lstrip())
        if not event.text:
            self._drop_text()
            return
        self._waiting.append(event)
        self._text += event.text
        found = self._opening.match(self._text, partial=True)
        if found is not None and not found.partial and self._runs < MAX_RUNS:
            self._begin_thoughts(self._tags[found.lastindex - 1], self._text[found.end() :], events)
        elif found is None or not found.partial:
            if self._starts_inside and not (self._is_json and self._text[0] in "{["):
                self._begin_thoughts(self._any_tags, self._text, events)
            else:
                self._begin_text(events)

    def _read_thoughts(self, tags: _Pattern, text: str, events: list[Event]) -> None:
        if self._is_blank:
            text = text.lstrip()
        end = 0 if self._doubt else len(text)
        while (found := tags.search(text, self._place, partial=True)) is not None and not found.partial:
            self._place = found.end()
            if found.lastindex is not None:
                self._depth += 1
            elif self._depth:
                self._depth -= 1
                self._doubt, end = found.end(), found.start()
            else:
                self._end_thoughts(text[: found.start()].rstrip(), text[found.end() :], events)
                return
        if found is not None and not self._doubt:
            end = found.start()
        self._extend_thoughts(text, end, events)

    def _extend_thoughts(self, text: str, end: int, events: list[Event]) -> None:
        """Add the thoughts before `end`; the rest waits, with white space before it."""
        thoughts = text[:end].rstrip()
        if end - len(thoughts) > MAX_BLANKS:
            thoughts = text[:end]
        if thoughts:
            self._is_blank = False
            events.append(ReasoningDelta(thoughts))
        self._text = text[len(thoughts) :]
        self._place = max(0, self._place - len(thoughts))
        if self._doubt:
            self._doubt -= len(thoughts)
            if len(self._text) - self._doubt > MAX_DOUBTFUL:
                self._end_thoughts("", self._text[self._doubt :].lstrip(), events)

    def _read_description(self, event: ProviderEvent, events: list[Event]) -> None:
        if describes_text(event):
            if self._runs and (self._open_tags is not None or not self._text):
                # The text before it had only thoughts.
                self._waiting = []
            self._waiting.append(event)
        elif belongs_to_next_text(event):
            self._waiting += [event] if self._open_tags is None else []
        else:
            events.append(event)
        if len(self._waiting) > MAX_WAITING:
            self._begin_text(events)

    def _begin_thoughts(self, tags: _Pattern, text: str, events: list[Event]) -> None:
        self._open_tags, self._starts_inside, self._is_blank = tags, False, True
        self._runs += 1
        self._drop_text()
        self._read_thoughts(tags, text, events)

    def _end_thoughts(self, thoughts: str, rest: str, events: list[Event]) -> None:
        events += [ReasoningDelta(thoughts)] if thoughts else []
        self._open_tags, self._text = None, ""
        self._depth = self._doubt = self._place = 0
        if rest:
            self._read_text(TextDelta(rest), events)

    def _drop_text(self) -> None:
        # What describes the text comes with the text; earlier descriptions are of texts that had only thoughts.
        described = [event for event in self._waiting if type(event) is ProviderEvent and describes_text(event)]
        self._waiting = [*described[-1:]]
        self._text = ""

    def _begin_text(self, events: list[Event]) -> None:
        events += self._waiting
        self._waiting, self._text, self.is_over = [], "", True


def opening_thoughts(tags: ThinkTags, request: ChatRequest, *, is_official: bool) -> OpeningThoughts | None:
    """Return what separates thoughts from text in the answer to a request; None if its text stays as it is.

    Args:
        tags: The tags of the upstream.
        request: The request. If it ends with the beginning of the answer, that decides whether the rest begins inside
            the thoughts.
        is_official: Whether the server is OpenAI's or Anthropic's own.
    """
    pairs = tags.pairs
    if pairs is None:
        pairs = () if is_official and not tags.in_prompt else DEFAULT_TAGS
    if not pairs:
        return None
    last = request.messages[-1] if request.messages else None
    begun = last.text().strip() if last is not None and last.role == "assistant" else ""
    starts_inside = _ends_inside(pairs, begun) if begun else not {request.model, "*"}.isdisjoint(tags.in_prompt)
    return OpeningThoughts(pairs, starts_inside=starts_inside, is_json=request.response_format is not None)


@lru_cache(maxsize=64)
def _patterns(pairs: TagPairs) -> tuple[_Pattern, tuple[_Pattern, ...], _Pattern]:
    """Return the patterns of all opening tags after white space, of each pair of tags, and of the tags of all pairs.

    The groups of the first are the pairs. In the others an opening tag is a group, and a closing tag is none.
    """
    opening, closing = [[regex.escape(tag) for tag in tags] for tags in zip(*pairs, strict=True)]
    either = [f"({begin})|{end}" for begin, end in zip(opening, closing, strict=True)]
    anyone = f"({'|'.join(opening)})|{'|'.join(closing)}"
    groups = "|".join(f"({tag})" for tag in opening)
    return (
        regex.compile(rf"\s{{0,{MAX_BLANKS}}}(?:{groups})", regex.IGNORECASE),
        tuple(regex.compile(tags, regex.IGNORECASE) for tags in either),
        regex.compile(anyone, regex.IGNORECASE),
    )


def _ends_inside(pairs: TagPairs, begun: str) -> bool:
    """Whether the beginning of an answer, without white space around it, ends inside its thoughts."""
    opening, tags, _ = _patterns(pairs)
    found = opening.match(begun)
    if found is None:
        return False
    inside = tags[found.lastindex - 1].finditer(begun, found.end())
    return all(tag.lastindex is not None for tag in inside)
