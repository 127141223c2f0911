"""The service: an application that is nothing but Headrace, set up by the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from .blueprints.errors import of_http
from .extension import Headrace
from .settings import PREFIX, Settings
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
    refuse_open_door(Settings.from_mapping(app.config))
    Headrace(app)
    app.register_error_handler(HTTPException, of_http)
    return app


def refuse_open_door(settings: Settings) -> None:
    """Refuse to serve the whole network without a key.

    Raises:
        ConfigurationError: the address is not a loopback one, and there is no key.
    """
    if not settings.is_on_loopback() and not settings.api_keys:
        raise ConfigurationError(
            f"HEADRACE_BIND is {settings.bind}, which other machines can reach, and HEADRACE_API_KEYS is empty: "
            "set keys, or bind to 127.0.0.1."
        )
