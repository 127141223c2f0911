"""The kinds of upstream servers by their API, and how a provider is built for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from ..providers.anthropic.messages import AnthropicMessages
from ..providers.base import Provider
from ..providers.decoding.think_tags import ThinkTags
from ..providers.http.request_overrides import NO_OVERRIDES, RequestOverrides
from ..providers.openai.chat import OpenAIChat
from ..providers.openai.responses import OpenAIResponses
from ..providers.openai.server import OFFICIAL_BASE_URL, Address, OpenAIServer
from ..providers.passthrough import Passthrough
from ..settings import Settings


class Server(NamedTuple):
    """An upstream server.

    Args:
        name: The name of its provider: the part before the slash in `provider/name`.
        base_url: The URL of the server; None for the default of the SDK.
        api_key: The key; None if the SDK reads it from its environment variables.
        overrides: Headers and query parameters that are added to each request of the SDK.
        preferred: The models that are listed first if the server has them; the first is the default model.
        passthrough: What the server receives beyond what this package knows.
        think_tags: What is around the thoughts that open the text of its answers.
    """

    name: str
    base_url: str | None
    api_key: str | None
    overrides: RequestOverrides = NO_OVERRIDES
    preferred: tuple[str, ...] = ()
    passthrough: Passthrough = Passthrough()
    think_tags: ThinkTags = ThinkTags()


def _openai(provider: type[OpenAIServer], server: Server, settings: Settings) -> Provider:
    # The SDK refuses to work without a key, also for a server that needs none.
    address = Address((server.base_url or OFFICIAL_BASE_URL).rstrip("/"), server.api_key or "none", server.overrides)
    return provider(
        server.name,
        lambda: address,
        connect_timeout=settings.connect_timeout,
        max_retries=settings.max_retries,
        preferred=server.preferred,
        passthrough=server.passthrough,
        think_tags=server.think_tags,
    )


def _anthropic_messages(server: Server, settings: Settings) -> Provider:
    return AnthropicMessages(
        server.name,
        base_url=server.base_url,
        api_key=server.api_key,
        connect_timeout=settings.connect_timeout,
        max_retries=settings.max_retries,
        preferred=server.preferred,
        overrides=server.overrides,
        passthrough=server.passthrough,
        think_tags=server.think_tags,
    )


KINDS: Mapping[str, Callable[[Server, Settings], Provider]] = {
    "openai": partial(_openai, OpenAIChat),
    "openai-responses": partial(_openai, OpenAIResponses),
    "anthropic": _anthropic_messages,
}
"""Functions that build a provider, by the `kind` of an upstream in the file of HEADRACE_CONFIG."""
