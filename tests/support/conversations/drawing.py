"""Draws conversations that a client's protocol allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st

from .turns import SIGNED_BY, Call, Conversation, Media, MediaType, Reasoning, Result, Role, Text, Tool, Turn

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What conversations have in one protocol.

    Args:
        system_roles: The roles of instructions.
        has_system_within: Whether instructions also stand within the conversation.
        media: The types of what users attach.
        has_links: Whether users attach by URL.
        thinkers: Who may have signed the reasoning of a conversation; see `SIGNED_BY`.
        is_ordered: Whether reasoning, text and calls of an answer stand in any order; else one after the other.
        has_thought_alone: Whether an answer may end with reasoning, since it was stopped.
        tools: The tools that are called.
        result_media: The types of what results contain beside text.
        has_errors: Whether a result says that the tool failed.
        has_notes: Whether text stands before, between and behind results, all in one turn.
        has_blanks: Whether turns and texts may be blank.
        is_system_enough: Whether instructions alone are a conversation.
        starts_with_answer: Whether the conversation may start with an answer.
        ends_with_answer: Whether it may end with one, which the model continues.
        id_schemes: The ids of calls; see `ID_SCHEMES`.
    """

    system_roles: tuple[Role, ...] = ("system",)
    has_system_within: bool = True
    media: tuple[MediaType, ...] = ("image/png",)
    has_links: bool = True
    thinkers: tuple[str, ...] = tuple(SIGNED_BY)
    is_ordered: bool = True
    has_thought_alone: bool = True
    tools: tuple[Tool, ...] = ("search",)
    result_media: tuple[MediaType, ...] = ()
    has_errors: bool = False
    has_notes: bool = False
    has_blanks: bool = True
    is_system_enough: bool = True
    starts_with_answer: bool = True
    ends_with_answer: bool = True
    id_schemes: tuple[str, ...] = ("plain",)


