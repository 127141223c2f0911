"""What a provider must receive of a conversation, and in which order.

Only what the provider's rules force is moved or left out. A `ChatRequest`, in which a conversation reaches the
providers of other protocols, has the calls of an answer behind its text.
"""

from __future__ import annotations

from itertools import groupby

from .turns import SIGNED_BY, Conversation, Media, Part, Reasoning, Result, Turn

CHAT = ("openai", "compatible")
"""The providers of chat completions."""

ANTHROPIC = ("anthropic", "anthropic_compatible")
"""The providers of Anthropic's Messages API."""

RESPONSES = ("responses", "responses_compatible")
"""The providers of the Responses API."""

_SYSTEM_ROLES = ("system", "developer")

Said = list[tuple[str, str]]
"""Marks in their order, each with the role of whom said it."""


def expected(conversation: Conversation, provider: str, *, is_own: bool) -> Said:
    """Return the marks of a conversation as a provider must receive them.

    Args:
        conversation: The conversation.
        provider: The provider.
        is_own: Whether it speaks the client's protocol.
    """
    said: Said = []
    has_begun = is_system_alone(conversation)  # such a conversation is asked as the user's
    for turn in conversation:
        has_begun = has_begun or turn.role not in _SYSTEM_ROLES
        for part in turn.parts:
            pieces = part.parts if isinstance(part, Result) else (part,)
            said += [(_role(turn, part, piece, provider, has_begun=has_begun), piece.mark) for piece in pieces]
    said = [item for item in said if item[1]]
    return said if is_own else ordered(said, provider)


def is_system_alone(conversation: Conversation) -> bool:
    """Return whether a conversation has nothing but instructions."""
    return all(turn.role in _SYSTEM_ROLES for turn in conversation)


def _role(turn: Turn, part: Part, piece: Part, provider: str, *, has_begun: bool) -> str:
    if turn.role == "results":
        # Chat completions have results of text alone: pictures stand in the user's turn.
        is_moved = provider in CHAT and isinstance(piece, Media) and piece.type != "text/plain"
        return "user" if is_moved or not isinstance(part, Result) else "tool"
    if turn.role in _SYSTEM_ROLES:
        # Anthropic has instructions before the conversation alone.
        return "user" if provider in ANTHROPIC and has_begun else "system"
    return turn.role


def ordered(said: Said, provider: str) -> Said:
    """Return marks with those behind one another that the provider's rules, or a `ChatRequest`, leave so."""
    ranks = {"assistant": {"A": 1 if provider in CHAT else 0, "C": 2}, "user": {"P": 1, "N": 2}}
    found: Said = []
    for _, group in groupby(
        said, key=lambda item: next(kinds for kinds in ("RAC", "OPN", "SUIF") if item[1][0] in kinds)
    ):
        found += sorted(group, key=lambda item: ranks.get(item[0], {}).get(item[1][0], 0))
    return found


def optional(conversation: Conversation, provider: str, *, is_own: bool) -> set[str]:
    """Return the marks of reasoning that a provider need not receive: it does not know it, or would refuse it."""
    found: set[str] = set()
    for turn in conversation:
        said = [part for part in turn.parts if part.mark]
        for place, part in enumerate(said):
            if not isinstance(part, Reasoning):
                continue
            # An answer that was stopped has reasoning that nothing follows.
            is_last = all(isinstance(later, Reasoning) for later in said[place:])
            if not _must_receive(part, provider, is_own=is_own, is_last=is_last):
                found.add(part.mark)
    return found


def _must_receive(part: Reasoning, provider: str, *, is_own: bool, is_last: bool) -> bool:
    match provider:
        case "openai":
            return False
        case "compatible":
            return is_own or bool(part.text)
        case "anthropic_compatible":
            is_known = bool(part.text) or part.form in SIGNED_BY["anthropic"]
            return is_own or (is_known and not is_last)
        case "responses_compatible" if is_own:
            return part.form in SIGNED_BY["responses"] or part.signature is None
        case "responses" | "responses_compatible":
            return part.form in SIGNED_BY["responses"] and not is_last
        case _:
            return part.form in SIGNED_BY["anthropic"] and not is_last
