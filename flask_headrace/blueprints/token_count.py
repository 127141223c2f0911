"""The number of input tokens of a request."""

from __future__ import annotations

from typing import NamedTuple

from ..core.errors import NotSupported, UpstreamError
from ..core.usage import estimate_tokens
from ..providers.base import TokenCounter
from ..providers.chat_request import ChatRequest
from .resolution import check_offered, prompt_bytes, resolve


class TokenCount(NamedTuple):
    """The number of input tokens of a request, and whether it is estimated."""

    input_tokens: int
    is_estimated: bool


def count_tokens(model: str | None, chat_request: ChatRequest, *, default_provider: str | None = None) -> TokenCount:
    """Return the number of input tokens of a request: the provider's count if it counts them, else an estimate.

    Args:
        model: The model as the client named it; None for the default model.
        chat_request: The request.
        default_provider: The provider for a model that is named without a provider and that no provider lists.

    Raises:
        InvalidRequest: the model cannot answer this request; 400.
        ModelNotFound: no such model is configured; 404.
        UpstreamError: the provider is unreachable or rejected the request.
    """
    check_offered(model, chat_request, default_provider)
    provider, chat_request = resolve(model, chat_request, default_provider)
    if isinstance(provider, TokenCounter):
        try:
            return TokenCount(provider.count_tokens(chat_request), is_estimated=False)
        except NotSupported:
            pass
        except UpstreamError as error:
            if not _is_endpoint_missing(error, chat_request.model):
                raise
    return TokenCount(estimate_tokens(prompt_bytes(chat_request)), is_estimated=True)


def _is_endpoint_missing(error: UpstreamError, model: str) -> bool:
    # Many servers that speak Anthropic's protocol only answer messages. A 404 that names the model is about the model.
    return error.status == 405 or (error.status == 404 and model not in error.message)
