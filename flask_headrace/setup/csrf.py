"""Exempts the endpoints that check a request's origin from the CSRF protection of the application.

An extension such as Flask-WTF's `CSRFProtect` refuses each request without its token. Programs have none, and
`authorize_request` refuses the requests of other sites' pages, which is what a token is for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from flask import Flask, request_started

STATE_CHANGING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""The methods that CSRF extensions check."""


def exempt_from_csrf(app: Flask, blueprints: Collection[str]) -> None:
    """Exempt the state-changing endpoints of some blueprints at the first request of an application.

    By then the application is complete, so its CSRF extension may be initialized before or after this one.

    Args:
        app: The application.
        blueprints: The names of the blueprints. Each of their state-changing endpoints calls `authorize_request`.
    """

    def exempt(sender: Flask, **_: object) -> None:
        for extension in _csrf_extensions(sender):
            for rule in sender.url_map.iter_rules():
                is_ours = rule.endpoint.rpartition(".")[0] in blueprints
                if is_ours and not STATE_CHANGING_METHODS.isdisjoint(rule.methods or ()):
                    extension.exempt(sender.view_functions[rule.endpoint])
        request_started.disconnect(exempt, sender)

    # The signal holds the application weakly, and so does this function.
    request_started.connect(exempt, app, weak=False)


def _csrf_extensions(app: Flask) -> Iterator[Any]:
    if hasattr(csrf := app.extensions.get("csrf"), "exempt"):  # Flask-WTF
        yield csrf
    for function in app.before_request_funcs.get(None, ()):
        # Flask-SeaSurf is not in `app.extensions`.
        owner = getattr(function, "__self__", None)
        if type(owner).__module__ == "flask_seasurf":
            yield owner
