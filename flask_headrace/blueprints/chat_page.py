"""The chat page: one document, its modules and its style.

Knows the page's address, its files and the headers that keep it closed to everything foreign. Knows nothing of chats:
the page's own JavaScript asks the endpoints that lie beside it, under the same prefix.
"""

from collections.abc import Callable

from flask import Blueprint, make_response, render_template, url_for
from werkzeug.wrappers import Response

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What the page may load: its own files and its own endpoints, and nothing written inside the document."""


def create_page_blueprint(login_redirect: Callable[[], Response | None] = lambda: None) -> Blueprint:
    """Return the blueprint of the chat page, ready to be registered under any prefix.

    `GET /` is the page, `/headrace-static/…` are its files. The page asks `<prefix>/api/chat` and
    `<prefix>/api/models`.

    Args:
        way_to_login: Returns, in a request for the page, where a visitor is to log in first; None for nowhere.
    """
    page = Blueprint(
        "headrace_page",
        __name__,
        template_folder="../templates",
        static_folder="../static",
        # Flask's default, /static, would be shadowed by the application's own when there is no prefix.
        static_url_path="/headrace-static",
    )
    page.add_url_rule("/", "chat", lambda: login_redirect() or show_chat())
    page.after_request(add_nosniff_header)
    return page


def show_chat() -> Response:
    """Render the page, which is the same for everybody and runs nothing but its own files."""
    response = make_response(render_template("flask_headrace/chat.html", api=url_for(".chat") + "api"))
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-cache"
    return response


def add_nosniff_header(response: Response) -> Response:
    """Keep browsers from guessing another type than the one that is sent."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
