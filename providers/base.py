"""What a provider is, and what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from ..streaming.events import Event

Role: TypeAlias = Literal["system", "developer", "user", "assistant"]


class Message(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One turn of a conversation."""

    role: Role
    content: str


class ChatRequest(msgspec.Struct, frozen=True, gc=False):
    """A question to a model.

    Args:
        model: The model's name as its provider knows it, without the provider's.
        messages: The turns so far, oldest first.
        max_tokens: Most tokens that the answer may have; None leaves it to the provider.
        temperature: 0 for the likeliest words, higher for livelier ones; None leaves it to the provider.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = None

    def size(self) -> int:
        """Return the size of all text that is sent, in bytes of UTF-8."""
        return sum(len(message.content.encode()) for message in self.messages)


@runtime_checkable
class Provider(Protocol):
    """An upstream that answers questions.

    Attributes:
        name: What stands before the slash in a model's name.
        price_list: The base URL by which the price list knows the provider; see `streaming.prices`.
        is_embedded: Whether it is the small model on this machine.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def price_list(self) -> str: ...  # noqa: D102
    @property
    def is_embedded(self) -> bool: ...  # noqa: D102

    def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
        """Ask the upstream and yield its answer: one list of deltas for each read from the network.

        The last list ends with a `Usage`, where the upstream told it, and a `Done`. A list before it may end with a
        `Usage` that is `estimated`: what is known so far. Closing the iterator, or killing
        the greenlet that waits in it, closes the connection.

        Raises:
            UpstreamError: the upstream could not be asked, refused, or broke off.
        """
        ...

    def models(self) -> list[str]:
        """Return the names of the models that can be asked, the preferred one first.

        Raises:
            UpstreamError: the upstream could not be asked for them.
        """
        ...

    def warm_up(self) -> None:
        """Import what the first request would have to wait for."""
        ...

    def check(self) -> None:
        """Return if the provider can be asked now.

        Raises:
            UpstreamError: it cannot; the message says why.
        """
        ...


Json: TypeAlias = dict[str, Any]
"""A JSON object on its way to an SDK."""
