"""/healthz and /readyz: whether the process lives, and whether it can answer."""

from __future__ import annotations

from flask import Blueprint, Response

from ..streaming.errors import HeadraceError, ShuttingDown
from .errors import of_ours
from .reply import json_reply
from .service import current_service


def create_ops_blueprint() -> Blueprint:
    """Return the blueprint of what a load balancer asks."""
    blueprint = Blueprint("headrace_ops", __name__)
    blueprint.add_url_rule("/healthz", view_func=healthz, methods=["GET"])
    blueprint.add_url_rule("/readyz", view_func=readyz, methods=["GET"])
    return blueprint


def healthz() -> Response:
    """Tell that the process lives."""
    return json_reply({"status": "ok", "streams": len(current_service().streams)})


def readyz() -> Response:
    """Tell whether the default model can be asked; 503 with the reason where it cannot."""
    service = current_service()
    try:
        if service.streams.is_closing:
            raise ShuttingDown("This worker is shutting down.")
        service.catalogue.check()
    except HeadraceError as error:
        response = of_ours(error)
        response.status_code = 503
        return response
    return json_reply({"status": "ok"})
