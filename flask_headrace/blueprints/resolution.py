"""Finds the provider of a request's model, and says what of the request the provider receives."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from fnmatch import fnmatchcase

from msgspec.structs import replace

from ..core.errors import HeadraceError, InvalidRequest, ModelNotFound
from ..providers.base import Provider
from ..providers.chat_request import ChatRequest
from ..providers.fallback.router import Router
from ..providers.passthrough import ignored, missing_features, reduced, refusal
from ..providers.registry import Model
from ..providers.request_validation import validation_error
from .state import current_state

FURTHER_MODELS = ("models", "fallbacks")
"""Fields of a request in which gateways such as OpenRouter and LiteLLM take models to ask if the first one fails."""


def resolve(model: str | None, chat_request: ChatRequest, default_provider: str | None) -> tuple[Provider, ChatRequest]:
    """Return the provider of a model, and the request that it receives.

    Args:
        model: The model as the client named it; None for the default model.
        chat_request: The request.
        default_provider: The provider for a model that is named without a provider and that no provider lists.

    Raises:
        InvalidRequest: the request is not valid, or the provider cannot answer it; 400.
        ModelNotFound: no such model is configured; 404.
    """
    if problem := validation_error(chat_request):
        raise InvalidRequest(problem)
    if model is not None and not model.strip():
        raise InvalidRequest(f"model is {model!r:.100}: name a model as provider/name, or omit model for the default.")
    provider, name = current_state().registry.resolve(model, default_provider)
    _reject_unsupported(provider, name, chat_request)
    return provider, replace(reduced(chat_request, provider), model=name)


def check_offered(model: str | None, chat_request: ChatRequest, default_provider: str | None) -> None:
    """Return if clients may name a model; see `Headrace`.

    Args:
        model: The model as the client named it; None for the default model. That is always offered, by its name, too.
        chat_request: The request.
        default_provider: See `resolve`.

    Raises:
        ModelNotFound: no such model is offered, or the request names further ones for the provider; 404.
    """
    state = current_state()
    if state.offered_models is None:
        return
    fields = {} if chat_request.source is None else chat_request.source.fields
    if named := next((name for name in FURTHER_MODELS if fields.get(name)), None):
        raise ModelNotFound(f"{named} names further models, {fields[named]!a:.100}: only `model` can name one here.")
    if model is None:
        return
    with suppress(ModelNotFound):  # whose message names what is not offered
        provider, name = state.registry.resolve(model, default_provider)
        model_id = state.registry.model_id(provider, name)
        if _is_offered(model_id) or _is_default(model_id):
            return
    raise ModelNotFound(f"No model {model!r:.102} is offered here: GET /api/models lists those that are.")


def offered_models() -> list[Model]:
    """Return the available models that clients may name, and the default model."""
    return [model for model in current_state().registry.models() if model.default or _is_offered(model.id)]


def _is_default(model_id: str) -> bool:
    registry = current_state().registry
    with suppress(HeadraceError):  # there is none at the moment
        return registry.model_id(*registry.resolve(None)) == model_id
    return False


def _is_offered(model_id: str) -> bool:
    patterns = current_state().offered_models
    return patterns is None or any(fnmatchcase(model_id, pattern) for pattern in patterns)


def _reject_unsupported(provider: Provider, name: str, chat_request: ChatRequest) -> None:
    if unsupported := missing_features(chat_request, provider):
        raise InvalidRequest(
            f"{provider.name} does not support {', '.join(unsupported)}: omit it, or use another model."
        )
    _reject_effort(provider, name, chat_request)
    reasons = [refusal(chat_request, recipient) for recipient in _recipients(provider)]
    if reasons and all(reasons):
        raise InvalidRequest(reasons[0] or "")


def _reject_effort(provider: Provider, name: str, chat_request: ChatRequest) -> None:
    # Clients of other protocols send an effort to every model: to one without any, it is left out.
    if chat_request.source is not None or chat_request.reasoning_effort in {None, "none"}:
        return
    registry = current_state().registry
    if registry.reasoning_efforts(provider, name) == ():
        raise InvalidRequest(
            f"reasoning_effort is {chat_request.reasoning_effort!r:.100}, and {registry.model_id(provider, name)} does "
            "not reason: omit it, or use another model."
        )


def ignored_by_provider(provider: Provider, chat_request: ChatRequest) -> dict[str, tuple[str, ...]]:
    """Return what of a request the provider, or each one of a chain, does not receive, by the provider's name."""
    names = {recipient.name: ignored(chat_request, recipient) for recipient in _recipients(provider)}
    return {recipient: left_out for recipient, left_out in names.items() if left_out}


def ignored_by_all(provider: Provider, names: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return what no provider of a chain receives, given the result of `ignored_by_provider`."""
    return set[str].intersection(*[set(names.get(recipient.name, ())) for recipient in _recipients(provider)])


def _recipients(provider: Provider) -> list[Provider]:
    return provider.providers if isinstance(provider, Router) else [provider]


def prompt_bytes(chat_request: ChatRequest) -> int:
    """Return the size of a request's texts in bytes of UTF-8.

    Raises:
        InvalidRequest: a text has half a character; 400.
    """
    try:
        return chat_request.size()
    except UnicodeEncodeError as error:
        surrogate = error.object[error.start]
        raise InvalidRequest(f"The request contains {surrogate!r}, a lone surrogate: send whole characters.") from None
