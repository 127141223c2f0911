"""What the hooks of the Vercel AI SDK may send beside their own fields, in `body`: whom to ask, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ..providers.request import ChatRequest, Json, Message
from ..streaming.errors import InvalidRequest
from .ai_turns import conversation_of


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings by their names in a `ChatRequest`; `system` is said before the conversation."""

    model: str | None = None
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    thinking: Json | None = None

    def question(self, turns: Sequence[Message], **more: Any) -> ChatRequest:  # noqa: ANN401  # a question's fields
        """Return a conversation as a question that is asked so; `more` are its further fields."""
        system = (Message("system", self.system),) if self.system else ()
        settings: dict[str, Any] = {name: getattr(self, name) for name in SETTINGS}
        # An empty conversation is a mistake, whatever the system prompt.
        return ChatRequest(model="", messages=(*system, *turns) if turns else (), **settings, **more)


SETTINGS = tuple(name for name in Options.__struct_fields__ if name not in {"model", "system"})
"""Fields of a question that stand in the body by the same name."""


class Asked(Options, frozen=True, kw_only=True):
    """Options, and what is asked: a prompt, as `useCompletion` posts it, or a conversation."""

    prompt: str | None = None
    messages: list[Json] | None = None

    def turns(self) -> tuple[Message, ...]:
        """Return what is asked as a conversation.

        Raises:
            InvalidRequest: there is none, or there are two, or it cannot be asked; 400.
        """
        if (self.prompt is None) == (self.messages is None):
            raise InvalidRequest("prompt and messages are both missing, or both given: give one of them.")
        return conversation_of(self.messages) if self.messages is not None else (Message("user", self.prompt or ""),)
