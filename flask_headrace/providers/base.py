"""The interface of a provider: streams answers to chat requests, lists its models, and may count tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from ..core.events import Event, StreamMetadata
from .chat_request import ChatRequest
from .model_info import ModelInfo
from .passthrough import Passthrough
from .source_request import Family


@runtime_checkable
class Provider(Protocol):
    """Sends chat requests to an upstream and streams its answers.

    Attributes:
        name: The part before the slash in a model id, such as `openai` in `openai/gpt-5`.
        pricing_provider: The name or base URL under which the price list knows the provider; see `core.pricing`.
        is_embedded: Whether this is the small model that runs on this machine.
        unsupported_features: Names of request features that the upstream cannot honour: fields of `ChatRequest`,
            `images` and the like; see `chat_request.FEATURES`. The provider never receives a request that needs one
            of them.
        family: The protocol family that the upstream speaks; None for none of them.
        passthrough: What the upstream receives of a request of its own family beyond what this package knows.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def pricing_provider(self) -> str: ...  # noqa: D102
    @property
    def is_embedded(self) -> bool: ...  # noqa: D102

    @property
    def unsupported_features(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def family(self) -> Family | None: ...  # noqa: D102
    @property
    def passthrough(self) -> Passthrough: ...  # noqa: D102

    def stream(self, request: ChatRequest) -> Iterator[list[Event] | StreamMetadata]:
        """Send a request to the upstream and yield its answer in batches, one list of events for each network read.

        The last list ends with a `Usage`, if the upstream reported it, and a `Completed`. An earlier list may end with
        a `Usage` whose `estimated` is true: the counts so far. A provider that tries several models also yields
        `StreamMetadata` in place of a list. Closing the iterator, or killing the greenlet that waits in it, closes
        the connection to the upstream.

        Args:
            request: The request; its `model` is the provider's own name of the model.

        Raises:
            UpstreamError: the upstream could not be reached, refused the request, or broke off its answer.
        """
        ...

    def models(self) -> list[str]:
        """Return the names of the available models, the preferred one first.

        Raises:
            UpstreamError: the upstream did not return its list of models.
        """
        ...

    def preload(self) -> None:
        """Import the modules that the first request needs, so that it does not wait for them."""
        ...

    def health_check(self) -> None:
        """Return if the provider can accept requests now.

        Raises:
            UpstreamError: the provider cannot; the message says why.
        """
        ...


@runtime_checkable
class ModelLister(Protocol):
    """A provider whose list of models also has their limits and capabilities. It is asked in place of `models`."""

    def list_models(self) -> list[ModelInfo]:
        """Return the available models, the preferred one first.

        Raises:
            UpstreamError: the upstream did not return its list of models.
        """
        ...


@runtime_checkable
class TokenCounter(Protocol):
    """A provider that also counts the input tokens of a request without generating an answer."""

    def count_tokens(self, request: ChatRequest) -> int:
        """Return the number of input tokens of a request.

        Raises:
            UpstreamError: the upstream could not be reached, or refused the request.
        """
        ...
