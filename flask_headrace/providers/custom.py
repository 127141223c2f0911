"""Custom providers: an application's own providers, which need only a name and the method `stream`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

from ..core.errors import ConfigurationError
from ..core.events import Event, StreamMetadata
from .base import Provider, TokenCounter
from .chat_request import FEATURES, ChatRequest
from .custom_events import SourceItem, linked_batches
from .model_info import ModelInfo, missing_capabilities
from .passthrough import Passthrough
from .reasoning_efforts import usual_efforts
from .reasoning_state import with_reasoning_parts


@runtime_checkable
class CustomProvider(Protocol):
    """The minimum that an application's provider implements. All other members of `Provider` are optional."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def stream(self, request: ChatRequest) -> Iterable[SourceItem]:
        """Yield the answer to a request piece by piece: text, events, or lists of events.

        The answer ends with a `Completed`, or with the end of the iteration.

        Args:
            request: The request; its `model` is the part of the model id behind `name/`.

        Raises:
            UpstreamError: the model could not be reached, refused the request, or broke off its answer. In a chain,
                the next model is tried.
        """
        ...


class ProviderAdapter:
    """Makes a full `Provider` of an application's provider, with defaults for the members that it lacks.

    Args:
        provider: The application's provider.

    Raises:
        ConfigurationError: `provider` lacks `name` or `stream`, its name contains a slash, or its
            `unsupported_features` are not a set of request features.
    """

    family = None
    passthrough = Passthrough()

    def __init__(self, provider: CustomProvider) -> None:
        if isinstance(provider, type) or not isinstance(provider, CustomProvider):
            raise ConfigurationError(
                f"{provider!r:.200} is no provider: give it a `name` and a method `stream(request)`."
            )
        if not isinstance(provider.name, str) or not provider.name or "/" in provider.name:
            raise ConfigurationError(f"A provider's name is {provider.name!r}: it must be text without a slash.")
        self._provider = provider
        self.name = provider.name
        self.pricing_provider: str = getattr(provider, "pricing_provider", provider.name)
        self.is_embedded: bool = getattr(provider, "is_embedded", False)
        self.unsupported_features = _unsupported_features_of(provider)

    def __repr__(self) -> str:
        return f"<ProviderAdapter {self._provider!r}>"

    def stream(self, request: ChatRequest) -> Iterator[list[Event] | StreamMetadata]:
        """Stream an answer as validated events; see `Provider.stream` and `linked_batches`."""
        # It makes no states, and those of others are not for it.
        yield from linked_batches(self._provider.stream(with_reasoning_parts(request, None, self.name)), self.name)

    def models(self) -> list[str]:
        """Return the names of the provider's models; the provider's own name if it has no method `models`."""
        names_given = self._call("models", [self.name])
        names = list(names_given)
        if isinstance(names_given, str) or not all(isinstance(name, str) and name for name in names):
            raise TypeError(f"{self.name}.models() must return the names of its models, not {names_given!r:.200}")
        return names

    def list_models(self) -> list[ModelInfo]:
        """Return the provider's models, with the capabilities that its `unsupported_features` deny them."""
        missing = missing_capabilities(self.unsupported_features)
        efforts = usual_efforts(missing.get("reasoning"))
        return [ModelInfo(name, capabilities=missing, reasoning_efforts=efforts) for name in self.models()]

    def preload(self) -> None:
        """Call the provider's `preload`, if it has one."""
        self._call("preload", None)

    def health_check(self) -> None:
        """Call the provider's `health_check`, if it has one; it raises if the provider cannot accept requests."""
        self._call("health_check", None)

    def _call(self, method: str, default: Any, *args: Any) -> Any:  # noqa: ANN401  # any method's result
        function = getattr(self._provider, method, None)
        return default if function is None else function(*args)


def _unsupported_features_of(provider: CustomProvider) -> frozenset[str]:
    unsupported_features = getattr(provider, "unsupported_features", ())
    if (
        isinstance(unsupported_features, str)
        or not isinstance(unsupported_features, Collection)
        or not FEATURES.issuperset(unsupported_features)
    ):
        raise ConfigurationError(
            f"{provider.name}.unsupported_features is {unsupported_features!r:.200}: "
            f"it must be a set of request features, such as {', '.join(sorted(FEATURES))}."
        )
    return frozenset(unsupported_features)


class TokenCountingAdapter(ProviderAdapter):
    """A `ProviderAdapter` for a provider that also implements `TokenCounter`."""

    def count_tokens(self, request: ChatRequest) -> int:
        """Return the number of input tokens of a request; see `TokenCounter`."""
        count: int = self._call("count_tokens", 0, request)
        return count


def adapt_provider(provider: CustomProvider) -> Provider:
    """Return a full `Provider` for an application's provider; its events are validated.

    Raises:
        ConfigurationError: see `ProviderAdapter`.
    """
    return TokenCountingAdapter(provider) if isinstance(provider, TokenCounter) else ProviderAdapter(provider)
