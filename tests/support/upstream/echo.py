"""An answer that repeats the question, so that each reader can be checked to receive its own answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.upstream import openai_wire
from tests.support.upstream.steps import Script


@dataclass(frozen=True)
class Echo(Script):
    """Repeats a question's last message `times` times, in pieces of `size` characters; each is a write of its own.

    For OpenAI's chat completions. `of` returns the answer to a question.
    """

    times: int = 4
    size: int = 4

    def for_body(self, body: object) -> Script:
        """Return the answer to a request."""
        assert isinstance(body, dict)
        text = self.of(body["messages"][-1]["content"])
        pieces = [text[start : start + self.size] for start in range(0, len(text), self.size)]
        return openai_wire.answer(*pieces).for_body(body)

    def of(self, word: str) -> str:
        """Return the text of the answer to a word."""
        return f"{word} " * self.times


ECHO = Echo(())
