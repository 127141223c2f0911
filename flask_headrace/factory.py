"""The application factory of the service: a Flask application with this extension and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from .blueprints.http.error_handlers import handle_http_error
from .blueprints.http.unread_body import close_unread_connection
from .extension import Headrace
from .server.open_access import reject_public_addresses
from .server.start_errors import reported_in_one_sentence
from .settings import Settings


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the application of the service.

    Args:
        config: `HEADRACE_*` settings, and any other entries of `app.config`. They have precedence over the environment.

    Raises:
        ConfigurationError: a setting is wrong; the message names it.
    """
    app = Flask("flask_headrace", static_folder=None)
    app.config.from_mapping(config or {})
    with reported_in_one_sentence():
        settings = Settings.from_app_config(app.config)
        if not settings.api_keys:
            reject_public_addresses([settings.bind])
    Headrace(app)
    app.register_error_handler(HTTPException, handle_http_error)
    app.after_request(close_unread_connection)  # also for paths without an endpoint
    return app
