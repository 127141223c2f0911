"""The answers of a run: words that no other answer has, and the failure of the model on the way.

It knows the scripts of the fake upstream, but no services and no readers.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from tests.support.upstream import FINISH, Close, Hang, Pause, Reset, Script, Upstream, cuts, faults, openai_wire
from tests.support.upstream.steps import Step

WORD = re.compile(r"s(\d+)a(\d)w(\d+)·é漢😀~* ")
"""A word with three numbers: its stream, the attempt of the model, and its position in the answer."""

ATTEMPTS = 3
"""Different answers of a model to one question: one for each request, and the last one for all further requests."""

LONG_WORD_CHARS = 2000
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
"""The kinds of answers, with their weights."""


@dataclass(frozen=True)
class Answer:
    """The answer of one stream.

    Args:
        number: The number of the stream, which is in each of its words.
        kind: A key of `KINDS`.
        count: The words of the complete answer, also if the model breaks off before its end.
    """

    number: int
    kind: str
    count: int

    @property
    def model(self) -> str:
        """The name of the model that gives the answer."""
        return f"c{self.number}"

    @property
    def id(self) -> str:
        """The id of the stream, if it is resumable."""
        return f"chaos-stream-{self.number:06d}"

    def words(self, attempt: int = 0) -> list[str]:
        """Return the words of the answer to request number `attempt`, from 0. They have the same lengths each time."""
        tail = "~" * LONG_WORD_CHARS if self.kind == "long" else ""
        return [f"s{self.number}a{attempt}w{n}·é漢😀{tail} " for n in range(self.count)]


def prepare(upstream: Upstream, number: int, rng: random.Random, most: int) -> Answer:
    """Choose the answer of a stream at random, and register it with the upstream.

    Args:
        upstream: The fake upstream.
        number: The number of the stream.
        rng: The source of randomness.
        most: The most words of the answer.
    """
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    answer = Answer(number, kind, rng.randint(5, most))
    place = rng.randrange(answer.count)
    upstream.answer(answer.model, [_script(answer, attempt, place, rng) for attempt in range(ATTEMPTS)])
    return answer


PACES = {"quick": (10, 0.01), "in bursts": (12, 0.4), "late": (4, 0.03)}
"""Words per burst, and the seconds between bursts; of other kinds each word comes by itself."""

BREAKS: dict[str, tuple[Step, ...]] = {
    "closed": (Close(),),
    "reset": (Reset(),),
    "ended early": (FINISH,),
    "error inside": (openai_wire.error_frame(), FINISH),
    "stalled": (Hang(),),
}
"""The steps that replace the rest of an answer that breaks off."""


def _script(answer: Answer, attempt: int, place: int, rng: random.Random) -> Script:
    words = answer.words(attempt)
    whole = _paced(words, *PACES.get(answer.kind, (1, 0.03)))
    if answer.kind in BREAKS:
        breaks = faults.in_frame if answer.kind == "reset" else faults.after
        return breaks(whole, place, *BREAKS[answer.kind])
    match answer.kind:
        case "refused":
            return openai_wire.error(rng.choice([400, 429, 500, 503]))
        case "late":
            return Script((Pause(rng.uniform(0.5, 1.5)), *whole.steps))
        case "cut anywhere":
            return cuts.cut(_paced(words, len(words), 0), rng.choice([7, 50, 333]), pause=0.002)
        case _:
            return whole


def _paced(words: list[str], group: int, pause: float) -> Script:
    pieces: list[str | Pause] = []
    for number, word in enumerate(words, 1):
        pieces.append(word)
        if number % group == 0:
            pieces.append(Pause(pause))
    return openai_wire.answer(*pieces)
