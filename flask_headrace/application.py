"""The service: an application that is nothing but Headrace, set up by the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import click
from flask import Flask
from flask.cli import run_command
from werkzeug.exceptions import HTTPException

from .blueprints.errors import of_http
from .blueprints.guard import LOOPBACK
from .blueprints.unread import close_unread
from .extension import Headrace
from .settings import PREFIX, Settings, is_on_loopback
from .streaming.errors import ConfigurationError


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the service's application.

    Args:
        config: Settings that go before those of the environment.

    Raises:
        ConfigurationError: a setting is wrong; the message names it.
    """
    app = Flask("flask_headrace", static_folder=None)
    app.config.from_mapping({name: value for name, value in os.environ.items() if name.startswith(PREFIX)})
    app.config.from_mapping(config or {})
    settings = Settings.from_mapping(app.config)
    refuse_open_door([settings.bind, *_addresses_of_flask_run()], settings)
    Headrace(app, hosts=None if settings.api_keys else (*LOOPBACK, *settings.hosts))
    app.register_error_handler(HTTPException, of_http)
    app.after_request(close_unread)  # also what no endpoint has
    return app


def _addresses_of_flask_run() -> list[str]:
    # It listens where its own options and variables say, and loads the application first.
    context = click.get_current_context(silent=True)
    if context is None or context.command is not run_command:
        return []
    host: str = context.params["host"]
    return [f"[{host}]" if ":" in host and not host.startswith("unix:") else host]


def refuse_open_door(addresses: Iterable[str], settings: Settings) -> None:
    """Refuse to serve the whole network without a key.

    Args:
        addresses: Where the service listens.
        settings: Its settings.

    Raises:
        ConfigurationError: an address is not a loopback one, and there is no key.
    """
    for address in addresses:
        if not is_on_loopback(address) and not settings.api_keys:
            raise ConfigurationError(
                f"The service is to listen on {address}, which other machines can reach, and HEADRACE_API_KEYS is "
                "empty: set keys, or bind to 127.0.0.1."
            )
