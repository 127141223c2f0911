"""The kinds of upstreams: which provider speaks to a server whose API is of that kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from ..providers.anthropic.messages import AnthropicMessages
from ..providers.base import Provider
from ..providers.http.request_overrides import NO_EXTRAS, RequestOverrides
from ..providers.openai.chat import OpenAIChat
from ..providers.openai.responses import OpenAIResponses
from ..providers.openai.server import OFFICIAL_BASE_URL, Address, OpenAIServer
from ..settings import Settings


class Server(NamedTuple):
    """A server of any kind.

    Args:
        name: What stands before the slash in its models' names.
        base_url: Its address; None for the SDK's own.
        api_key: Its key; None for the SDK's own variables.
        overrides: What requests to it carry beside what its SDK writes.
        preferred: The models to name first, where it has them.
    """

    name: str
    base_url: str | None
    api_key: str | None
    overrides: RequestOverrides = NO_EXTRAS
    preferred: tuple[str, ...] = ()


def _openai(provider: type[OpenAIServer], server: Server, settings: Settings) -> Provider:
    # A server of one's own may want no key, but the SDK wants to send one.
    address = Address((server.base_url or OFFICIAL_BASE_URL).rstrip("/"), server.api_key or "none", server.overrides)
    return provider(
        server.name,
        lambda: address,
        connect_timeout=settings.connect_timeout,
        max_retries=settings.retries,
        preferred=server.preferred,
    )


def _anthropic_messages(server: Server, settings: Settings) -> Provider:
    return AnthropicMessages(
        server.name,
        base_url=server.base_url,
        api_key=server.api_key,
        connect_timeout=settings.connect_timeout,
        max_retries=settings.retries,
        preferred=server.preferred,
        overrides=server.overrides,
    )


KINDS: Mapping[str, Callable[[Server, Settings], Provider]] = {
    "openai": partial(_openai, OpenAIChat),
    "openai-responses": partial(_openai, OpenAIResponses),
    "anthropic": _anthropic_messages,
}
"""By the word that stands in the file as an upstream's `kind`."""
