"""A chain of models as one model: what an alias in HEADRACE_CONFIG names.

It chooses the order in which they are asked; how one question goes along it is `relay.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec

from ...core.errors import HeadraceError, InvalidRequest, ModelUnavailable, NotSupported
from ...core.events import Event, StreamMetadata
from ..base import TokenCounter
from ..chat_request import ChatRequest
from .policy import Deployment, Environment, FallbackPolicy
from .run import FallbackRun


class Router:
    """A provider that asks one model of a chain after another, until one has answered.

    Args:
        name: The alias.
        chain: Its models, in the order in which they are asked.
        terms: On which terms.
        world: Clock, sleep and chance.
    """

    is_embedded = False

    def __init__(
        self, name: str, chain: Sequence[Deployment], policy: FallbackPolicy, environment: Environment
    ) -> None:
        self.name = self.pricing_provider = name
        self.chain = tuple(chain)
        self._policy, self._environment = policy, environment

    def __repr__(self) -> str:
        return f"<Router {self.name}: {', '.join(link.model for link in self.chain)}>"

    @property
    def unsupported_features(self) -> frozenset[str]:
        """What none of its models can honour; see `Provider.unsupported_features`."""
        return frozenset.intersection(*(deployment.provider.unsupported_features for deployment in self.chain))

    def stream(self, request: ChatRequest) -> Iterator[list[Event] | StreamMetadata]:
        """Ask for an answer; see `Provider.stream`.

        Raises:
            InvalidRequest: none of its models can honour all that the question asks for.
        """
        required = request.required_features()
        capable = [
            deployment for deployment in self._in_order() if not required & deployment.provider.unsupported_features
        ]
        if not capable:
            raise InvalidRequest(
                f"No model of {self.name} can honour {', '.join(sorted(required))} at once: leave something out."
            )
        return FallbackRun(self.name, capable, self._policy, request, self._environment).stream()

    def count_tokens(self, request: ChatRequest) -> int:
        """Have the first of its models that can do it count a question's tokens; see `CountsTokens`.

        Raises:
            NotSupported: none of them can.
        """
        for deployment in self.chain:
            if isinstance(deployment.provider, TokenCounter):
                return deployment.provider.count_tokens(msgspec.structs.replace(request, model=deployment.name))
        raise NotSupported(f"No model of {self.name} counts tokens: have them counted for one of Anthropic's.")

    def models(self) -> list[str]:
        """Return nothing: an alias is one model, and stands in the list by itself."""
        return []

    def preload(self) -> None:
        """Import what its providers need; see `Provider.preload`."""
        for deployment in self.chain:
            deployment.provider.preload()

    def health_check(self) -> None:
        """Return if one of its models can be asked now; see `Provider.check`."""
        *others, last = self.chain
        for deployment in others:
            with suppress(HeadraceError):
                self._check_deployment(deployment)
                return
        self._check_deployment(last)

    def _check_deployment(self, deployment: Deployment) -> None:
        if deployment.breaker.state != "closed":
            raise ModelUnavailable(f"The models of {self.name} have failed lately.")
        deployment.provider.health_check()

    def _in_order(self) -> list[Deployment]:
        deployments = list(self.chain)
        if not self._policy.is_weighted:
            return deployments
        point = self._environment.random() * sum(deployment.weight for deployment in deployments)
        for first in deployments:
            point -= first.weight
            if point < 0:
                break
        return [first, *(deployment for deployment in deployments if deployment is not first)]
