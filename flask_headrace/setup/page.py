"""The options of the chat page: those that the application passes, or those of the file of HEADRACE_CONFIG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..blueprints.page_options import ChatPage
from ..core.errors import ConfigurationError
from ..settings import Settings
from .config_file import read_config
from .options import ExtensionOptions


def chat_page(page: bool | ChatPage | Mapping[str, Any]) -> ChatPage | None:  # the argument of `Headrace`
    """Return the options of the argument `page` of `Headrace`; None if it sets none.

    Raises:
        ConfigurationError: an option is unknown, or its value is not valid.
        TypeError: the argument is neither a truth value, nor a `ChatPage`, nor a mapping.
    """
    if isinstance(page, bool):
        return None
    if isinstance(page, ChatPage):
        return page
    if not isinstance(page, Mapping):
        raise TypeError(f"page is {page!r:.100}: pass True, False, a ChatPage, or a dict of its arguments.")
    return ChatPage.from_mapping(page)


def configured_page(settings: Settings, options: ExtensionOptions) -> ChatPage:
    """Return the options of the chat page.

    Args:
        settings: The settings, which may name a file with a table `[page]`.
        options: What the application passes; its page has precedence over that of the file.

    Raises:
        ConfigurationError: the file has an option that is unknown, or has a value that is not valid.
    """
    if options.page is not None:
        return options.page
    config = read_config(settings.config)
    try:
        return ChatPage.from_mapping(config.page)
    except ConfigurationError as error:
        raise config.error("page", error.message) from None
