"""The lists of models as the providers return them: fetched within a time limit, and with what is known beside them."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from ..core import pricing
from ..core.errors import ConnectTimeout, HeadraceError, UpstreamProtocolError
from .base import ModelLister, Provider
from .http.time_limit import limit_time
from .model_info import ModelInfo
from .redaction import redact

log = logging.getLogger("flask_headrace")

MODEL_LIST_TTL = 300.0
"""Seconds for which a provider's list of models is cached."""

MODEL_LIST_TIMEOUT = 4.0
"""Seconds after which a request for a provider's list of models is given up."""

FAILURE_TTL = 10.0
"""Seconds before a provider whose list of models could not be fetched is asked for it again."""


class ModelList(NamedTuple):
    """A cached list of a provider's models by name, with the error of the last fetch; valid until `expires_at`.

    `expires_at` is in seconds of `time.monotonic()`.
    """

    expires_at: float
    models: Mapping[str, ModelInfo]
    error: HeadraceError | None

    @property
    def names(self) -> list[str]:
        """The names of the models, the preferred one first."""
        return list(self.models)


def fetch_model_list(provider: Provider, cached: Mapping[str, ModelInfo]) -> ModelList:
    """Return a provider's list of models; the cached one, with the error, if the provider does not return it.

    Args:
        provider: The provider.
        cached: Its models by name, as it listed them the last time.
    """
    limit = ConnectTimeout(f"{provider.name} did not return its list of models within {MODEL_LIST_TIMEOUT:g} s.")
    try:
        with limit_time(MODEL_LIST_TIMEOUT, lambda: limit):
            return ModelList(time.monotonic() + MODEL_LIST_TTL, _list_models(provider), None)
    except HeadraceError as error:
        return ModelList(time.monotonic() + FAILURE_TTL, cached, error)
    except Exception as error:  # a bug in a custom provider must not make the other providers unusable
        log.exception("%s failed to return its list of models", provider.name)
        return ModelList(
            time.monotonic() + FAILURE_TTL,
            cached,
            UpstreamProtocolError(f"{provider.name} failed to return its list of models: {redact(repr(error))}"),
        )


def _list_models(provider: Provider) -> Mapping[str, ModelInfo]:
    if isinstance(provider, ModelLister):
        return {model.name: _with_context_window(model, provider) for model in provider.list_models()}
    return {name: _with_context_window(ModelInfo(name), provider) for name in provider.models()}


def _with_context_window(model: ModelInfo, provider: Provider) -> ModelInfo:
    if model.context_window is not None:
        return model
    return replace(model, context_window=pricing.find_context_window(provider.pricing_provider, model.name))
