"""/healthz, /readyz and /metrics: liveness, readiness and Prometheus metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from flask import Blueprint, Response
from msgspec import UNSET, UnsetType

from ..core.errors import ConfigurationError, HeadraceError, ShuttingDown
from .http.auth import authorize_scraper
from .http.error_handlers import handle_headrace_error
from .http.event_loop import has_one_loop
from .http.json_response import json_response
from .openapi.operation import JSON, Operation, ResponseSpec
from .state import ExtensionState, current_state

STORE_TIMEOUT = 0.5
"""Seconds that a readiness check waits for the store. Callers often have a timeout of 1 s."""


class Liveness(msgspec.Struct, frozen=True):
    """The state of a worker.

    Args:
        status: Always `ok`.
        streams: The number of open streams in this worker.
    """

    status: Literal["ok"]
    streams: int


class Readiness(msgspec.Struct, frozen=True):
    """The state of the service.

    Args:
        status: Always `ok`.
        store: Why the store is unavailable, if it is; plain streams work without it.
    """

    status: Literal["ok"]
    store: str | UnsetType = UNSET


OPERATIONS = (
    Operation(
        "GET",
        "/healthz",
        "Check that the process is alive.",
        (ResponseSpec(200, "The process is alive.", {JSON: Liveness}),),
    ),
    Operation(
        "GET",
        "/readyz",
        "Check that chat requests can be answered.",
        (ResponseSpec(200, "The service is ready.", {JSON: Readiness}),),
    ),
    Operation(
        "GET", "/metrics", "Return the metrics of the service.", (ResponseSpec(200, "Metrics.", {"text/plain": None}),)
    ),
)


def create_health_blueprint(render_metrics: Callable[[], tuple[bytes, str]]) -> Blueprint:
    """Return the blueprint of /healthz, /readyz and /metrics.

    Args:
        render_metrics: Returns the metrics in the Prometheus exposition format, and their content type.
    """
    blueprint = Blueprint("headrace_ops", __name__)
    blueprint.add_url_rule("/healthz", view_func=liveness, methods=["GET"], endpoint="healthz")
    blueprint.add_url_rule("/readyz", view_func=readiness, methods=["GET"], endpoint="readyz")
    blueprint.add_url_rule("/metrics", view_func=lambda: _metrics(render_metrics), methods=["GET"], endpoint="metrics")
    return blueprint


def _metrics(exposition: Callable[[], tuple[bytes, str]]) -> Response:
    authorize_scraper()
    body, content_type = exposition()
    return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})


def liveness() -> Response:
    """Answer 200 with the number of open streams in this worker."""
    return json_response({"status": "ok", "streams": len(current_state().streams)})


def readiness() -> Response:
    """Answer 200 if the default model is available and the store is usable; otherwise 503 with the reason.

    A store that is temporarily unavailable is reported in the body of a 200: plain streams work without a store.
    """
    state = current_state()
    try:
        if state.streams.is_closing:
            raise ShuttingDown("This worker is shutting down.", retry_after=1)
        store_error = _store_error(state)
        if isinstance(store_error, ConfigurationError):
            raise store_error
        state.registry.health_check()
    except HeadraceError as error:
        response = handle_headrace_error(error)
        response.status_code = 503
        return response
    return json_response(
        {"status": "ok"} | ({} if store_error is None else {"store": f"unavailable: {store_error.message}"})
    )


def _store_error(state: ExtensionState) -> HeadraceError | None:
    # Without a shared event loop there are no resumable streams, so the store is not used.
    return state.store_availability.find_error(STORE_TIMEOUT) if has_one_loop() else None
