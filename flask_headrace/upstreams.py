"""From settings and the SDKs' own variables to the providers that are set up."""

from __future__ import annotations

import os

from .providers.anthropic_messages import AnthropicMessages
from .providers.base import Provider
from .providers.catalogue import Catalogue
from .providers.embedded import Embedded
from .providers.local import unavailable_reason
from .providers.openai_chat import OpenAIChat
from .providers.openai_server import OFFICIAL, Address
from .settings import Settings

OPENAI_MODELS = ("gpt-5-mini", "gpt-5", "gpt-5-nano", "gpt-4.1-mini")
ANTHROPIC_MODELS = ("claude-opus-4-7", "claude-sonnet-4-6", "claude-haiku-4-5")
"""Which models to name first, the default one foremost, where a provider has them."""


def catalogue(settings: Settings) -> Catalogue:
    """Return the providers that the settings and the environment name.

    OpenAI is set up by OPENAI_API_KEY or OPENAI_BASE_URL, Anthropic by ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or
    ANTHROPIC_BASE_URL, the embedded model by being installed.
    """
    providers: list[Provider] = []
    if _is_set("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        base_url = os.environ.get("OPENAI_BASE_URL") or OFFICIAL
        # A server of one's own may want no key, but the SDK wants to send one.
        address = Address(base_url.rstrip("/"), os.environ.get("OPENAI_API_KEY") or "none")
        providers.append(
            OpenAIChat(
                "openai",
                lambda: address,
                connect_timeout=settings.connect_timeout,
                retries=settings.retries,
                preferred=OPENAI_MODELS,
            )
        )
    if _is_set("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        has_key = _is_set("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
        providers.append(
            AnthropicMessages(
                base_url=os.environ.get("ANTHROPIC_BASE_URL"),
                api_key=None if has_key else "none",
                retries=settings.retries,
                preferred=ANTHROPIC_MODELS,
                connect_timeout=settings.connect_timeout,
            )
        )
    reason = unavailable_reason(settings.local_model) if settings.local else "The embedded model is switched off."
    if reason is None:
        providers.append(Embedded(settings.local_model, settings.connect_timeout))
    return Catalogue(
        providers, settings.model, f"No model can be asked. Set OPENAI_API_KEY or ANTHROPIC_API_KEY. {reason}"
    )


def _is_set(*names: str) -> bool:
    return any(os.environ.get(name) for name in names)
