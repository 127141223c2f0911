"""The part of an answer that one reader has received, checked for violations. Pure: frames in, counts out."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmarks.chaos.answers import WORD, Answer

LOST, DOUBLED, FOREIGN = "lost characters", "doubled characters", "foreign characters"
STALE, ENDS, ENDLESS = "numbers given twice or left out", "ends other than exactly one", "readers without an end"

COUNTS = (LOST, DOUBLED, FOREIGN, STALE, ENDS, ENDLESS)
"""The violations of readers; each count is 0 if all is well."""


@dataclass
class Violations:
    """The violations of a run.

    Args:
        counts: The number of violations of each kind.
        messages: A sentence for each violation.
    """

    counts: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)

    def add(self, what: str, of: str, amount: int = 1) -> None:
        """Add a violation.

        Args:
            what: The kind: one of `COUNTS`, here or in `final_checks`.
            of: Where it happened, for the message.
            amount: How much to add to the count, such as the number of characters.
        """
        self.counts[what] += amount
        self.messages.append(f"{time.strftime('%H:%M:%S')} {what}: {amount}, {of}")


class Reading:
    """The events that one reader has received, over all its connections.

    Args:
        answer: The expected answer.
        who: A name of the reader, for messages.
        violations: Counts the violations.

    Attributes:
        cursor: The number of the last event that it has; 0 for none.
        position: The `id` field of that event, which names the stream as well; empty for none.
        words: The number of words that it has.
        end: How its stream ended: `done`, or the name and code of another end; None before.
        retry: Seconds after which to reconnect, from a `retry` field; None if there was none.
    """

    def __init__(self, answer: Answer, who: str, violations: Violations) -> None:
        self._answer, self._violations = answer, violations
        self.who = f"stream {answer.number} ({answer.kind}), {who}"
        self.retry: float | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all events: the reader repeats its request, and is answered from the beginning."""
        self.cursor = self.words = 0
        self.position = ""
        self.end: str | None = None
        self._attempt: int | None = None

    def wrong(self, what: str, detail: str = "", amount: int = 1) -> None:
        """Add a violation of this reader; see `Violations.add`."""
        self._violations.add(what, f"{self.who}, after {self.words} words, number {self.cursor}: {detail}", amount)

    def take(self, frame: str, *, is_numbered: bool) -> None:
        """Check one complete SSE frame."""
        lines = [line.partition(": ")[::2] for line in frame.split("\n") if line and not line.startswith(":")]
        fields = dict(lines)
        if "retry" in fields:
            self.retry = int(fields["retry"]) / 1000
        if "data" not in fields:
            return
        if self.end is not None:
            self.wrong(ENDS, f"after {self.end} came {frame!r:.80}")
        # The frame with the finish reason comes before the frame of the terminal event, and has no number of its own.
        if is_numbered and fields.get("event") != "end":
            self._take_number(fields.get("id"))
        self._take_data(fields.get("event"), fields["data"])

    def _take_number(self, given: str | None) -> None:
        self.position = given or ""
        number = int(self.position.partition("-")[0] or 0)
        if number != self.cursor + 1:
            self.wrong(STALE, f"number {number} in place of {self.cursor + 1}")
        self.cursor = number

    def _take_data(self, name: str | None, data: str) -> None:
        if data == "[DONE]":
            self.take_end("done")
        elif name is None:
            self.take_text(json.loads(data)["delta"])
        elif name == "error":
            self.take_end(f"error {json.loads(data)['code']}")
        elif name == "cancelled":
            self.take_end(f"cancelled {json.loads(data)['reason']}")

    def take_text(self, text: str) -> None:
        """Check a piece of the answer: some complete words."""
        known = 0
        for found in WORD.finditer(text):
            known += len(found[0])
            self._take_word(found[0], *(int(part) for part in found.groups()))
        if known != len(text):
            self.wrong(FOREIGN, f"{text!r:.80}", len(text) - known)

    def _take_word(self, word: str, stream: int, attempt: int, number: int) -> None:
        if stream != self._answer.number:
            self.wrong(FOREIGN, word[:20], len(word))
            return
        if self._attempt not in {None, attempt}:
            # Another answer to the same question: the request was repeated with an id that the store had lost.
            self.wrong(FOREIGN, f"{word[:20]} of attempt {attempt}, after attempt {self._attempt}", len(word))
            self.words = number
        self._attempt = attempt
        if number < self.words:
            self.wrong(DOUBLED, word[:20], len(word))
        elif number > self.words:
            self.wrong(LOST, f"before {word[:20]}", self._length(self.words, number))
        self.words = max(self.words, number + 1)

    def take_end(self, end: str) -> None:
        """Check the end of the stream: an answer that ends with "done" must be complete."""
        self.end = end
        if end == "done" and self.words < self._answer.count:
            self.wrong(LOST, "ended as complete", self._length(self.words, self._answer.count))

    def take_whole(self, body: Any) -> None:  # noqa: ANN401  # whatever JSON there is
        """Check an answer that came as one JSON document."""
        self.reset()
        self.take_text(body["text"])
        self.take_end("done")

    def _length(self, first: int, beyond: int) -> int:
        return sum(len(word) for word in self._answer.words()[first:beyond])
