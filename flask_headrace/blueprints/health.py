"""/healthz, /readyz and /metrics: whether the process lives, whether it can answer, and what it has done."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from ..core.errors import ConfigurationError, HeadraceError, ShuttingDown
from .http.auth import authorize_request
from .http.error_handlers import handle_headrace_error
from .http.event_loop import has_one_loop
from .http.json_response import json_value_response
from .openapi.operation import JSON, Operation, ResponseSpec
from .state import ExtensionState, current_state

STORE_PATIENCE = 0.5
"""Seconds that the store has to answer: who asks whether this process is ready often waits for one."""

_STATUS = {JSON: {"type": "object", "required": ["status"]}}

OPERATIONS = (
    Operation("GET", "/healthz", "Tell that the process lives.", (ResponseSpec(200, "It does.", {**_STATUS}),)),
    Operation("GET", "/readyz", "Tell whether questions can be asked.", (ResponseSpec(200, "Yes.", {**_STATUS}),)),
    Operation(
        "GET", "/metrics", "Tell what the service has done.", (ResponseSpec(200, "Metrics.", {"text/plain": None}),)
    ),
)


def create_ops_blueprint(exposition: Callable[[], tuple[bytes, str]]) -> Blueprint:
    """Return the blueprint of what a load balancer and a scraper of metrics ask.

    Args:
        exposition: Returns the metrics as they are scraped, and their content type.
    """
    blueprint = Blueprint("headrace_ops", __name__)
    blueprint.add_url_rule("/healthz", view_func=healthz, methods=["GET"])
    blueprint.add_url_rule("/readyz", view_func=readyz, methods=["GET"])
    blueprint.add_url_rule("/metrics", view_func=lambda: _metrics(exposition), methods=["GET"], endpoint="metrics")
    return blueprint


def _metrics(exposition: Callable[[], tuple[bytes, str]]) -> Response:
    # They tell which models are used and what they cost: not for everybody.
    authorize_request()
    body, content_type = exposition()
    return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})


def healthz() -> Response:
    """Tell that the process lives."""
    return json_value_response({"status": "ok", "streams": len(current_state().streams)})


def readyz() -> Response:
    """Tell whether the default model can be asked, and the store be used; 503 with the reason where not.

    A store that is away for the moment is told, and no reason: plain streams work without it.
    """
    service = current_state()
    try:
        if service.streams.is_closing:
            raise ShuttingDown("This worker is shutting down.")
        trouble = _trouble_of_store(service)
        if isinstance(trouble, ConfigurationError):
            raise trouble
        service.catalogue.health_check()
    except HeadraceError as error:
        response = handle_headrace_error(error)
        response.status_code = 503
        return response
    return json_value_response(
        {"status": "ok"} | ({} if trouble is None else {"store": f"unavailable: {trouble.message}"})
    )


def _trouble_of_store(service: ExtensionState) -> HeadraceError | None:
    # Where each request has a thread of its own there are no resumable streams, and nothing waits in turn.
    return service.store.find_error(STORE_PATIENCE) if has_one_loop() else None
