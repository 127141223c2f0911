"""The protocols of this service's clients: how a conversation is written in each, and what conversations have in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import clients
from .drawing import ID_SCHEMES, Abilities
from .turns import Conversation, MediaType, Role
from .ui_messages import in_order_of_calls, ui_messages
from .ui_messages_4 import as_sent_4, ui_messages_4

_ROLES: tuple[Role, ...] = ("system", "developer")
_MEDIA: tuple[MediaType, ...] = ("image/png", "application/pdf", "text/plain")
_IDS = tuple(ID_SCHEMES)


@dataclass(frozen=True)
class Protocol:
    """A protocol of clients.

    Args:
        write: Returns a conversation as the body of a request.
        abilities: What conversations have in it.
        as_sent: Returns a conversation in the order that the protocol has.
        own: The providers that speak it too: they receive all as it was sent.
        abilities_for_own: What conversations have that these providers take as it was sent.
    """

    write: Callable[[Conversation], dict[str, Any]]
    abilities: Abilities
    as_sent: Callable[[Conversation], Conversation] = tuple
    own: tuple[str, ...] = ()
    abilities_for_own: Abilities | None = None

    def abilities_for(self, provider: str) -> Abilities:
        """Return what conversations have that are for a provider."""
        return self.abilities_for_own if self.abilities_for_own and provider in self.own else self.abilities


_NATIVE = Abilities(
    _ROLES, media=_MEDIA, is_ordered=False, result_media=_MEDIA, has_errors=True, has_notes=True, id_schemes=_IDS
)
_UI_MESSAGES = Abilities(media=("image/png", "text/plain"), has_errors=True, id_schemes=_IDS)
_CHAT = Abilities(_ROLES, media=_MEDIA, is_ordered=False, tools=("search", "patch"), id_schemes=_IDS)
_RESPONSES = Abilities(
    _ROLES, media=_MEDIA, has_thought_alone=False, tools=("search", "patch", "files.read"), result_media=_MEDIA,
    has_notes=True, id_schemes=_IDS,
)  # fmt: skip
_ANTHROPIC = Abilities(
    media=_MEDIA, has_thought_alone=False, result_media=_MEDIA, has_errors=True, has_notes=True, has_blanks=False,
    is_system_enough=False, starts_with_answer=False, id_schemes=_IDS,
)  # fmt: skip

PROTOCOLS = {
    "native": Protocol(clients.native, _NATIVE),
    "ui_messages": Protocol(ui_messages, _UI_MESSAGES, in_order_of_calls),
    "ui_messages_4": Protocol(ui_messages_4, replace(_UI_MESSAGES, is_ordered=False, has_errors=False), as_sent_4),
    "chat": Protocol(
        clients.chat,
        _CHAT,
        own=("openai", "compatible"),
        abilities_for_own=replace(_CHAT, id_schemes=("plain", "long")),
    ),
    "responses": Protocol(
        clients.responses,
        _RESPONSES,
        own=("responses", "responses_compatible"),
        abilities_for_own=replace(_RESPONSES, id_schemes=("plain", "long")),
    ),
    "anthropic": Protocol(
        clients.anthropic,
        _ANTHROPIC,
        own=("anthropic", "anthropic_compatible"),
        abilities_for_own=replace(_ANTHROPIC, has_notes=False, ends_with_answer=False),
    ),
}
