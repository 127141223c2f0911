"""A router: presents a chain of models, which an alias in HEADRACE_CONFIG names, as one provider.

The router chooses the order of the models; `run.py` tries them for one request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec

from ...core.errors import HeadraceError, InvalidRequest, ModelUnavailable, NotSupported
from ...core.events import Event, StreamMetadata
from ..base import Provider, TokenCounter
from ..chat_request import ChatRequest
from ..passthrough import Passthrough, missing_features, reduced, refusal
from .policy import Deployment, Environment, FallbackPolicy
from .run import FallbackRun


class Router:
    """A provider that tries the models of a chain in turn until one has answered.

    Args:
        name: The alias.
        chain: The models, in the order in which they are tried.
        policy: Retries, timeouts and fallback rules.
        environment: Clock, sleep and random numbers.
    """

    is_embedded = False
    family = None
    passthrough = Passthrough()

    def __init__(
        self, name: str, chain: Sequence[Deployment], policy: FallbackPolicy, environment: Environment
    ) -> None:
        self.name = self.pricing_provider = name
        self.chain = tuple(chain)
        self._policy, self._environment = policy, environment

    def __repr__(self) -> str:
        return f"<Router {self.name}: {', '.join(deployment.model for deployment in self.chain)}>"

    @property
    def unsupported_features(self) -> frozenset[str]:
        """The features that none of the models supports; see `Provider.unsupported_features`."""
        return frozenset.intersection(*(deployment.provider.unsupported_features for deployment in self.chain))

    @property
    def providers(self) -> list[Provider]:
        """The providers of the models, in the order of the chain."""
        return [deployment.provider for deployment in self.chain]

    def stream(self, request: ChatRequest) -> Iterator[list[Event] | StreamMetadata]:
        """Stream the answer of the first model that gives one; see `Provider.stream`.

        Raises:
            InvalidRequest: no model supports all features that the request needs.
        """
        ordered = self._in_order()
        capable = [model for model in ordered if not missing_features(request, model.provider)]
        if not capable:
            required = ", ".join(sorted(request.required_features()))
            raise InvalidRequest(f"No model of {self.name} supports {required} together: leave something out.")
        allowed = [model for model in capable if refusal(request, model.provider) is None]
        if not allowed:
            raise InvalidRequest(refusal(request, capable[0].provider) or "")
        return FallbackRun(self.name, allowed, self._policy, request, self._environment).stream()

    def count_tokens(self, request: ChatRequest) -> int:
        """Return the number of input tokens of a request, counted by the first model that can; see `TokenCounter`.

        Raises:
            NotSupported: no model of the chain can count tokens.
        """
        for deployment in self.chain:
            if isinstance(deployment.provider, TokenCounter):
                request = reduced(request, deployment.provider)
                return deployment.provider.count_tokens(msgspec.structs.replace(request, model=deployment.name))
        raise NotSupported(f"No model of {self.name} counts tokens: name one of Anthropic's models to count them.")

    def models(self) -> list[str]:
        """Return an empty list: the alias itself is in the list of models, by another way."""
        return []

    def preload(self) -> None:
        """Preload the providers of all models; see `Provider.preload`."""
        for deployment in self.chain:
            deployment.provider.preload()

    def health_check(self) -> None:
        """Return if one of the models can accept requests now; see `Provider.health_check`."""
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
        first = deployments[-1]  # also where rounding leaves `point` at 0 after all weights
        for deployment in deployments:
            point -= deployment.weight
            if point < 0:
                first = deployment
                break
        return [first, *(deployment for deployment in deployments if deployment is not first)]
