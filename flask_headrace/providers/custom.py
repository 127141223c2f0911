"""Providers of an application's own, which need no more than a name and one method."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

from ..core.errors import ConfigurationError
from ..core.events import Event, StreamMetadata
from .base import Provider, TokenCounter
from .chat_request import ChatRequest
from .custom_events import SourceItem, event_batches


@runtime_checkable
class CustomProvider(Protocol):
    """The least that a provider is; all else that a `Provider` has may be there, or be left out."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def stream(self, request: ChatRequest) -> Iterable[SourceItem]:
        """Ask for an answer and yield it piece by piece. Its end is a `Completed`, or simply the end of the iteration.

        Raises:
            UpstreamError: the model could not be asked, refused, or broke off; in a chain, the next one takes over.
        """
        ...


class ProviderAdapter:
    """An application's provider, with what it has left out filled in.

    Args:
        own: The application's.

    Raises:
        ConfigurationError: it is none, or its name cannot stand before a slash.
    """

    def __init__(self, provider: CustomProvider) -> None:
        if isinstance(provider, type) or not isinstance(provider, CustomProvider):
            raise ConfigurationError(
                f"{provider!r:.200} is no provider: it needs a `name` and a method `stream(request)`."
            )
        if not isinstance(provider.name, str) or not provider.name or "/" in provider.name:
            raise ConfigurationError(f"A provider's name is {provider.name!r}: it must be text without a slash.")
        self._own = provider
        self.name = provider.name
        self.pricing_provider: str = getattr(provider, "pricing_provider", provider.name)
        self.is_embedded: bool = getattr(provider, "is_embedded", False)
        self.unsupported_features = _unsupported_features_of(provider)

    def __repr__(self) -> str:
        return f"<ProviderAdapter {self._own!r}>"

    def stream(self, request: ChatRequest) -> Iterator[list[Event] | StreamMetadata]:
        """Ask for an answer; see `Provider.stream`. What it yields is checked here, where it enters."""
        yield from event_batches(self._own.stream(request), self.name)

    def models(self) -> list[str]:
        """Return its models; one of its own name, where it does not tell."""
        names_given = self._call("models", [self.name])
        names = list(names_given)
        if isinstance(names_given, str) or not all(isinstance(name, str) and name for name in names):
            raise TypeError(f"{self.name}.models() must return the names of its models, not {names_given!r:.200}")
        return names

    def preload(self) -> None:
        """Let it import what it needs."""
        self._call("preload", None)

    def health_check(self) -> None:
        """Return if it can be asked now."""
        self._call("health_check", None)

    def _call(self, method: str, default: Any, *given: Any) -> Any:  # noqa: ANN401  # whatever that method returns
        provider = getattr(self._own, method, None)
        return default if provider is None else provider(*given)


def _unsupported_features_of(provider: CustomProvider) -> frozenset[str]:
    unsupported_features = getattr(provider, "unsupported_features", ())
    known = {*ChatRequest.__struct_fields__[2:], "images", "name"}
    if (
        isinstance(unsupported_features, str)
        or not isinstance(unsupported_features, Collection)
        or not known.issuperset(unsupported_features)
    ):
        raise ConfigurationError(
            f"{provider.name}.unsupported_features is {unsupported_features!r:.200}: it must be a set of fields of a question, such as "
            f"{', '.join(sorted(known))}."
        )
    return frozenset(unsupported_features)


class TokenCountingAdapter(ProviderAdapter):
    """One that counts tokens besides; see `CountsTokens`."""

    def count_tokens(self, request: ChatRequest) -> int:
        """Return how many input tokens a question would take."""
        count: int = self._call("count_tokens", 0, request)
        return count


def adapt_provider(provider: CustomProvider) -> Provider:
    """Return an application's provider as one that has all there is, and that yields nothing but events as they are."""
    return TokenCountingAdapter(provider) if isinstance(provider, TokenCounter) else ProviderAdapter(provider)
