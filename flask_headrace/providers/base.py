"""What a provider is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from ..core.events import Event, StreamMetadata
from .chat_request import ChatRequest


@runtime_checkable
class Provider(Protocol):
    """An upstream that answers questions.

    Attributes:
        name: What stands before the slash in a model's name.
        pricing_provider: The base URL by which the price list knows the provider; see `streaming.prices`.
        is_embedded: Whether it is the small model on this machine.
        unsupported: The fields of a question, `images` and `name`, that it cannot honour; see `ChatRequest.required_features`.
            It is not asked such questions.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def pricing_provider(self) -> str: ...  # noqa: D102
    @property
    def is_embedded(self) -> bool: ...  # noqa: D102

    @property
    def unsupported_features(self) -> frozenset[str]: ...  # noqa: D102

    def stream(self, request: ChatRequest) -> Iterator[list[Event] | StreamMetadata]:
        """Ask the upstream and yield its answer: one list of deltas for each read from the network.

        The last list ends with a `Usage`, where the upstream told it, and a `Completed`. A list before it may end with a
        `Usage` that is `estimated`: what is known so far. In place of a list, who asks one model after another tells
        of that; see `StreamMetadata`. Closing the iterator, or killing the greenlet that waits in it, closes the connection.

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

    def preload(self) -> None:
        """Import what the first request would have to wait for."""
        ...

    def health_check(self) -> None:
        """Return if the provider can be asked now.

        Raises:
            UpstreamError: it cannot; the message says why.
        """
        ...


@runtime_checkable
class TokenCounter(Protocol):
    """What a provider is besides where it counts a question's tokens without answering it."""

    def count_tokens(self, request: ChatRequest) -> int:
        """Return how many input tokens a question would take.

        Raises:
            UpstreamError: the upstream could not be asked, or refused.
        """
        ...
