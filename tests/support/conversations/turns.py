"""A conversation as a person tells it, before a client's protocol has put it into JSON. Values only.

Everything in it has a mark that occurs once, such as `U3x`, by which it is found again in a provider's request. The
first letter says what it is: see `KINDS`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Literal, TypeAlias

from flask_headrace.core.reasoning_signature import sign_as_openai

KINDS = {
    "S": "text of the system or the developer",
    "U": "text of the user",
    "I": "picture of the user",
    "F": "document of the user",
    "R": "reasoning",
    "A": "text of the answer",
    "C": "call of a tool",
    "O": "text of a result",
    "P": "picture or document in a result",
    "N": "text of the user between results",
}

MediaType: TypeAlias = Literal["image/png", "application/pdf", "text/plain"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text. One without a mark is blank."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a document, whose data is its mark. `is_linked`: by URL."""

    mark: str
    type: MediaType
    is_linked: bool = False

    @property
    def data(self) -> str:
        """The data in base64."""
        return base64.b64encode(self.mark.encode()).decode()

    @property
    def url(self) -> str:
        """The URL, with or without the data."""
        if self.is_linked:
            return f"https://example.org/{self.mark}"
        return f"data:{self.type};base64,{self.data}"

    @property
    def name(self) -> str:
        """The name of the file."""
        return f"{self.mark}.{self.type.rpartition('/')[2]}"


Form: TypeAlias = Literal["unsigned", "signed", "hidden", "redacted", "encrypted", "sealed"]

SIGNED_BY: dict[str, tuple[Form, ...]] = {
    "nobody": ("unsigned",),
    "anthropic": ("signed", "hidden", "redacted"),
    "responses": ("encrypted", "sealed"),
}
"""The forms of reasoning, by the provider that signs it so: it takes its own signatures alone, and all of its own."""


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Reasoning before or within an answer. The text of `hidden`, `redacted` and `sealed` reasoning is not shown."""

    mark: str
    form: Form

    @property
    def text(self) -> str:
        """The text that the provider has shown; empty for none."""
        return self.mark if self.form in {"unsigned", "signed", "encrypted"} else ""

    @property
    def signature(self) -> str | None:
        """The provider's signature."""
        if self.form in SIGNED_BY["responses"]:
            return f"gAAAA{self.mark}"
        return f"EqQBCkYIAhgCKkDsnoth{self.mark}" if self.form in SIGNED_BY["anthropic"] else None

    @property
    def known_signature(self) -> str | None:
        """The signature as clients of all protocols but that of the Responses API receive it from this service."""
        return sign_as_openai(self.signature or "") if self.form in SIGNED_BY["responses"] else self.signature


Tool: TypeAlias = Literal["search", "patch", "files.read"]
"""A function, a custom tool, and a function in a namespace."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool: of a function, of a custom tool, or of a function in a namespace.

    The free text of a custom tool is the mark, and so is the argument of a function.
    """

    mark: str
    id: str
    tool: Tool = "search"

    @property
    def is_custom(self) -> bool:
        """Whether the tool is called with free text."""
        return self.tool == "patch"

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments as JSON: this is how a custom tool is called where there are only functions."""
        return {"input" if self.is_custom else "query": self.mark}


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a call."""

    call: Call
    parts: tuple[Text | Media, ...]
    is_error: bool = False

    @property
    def mark(self) -> str:
        """None of its own: its parts have marks."""
        return ""

    @property
    def text(self) -> str:
        """The text alone."""
        return "".join([part.text for part in self.parts if isinstance(part, Text)])


TORN = 2

Part: TypeAlias = Text | Media | Reasoning | Call | Result
Role: TypeAlias = Literal["system", "developer", "user", "assistant", "results"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one of them says at once. The turn of the role `results` has results, and texts between them.

    Args:
        role: Who says it.
        parts: What.
        style: Which of several forms the client writes it in, such as one text or a list of parts. An answer of the
            style `TORN` may be written as two messages.
    """

    role: Role
    parts: tuple[Part, ...]
    style: int = 0

    @property
    def calls(self) -> list[Call]:
        """The calls."""
        return [part for part in self.parts if isinstance(part, Call)]

    @property
    def results(self) -> list[Result]:
        """The results."""
        return [part for part in self.parts if isinstance(part, Result)]

    def torn(self) -> tuple[Turn, ...]:
        """Return the turn in two behind its first call, if it is `TORN` and more follows."""
        calls = [place for place, part in enumerate(self.parts, 1) if isinstance(part, Call)]
        if self.style != TORN or not calls or calls[0] == len(self.parts):
            return (self,)
        return Turn(self.role, self.parts[: calls[0]], 1), Turn(self.role, self.parts[calls[0] :], 1)

    def is_text(self) -> bool:
        """Whether the turn is one text, or nothing, and is written as such."""
        return self.style == 0 and len(self.parts) < 2 and all(isinstance(part, Text) for part in self.parts)

    def text(self) -> str:
        """Return all text."""
        return "".join([part.text for part in self.parts if isinstance(part, Text)])


Conversation: TypeAlias = tuple[Turn, ...]


def outline(conversation: Conversation) -> str:
    """Return a conversation in one line, for people."""
    return "; ".join([f"{turn.role} [{', '.join(map(_outline, turn.parts))}]" for turn in conversation])


def _outline(part: Part) -> str:
    match part:
        case Text():
            return repr(part.text)
        case Media():
            return f"{part.mark} {part.type}"
        case Reasoning():
            return f"{part.mark} {part.form}"
        case Call():
            return f"{part.mark} {part.tool} {part.id}"
        case Result():
            return f"{part.call.mark}: {'error ' * part.is_error}({', '.join(map(_outline, part.parts))})"
