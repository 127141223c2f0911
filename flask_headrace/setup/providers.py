"""From settings, the SDKs' own variables and the file of HEADRACE_CONFIG to the providers that are set up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core.errors import ConfigurationError
from ..providers.base import Provider
from ..providers.embedded.provider import Embedded
from ..providers.embedded.supervisor import unavailable_reason
from ..providers.http.request_overrides import RequestOverrides
from ..providers.registry import ModelRegistry
from ..settings import Settings
from . import fallbacks
from .config_file import Config, Upstream, read_config
from .provider_kinds import KINDS, Server
from .server_address import is_address, is_key, place_of

OPENAI_MODELS = ("gpt-5-mini", "gpt-5", "gpt-5-nano", "gpt-4.1-mini")
ANTHROPIC_MODELS = ("claude-opus-4-7", "claude-sonnet-4-6", "claude-haiku-4-5")
"""Which models to name first, the default one foremost, where a provider has them."""

NO_KEY = "a variable with something around its key, such as the end of a line, or letters that no key has."


def build_registry(settings: Settings, own: Sequence[Provider] = ()) -> ModelRegistry:
    """Return the providers that the settings and the environment name.

    OpenAI is set up by OPENAI_API_KEY or OPENAI_BASE_URL, Anthropic by ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or
    ANTHROPIC_BASE_URL, further ones by the file, the embedded model by being installed.

    Args:
        settings: The settings.
        own: Providers of the application's own.

    Raises:
        ConfigurationError: there is a mistake in the file, or a name is taken twice.
    """
    config = read_config(settings.config)
    reason = unavailable_reason(settings.local_model) if settings.local else "The embedded model is switched off."
    providers = _providers(settings, config, own, has_embedded=reason is None)
    # A chain has its own way of asking again.
    chained = _providers(replace(settings, retries=0), config, own, has_embedded=reason is None)
    aliases = fallbacks.build_routers(config, chained if settings.retries else providers, settings)
    if settings.model is not None and "/" not in settings.model and settings.model not in config.models:
        raise ConfigurationError(
            f"HEADRACE_MODEL is {settings.model!r}: write it as provider/name, or as an alias of HEADRACE_CONFIG."
        )
    nothing = f"No model can be asked. Set OPENAI_API_KEY or ANTHROPIC_API_KEY. {reason}"
    return ModelRegistry(list(providers.values()), settings.model, nothing, aliases)


def _providers(
    settings: Settings, config: Config, own: Sequence[Provider], *, has_embedded: bool
) -> dict[str, Provider]:
    found = {server.name: KINDS[kind](server, settings) for kind, server in _official()}
    for name, upstream in config.upstreams.items():
        if upstream.kind not in KINDS:
            raise config.mistake(
                f"upstreams.{name}", f"kind is {upstream.kind!r}: it must be one of {', '.join(KINDS)}."
            )
        found[name] = KINDS[upstream.kind](_server(config, name, upstream), settings)
    last = [Embedded(settings.local_model, settings.connect_timeout)] if has_embedded else []
    for provider in (*own, *last):
        if provider.name in found:
            raise ConfigurationError(f"Two providers are called {provider.name!r}: give one of them another name.")
        found[provider.name] = provider
    return found


def _official() -> Iterator[tuple[str, Server]]:
    if _is_set("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        key = _key_in("OPENAI_API_KEY")
        yield "openai", _placed(Server("openai", _address_in("OPENAI_BASE_URL"), key, preferred=OPENAI_MODELS))
    if _is_set("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        # The SDK reads its variables itself, and wants a key.
        key = None if _key_in("ANTHROPIC_API_KEY") or _key_in("ANTHROPIC_AUTH_TOKEN") else "none"
        address = _address_in("ANTHROPIC_BASE_URL")
        yield "anthropic", _placed(Server("anthropic", address, key, preferred=ANTHROPIC_MODELS))


def _server(config: Config, name: str, upstream: Upstream) -> Server:
    key = None
    if upstream.api_key_env is not None and not (key := os.environ.get(upstream.api_key_env)):
        raise config.mistake(f"upstreams.{name}", f"api_key_env is {upstream.api_key_env}, a variable that is not set.")
    if key is not None and not is_key(key):
        raise config.mistake(f"upstreams.{name}", f"api_key_env is {upstream.api_key_env}, {NO_KEY}")
    return _placed(
        Server(name, upstream.base_url, key or "none", RequestOverrides(_headers(key, upstream.api_key_header)))
    )


def _placed(server: Server) -> Server:
    # What an address carries beside the place goes with every request, and nowhere else.
    if server.base_url is None:
        return server
    place = place_of(server.base_url)
    return server._replace(
        base_url=place.base_url, overrides=RequestOverrides((*server.overrides.headers, *place.headers), place.query)
    )


def _headers(key: str | None, key_header: str | None) -> tuple[tuple[str, str | None], ...]:
    # What the variables of the SDKs say is for OpenAI and Anthropic themselves, and no other server's to see.
    foreign: list[str] = ["OpenAI-Organization", "OpenAI-Project"]
    for variable in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
        foreign += [line.partition(":")[0].strip() for line in os.environ.get(variable, "").splitlines() if ":" in line]
    if key is None or key_header is not None:
        foreign += ["Authorization", "X-Api-Key"]
    own = ((key_header, key),) if key_header is not None else ()
    return (*((name, None) for name in foreign), *own)


def _address_in(variable: str) -> str | None:
    address = os.environ.get(variable) or None
    if address is not None and not is_address(address):
        raise ConfigurationError(f"{variable} is no address: write it as https://host/path.")
    return address


def _key_in(variable: str) -> str | None:
    key = os.environ.get(variable) or None
    if key is not None and not is_key(key):
        raise ConfigurationError(f"{variable} is {NO_KEY}")
    return key


def _is_set(*names: str) -> bool:
    return any(os.environ.get(name) for name in names)
