"""Builds all providers: from the settings, the environment variables of the SDKs and the file of HEADRACE_CONFIG."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core.errors import ConfigurationError
from ..providers.base import Provider
from ..providers.decoding.think_tags import ThinkTags
from ..providers.embedded.provider import EmbeddedProvider
from ..providers.embedded.supervisor import unavailable_reason
from ..providers.http.request_overrides import RequestOverrides
from ..providers.model_info import CAPABILITIES, ModelInfo
from ..providers.passthrough import Passthrough
from ..providers.registry import ModelRegistry
from ..settings import Settings
from . import fallbacks
from .config_file import Config, Upstream, read_config
from .provider_kinds import KINDS, Server
from .server_address import is_key, is_server_url, split_server_url

OPENAI_MODELS = ("gpt-5-mini", "gpt-5", "gpt-5-nano", "gpt-4.1-mini")
ANTHROPIC_MODELS = ("claude-opus-4-7", "claude-sonnet-4-6", "claude-haiku-4-5")
"""Models that are listed first if the provider has them; the first of them is the default model."""

INVALID_KEY = "a variable with something around its key, such as the end of a line, or letters that no key has."


def build_registry(settings: Settings, own: Sequence[Provider] = ()) -> ModelRegistry:
    """Return the registry of all models.

    OPENAI_API_KEY or OPENAI_BASE_URL adds OpenAI; ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or ANTHROPIC_BASE_URL adds
    Anthropic; each upstream of the file adds a provider; the embedded model is added if it is installed.

    Args:
        settings: The settings.
        own: Providers of the application.

    Raises:
        ConfigurationError: the file, a variable or the default model is invalid, or two providers have the same name.
    """
    config = read_config(settings.config)
    reason = unavailable_reason(settings.embedded_model) if settings.embedded else "The embedded model is switched off."
    providers = _providers(settings, config, own, has_embedded=reason is None)
    # A fallback chain repeats failed requests itself: its providers must not.
    providers_of_chains = _providers(replace(settings, max_retries=0), config, own, has_embedded=reason is None)
    aliases = fallbacks.build_routers(config, providers_of_chains if settings.max_retries else providers, settings)
    if settings.model is not None and "/" not in settings.model and settings.model not in config.models:
        raise ConfigurationError(
            f"HEADRACE_MODEL is {settings.model!r}: write it as provider/name, or as an alias of HEADRACE_CONFIG."
        )
    no_models = f"There is no model. Set OPENAI_API_KEY or ANTHROPIC_API_KEY. {reason}"
    return ModelRegistry(list(providers.values()), settings.model, no_models, aliases, _configured_models(config))


def _configured_models(config: Config) -> dict[str, ModelInfo]:
    found = {}
    for upstream_name, upstream in config.upstreams.items():
        for name in {*upstream.context, *upstream.capabilities}:
            capabilities = {}
            if (given := upstream.capabilities.get(name)) is not None:
                capabilities = {capability: capability in given for capability in CAPABILITIES}
            info = ModelInfo(name, context_window=upstream.context.get(name), capabilities=capabilities)
            found[f"{upstream_name}/{name}"] = info
    return found


def _providers(
    settings: Settings, config: Config, own: Sequence[Provider], *, has_embedded: bool
) -> dict[str, Provider]:
    found = {server.name: KINDS[kind](server, settings) for kind, server in _official()}
    for name, upstream in config.upstreams.items():
        if upstream.kind not in KINDS:
            raise config.error(f"upstreams.{name}", f"kind is {upstream.kind!r}: it must be one of {', '.join(KINDS)}.")
        found[name] = KINDS[upstream.kind](_server(config, name, upstream), settings)
    last = [EmbeddedProvider(settings.embedded_model, settings.connect_timeout)] if has_embedded else []
    for provider in (*own, *last):
        if provider.name in found:
            raise ConfigurationError(f"Two providers are called {provider.name!r}: give one of them another name.")
        found[provider.name] = provider
    return found


def _official() -> Iterator[tuple[str, Server]]:
    if _is_set("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        key = _key_in("OPENAI_API_KEY")
        yield "openai", _with_split_url(Server("openai", _url_in("OPENAI_BASE_URL"), key, preferred=OPENAI_MODELS))
    if _is_set("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        # The SDK reads its variables itself, and refuses to work without a key.
        key = None if _key_in("ANTHROPIC_API_KEY") or _key_in("ANTHROPIC_AUTH_TOKEN") else "none"
        address = _url_in("ANTHROPIC_BASE_URL")
        yield "anthropic", _with_split_url(Server("anthropic", address, key, preferred=ANTHROPIC_MODELS))


def _server(config: Config, name: str, upstream: Upstream) -> Server:
    key = None
    if upstream.api_key_env is not None and not (key := os.environ.get(upstream.api_key_env)):
        raise config.error(f"upstreams.{name}", f"api_key_env is {upstream.api_key_env}, a variable that is not set.")
    if key is not None and not is_key(key):
        raise config.error(f"upstreams.{name}", f"api_key_env is {upstream.api_key_env}, {INVALID_KEY}")
    return _with_split_url(
        Server(
            name,
            upstream.base_url,
            key or "none",
            RequestOverrides(_headers(key, upstream.api_key_header)),
            passthrough=Passthrough(upstream.passes == "all", upstream.refuse, upstream.state),
            think_tags=ThinkTags(upstream.think_tags, upstream.think_in_prompt),
        )
    )


def _with_split_url(server: Server) -> Server:
    # The query and the credentials of a URL are sent with every request. The base URL itself must not contain them: it
    # is written to logs and looked up in price lists.
    if server.base_url is None:
        return server
    url = split_server_url(server.base_url)
    return server._replace(
        base_url=url.base_url, overrides=RequestOverrides((*server.overrides.headers, *url.headers), url.query)
    )


def _headers(key: str | None, key_header: str | None) -> tuple[tuple[str, str | None], ...]:
    # The SDKs add headers from their environment variables. They are meant for OpenAI and Anthropic: other servers must
    # not receive them.
    removed: list[str] = ["OpenAI-Organization", "OpenAI-Project"]
    for variable in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
        removed += [line.partition(":")[0].strip() for line in os.environ.get(variable, "").splitlines() if ":" in line]
    if key is None or key_header is not None:
        removed += ["Authorization", "X-Api-Key"]
    own = ((key_header, key),) if key_header is not None else ()
    return (*((name, None) for name in removed), *own)


def _url_in(variable: str) -> str | None:
    address = os.environ.get(variable) or None
    if address is not None and not is_server_url(address):
        raise ConfigurationError(f"{variable} is no address: write it as https://host/path.")
    return address


def _key_in(variable: str) -> str | None:
    key = os.environ.get(variable) or None
    if key is not None and not is_key(key):
        raise ConfigurationError(f"{variable} is {INVALID_KEY}")
    return key


def _is_set(*names: str) -> bool:
    return any(os.environ.get(name) for name in names)
