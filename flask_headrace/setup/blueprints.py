"""Builds the blueprints of the extension: the endpoints of all protocols, health, OpenAPI and the chat page."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

from ..blueprints import health
from ..blueprints.chat_page import create_page_blueprint
from ..blueprints.endpoints import chosen_endpoints
from ..blueprints.http.error_handlers import handle_application_abort
from ..blueprints.http.receive_body import release_refused_body
from ..blueprints.http.request_id import REQUEST_ID_HEADERS, add_request_id
from ..blueprints.http.unread_body import close_unread_connection
from ..blueprints.http.visitor import admit_visitor
from ..blueprints.openapi.document import create_openapi_blueprint
from ..metrics import render_metrics
from ..settings import Settings
from .options import ExtensionOptions
from .page import configured_page

EXPOSED_HEADERS = ("Headrace-Estimated", "Headrace-Stream-Id", *REQUEST_ID_HEADERS, "Retry-After", "X-Should-Retry")
"""Response headers that pages of other origins may read."""


def build_blueprints(settings: Settings, options: ExtensionOptions) -> Iterator[Blueprint]:
    """Yield all blueprints of the extension, in the order in which the application registers them.

    The chat page is among them only with the native endpoints, which it uses; its files always are.

    Args:
        settings: The settings; `cors_origins` decides about CORS headers.
        options: What the application passes to the extension. If it has an `authorize`, that decides who may see the
            page. If not, everybody sees the page, which asks for a key if the service has keys.

    Raises:
        ConfigurationError: there are no endpoints of a name, or an option of the page is not valid.
    """
    groups = chosen_endpoints(options.endpoints)
    for group in groups:
        blueprint = group.create()
        blueprint.register_error_handler(HTTPException, handle_application_abort)
        blueprint.after_request(close_unread_connection)
        blueprint.after_request(release_refused_body)
        blueprint.after_request(add_request_id)
        if settings.cors_origins:
            CORS(blueprint, origins=list(settings.cors_origins), expose_headers=list(EXPOSED_HEADERS))
        yield blueprint
    yield health.create_health_blueprint(render_metrics)
    described = [operation for group in groups for operation in group.operations]
    yield create_openapi_blueprint([*described, *health.OPERATIONS])
    is_served = options.has_page and any(group.name == "native" for group in groups)
    yield create_page_blueprint(
        has_page=is_served,
        admit_visitor=None if options.authorize is None else admit_visitor,
        options=configured_page(settings, options),
    )
