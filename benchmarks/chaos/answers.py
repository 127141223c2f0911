"""What each stream of the run asks for: words that no other stream has, and how the model goes wrong on the way.

It knows the upstream's scripts; no services and no readers.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from tests.support.upstream import FINISH, Close, Hang, Pause, Reset, Script, Upstream, cuts, faults, openai_wire
from tests.support.upstream.steps import Step

WORD = re.compile(r"s(\d+)a(\d)w(\d+)·é漢😀~* ")
"""A word: of which stream it is, of which of the model's answers to its question, and the how-manieth."""

ATTEMPTS = 3
"""Answers that a model has for one question: it says something else each time it is asked, up to the last of them."""

LONG = 2000
"""Characters that are added to each word of a long answer, so that a slow reader makes the model wait."""

KINDS = {
    "quick": 6,
    "steady": 8,
    "late": 2,
    "in bursts": 4,
    "cut anywhere": 2,
    "long": 1,
    "closed": 2,
    "reset": 1,
    "ended early": 1,
    "error inside": 1,
    "refused": 1,
    "stalled": 1,
}
"""What a model does, and how often."""


@dataclass(frozen=True)
class Answer:
    """What one stream asks for.

    Args:
        number: The stream's number, which stands in each of its words.
        kind: What the model does.
        count: How many words the whole answer has, also where the model breaks off before their end.
    """

    number: int
    kind: str
    count: int

    @property
    def model(self) -> str:
        """The name of the model that gives it."""
        return f"c{self.number}"

    @property
    def id(self) -> str:
        """The id of its stream, where that can be resumed."""
        return f"chaos-stream-{self.number:06d}"

    def words(self, attempt: int = 0) -> list[str]:
        """Return the words that the model answers with when it is asked for the n-th time, from 0; all are as long."""
        tail = "~" * LONG if self.kind == "long" else ""
        return [f"s{self.number}a{attempt}w{n}·é漢😀{tail} " for n in range(self.count)]


def prepare(upstream: Upstream, number: int, chance: random.Random, most: int) -> Answer:
    """Choose what a stream asks for, at most so many words, and tell the upstream."""
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    answer = Answer(number, kind, chance.randint(5, most))
    place = chance.randrange(answer.count)
    upstream.answer(answer.model, [_script(answer, attempt, place, chance) for attempt in range(ATTEMPTS)])
    return answer


PACES = {"quick": (10, 0.01), "in bursts": (12, 0.4), "late": (4, 0.03)}
"""How many words come together, and the seconds between; of other kinds each comes by itself."""

BREAKS: dict[str, tuple[Step, ...]] = {
    "closed": (Close(),),
    "reset": (Reset(),),
    "ended early": (FINISH,),
    "error inside": (openai_wire.error_frame(), FINISH),
    "stalled": (Hang(),),
}
"""What comes in the place of an answer's rest."""


def _script(answer: Answer, attempt: int, place: int, chance: random.Random) -> Script:
    words = answer.words(attempt)
    whole = _paced(words, *PACES.get(answer.kind, (1, 0.03)))
    if answer.kind in BREAKS:
        breaks = faults.in_frame if answer.kind == "reset" else faults.after
        return breaks(whole, place, *BREAKS[answer.kind])
    match answer.kind:
        case "refused":
            return openai_wire.error(chance.choice([400, 429, 500, 503]))
        case "late":
            return Script((Pause(chance.uniform(0.5, 1.5)), *whole.steps))
        case "cut anywhere":
            return cuts.cut(_paced(words, len(words), 0), chance.choice([7, 50, 333]), pause=0.002)
        case _:
            return whole


def _paced(words: list[str], group: int, pause: float) -> Script:
    pieces: list[str | Pause] = []
    for number, word in enumerate(words, 1):
        pieces.append(word)
        if number % group == 0:
            pieces.append(Pause(pause))
    return openai_wire.answer(*pieces)