ID_SCHEMES = {
    "plain": lambda number, _: f"call_{number}",
    "dotted": lambda number, _: f"functions.search:{number}",
    "long": lambda number, _: "x" * 80 + str(number),
    "alike": lambda number, _: "call" + ".:/_-"[number % 5] * (1 + number // 5),
    "again": lambda _, place: f"call_{place}",
}
"""Ids of calls by their number in the conversation, and by their place in the answer."""

_TEXTS = ("{}", "{}", ' {} "ü"\n', "{} ")
_BLANKS = ("", " \n")


class _Pen:
    """Writes turns with marks that occur once."""

    def __init__(self, draw: st.DrawFn, abilities: Abilities) -> None:
        self._draw, self._abilities = draw, abilities
        self._marks = self._calls = 0
        self._forms = SIGNED_BY[self._pick(abilities.thinkers)]
        self._scheme = ID_SCHEMES[self._pick(abilities.id_schemes)]

    def _pick(self, values: Sequence[T]) -> T:
        return values[0] if len(values) == 1 else self._draw(st.sampled_from(values))

    def chance(self, one_in: int) -> bool:
        """Return true one in so many times."""
        return self._draw(st.integers(1, one_in)) == one_in

    def number(self, low: int, high: int) -> int:
        """Return a number."""
        return self._draw(st.integers(low, high))

    def _mark(self, kind: str) -> str:
        self._marks += 1
        return f"{kind}{self._marks}x"

    def _text(self, kind: str) -> Text:
        if self._abilities.has_blanks and self.chance(6):
            return Text("", self._pick(_BLANKS))
        mark = self._mark(kind)
        return Text(mark, self._pick(_TEXTS).format(mark))

    def _media(self, kinds: str, types: Sequence[MediaType]) -> Media:
        media_type = self._pick(types)
        kind = kinds[0 if media_type.startswith("image/") else 1]
        return Media(self._mark(kind), media_type, kind == "I" and self._abilities.has_links and self.chance(2))

    def system(self, *, may_be_blank: bool = True) -> Turn:
        """Return instructions."""
        parts = [self._text("S") for _ in range(self.number(1, 2) if may_be_blank else 0)]
        return Turn(self._pick(self._abilities.system_roles), tuple(parts) or (self._said("S"),), self.number(0, 1))

    def _said(self, kind: str) -> Text:
        mark = self._mark(kind)
        return Text(mark, mark)

    def user(self, *, may_be_blank: bool = False) -> Turn:
        """Return what a user asks."""
        parts: list[Any] = [] if may_be_blank and self._abilities.has_blanks else [self._said("U")]
        for _ in range(self.number(0, 2)):
            is_text = not self._abilities.media or self.chance(2)
            parts.append(self._text("U") if is_text else self._media("IF", self._abilities.media))
        return Turn("user", tuple(parts), self.number(0, 1))

    def answer(self, *, has_calls: bool) -> Turn:
        """Return an answer of the model."""
        parts: list[Any] = []
        if self.chance(2):
            parts += [self._reasoning() for _ in range(self.number(1, 2))]
        if self.chance(2) or not (has_calls or self._abilities.has_blanks):
            parts.append(self._text("A"))
        if has_calls:
            parts += [self._call(place) for place in range(self.number(1, 3))]
        if self._abilities.is_ordered and len(parts) > 1 and self.chance(3):
            parts = list(self._draw(st.permutations(parts)))
        if not self._abilities.has_thought_alone:
            parts = _speaking(parts)
        return Turn("assistant", tuple(parts), self.number(0, 2))

    def _reasoning(self) -> Reasoning:
        return Reasoning(self._mark("R"), self._pick(self._forms))

    def _call(self, place: int) -> Call:
        call_id = self._scheme(self._calls, place)
        self._calls += 1
        return Call(self._mark("C"), call_id, self._pick(self._abilities.tools))

    def results(self, calls: Sequence[Call]) -> Turn:
        """Return the results of calls, in any order."""
        ordered = self._draw(st.permutations(list(calls))) if len(calls) > 1 else list(calls)
        parts: list[Any] = [self._said("N")] if self._abilities.has_notes and self.chance(6) else []
        for call in ordered:
            content: list[Any] = [self._text("O")] if self.chance(2) else []
            if self._abilities.result_media and self.chance(3):
                content.append(self._media("PP", self._abilities.result_media))
            parts.append(Result(call, tuple(content), self._abilities.has_errors and self.chance(4)))
            if self._abilities.has_notes and self.chance(4):
                parts.append(self._said("N"))
        return Turn("results", tuple(parts), self.number(0, 1))

    def answers(self) -> list[Turn]:
        """Return an answer, with the results of its calls if it has some."""
        answer = self.answer(has_calls=self.chance(2))
        return [answer, self.results(answer.calls)] if answer.calls else [answer]


def _speaking(parts: list[Any]) -> list[Any]:
    """Return an answer whose reasoning is followed by something; nothing if there is only reasoning."""
    spoken = [place for place, part in enumerate(parts, 1) if not isinstance(part, Reasoning)]
    return [*parts[spoken[-1] :], *parts[: spoken[-1]]] if spoken else []


@st.composite
def conversations(draw: st.DrawFn, abilities: Abilities) -> tuple[Conversation, Conversation]:
    """Draw a conversation, and what follows it: the answer, and what the client sends after it."""
    pen = _Pen(draw, abilities)
    turns = [pen.system() for _ in range(max(0, pen.number(-1, 2)))]
    exchanges = pen.number(0, 3)
    for number in range(exchanges):
        if number or not abilities.starts_with_answer or not pen.chance(6):
            turns += [pen.user(may_be_blank=pen.chance(4))] if pen.chance(4) else []
            turns.append(pen.user(may_be_blank=number < exchanges - 1))
            turns += [pen.system()] if abilities.has_system_within and pen.chance(5) else []
        for _ in range(pen.number(0, 2)):
            turns += pen.answers()
    if not _is_whole(turns, pen, abilities):
        turns.append(pen.user())
    following = [*pen.answers(), pen.user()]
    return tuple(turns), tuple(following[: pen.number(2, 3)])


def _is_whole(turns: list[Turn], pen: _Pen, abilities: Abilities) -> bool:
    roles = {turn.role for turn in turns if any(part.mark for part in turn.parts)}
    if all(turn.role in {"system", "developer"} for turn in turns):
        return bool(roles) and abilities.is_system_enough
    return turns[-1].role != "assistant" or ("user" in roles and abilities.ends_with_answer and pen.chance(4))
