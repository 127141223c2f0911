"""Authorization of a person who opens a page in a browser: a refusal is the application's own page, not JSON."""

from __future__ import annotations

import math

from flask import current_app
from werkzeug.exceptions import HTTPException, ServiceUnavailable, TooManyRequests, default_exceptions

from ...core.errors import HeadraceError
from ..state import current_state
from .error_handlers import handle_headrace_error


def admit_visitor() -> None:
    """Return if the application's `authorize` callback lets the visitor of a page in; else raise what it raises.

    The application's own error handlers then answer, as they do in its views.

    Raises:
        HTTPException: the callback aborted; or it raised an error of this package, whose status the exception has.
        HeadraceError: the callback raised an error of this package that the application handles itself.
    """
    try:
        current_state().authorize()
    except HeadraceError as error:
        handlers = current_app.error_handler_spec[None][None]
        handler = next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)
        if handler is not handle_headrace_error:
            raise
        # This handler writes JSON, which is for programs.
        raise _http_exception(error) from None


def _http_exception(error: HeadraceError) -> HTTPException:
    exception = default_exceptions.get(error.status, HTTPException)(error.message)
    exception.code = error.status
    if isinstance(exception, (ServiceUnavailable, TooManyRequests)) and error.retry_after is not None:
        exception.retry_after = math.ceil(error.retry_after)
    return exception
