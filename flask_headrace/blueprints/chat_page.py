"""The chat page: one HTML document with its JavaScript modules and style sheets.

This module knows the page's URL, its files and its security headers. It does not know the chat protocol: the page's
JavaScript calls the API endpoints under the same URL prefix.
"""

from collections.abc import Callable

from flask import Blueprint, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from flask_headrace.blueprints.page_words import choose_language, direction_of, page_words

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
"""The page may load its own files and call its own endpoints; inline scripts and styles are forbidden."""


def create_page_blueprint(*, has_page: bool = True, admit_visitor: Callable[[], None] | None = None) -> Blueprint:
    """Return the blueprint of the chat page, ready to be registered under any URL prefix.

    `GET /` serves the page, `/headrace-static/…` its files. The page calls `<prefix>/api/chat` and
    `<prefix>/api/models`. The files are the same for everybody and hold no secret, so they need no login: pages of the
    application import them as well.

    Args:
        has_page: Whether the page is served; if not, only its files are.
        admit_visitor: Called in each request for the page; raises if the visitor may not see the page. None admits
            everybody.
    """
    page = Blueprint(
        "headrace_page",
        __name__,
        template_folder="../templates",
        static_folder="../static",
        # Flask's default, /static, would be shadowed by the application's own when there is no prefix.
        static_url_path="/headrace-static",
    )

    def chat() -> Response:
        if admit_visitor is not None:
            admit_visitor()
        return show_chat(has_login=admit_visitor is not None)

    if has_page:
        page.add_url_rule("/", "chat", chat)
    page.after_request(add_nosniff_header)
    return page


def show_chat(*, has_login: bool) -> Response:
    """Return the rendered page, or a 304 if the browser has it. The page loads only its own files.

    Args:
        has_login: Whether the application has a login of its own. If not, the page may ask for a key of the service.
    """
    api = url_for(".chat") + "api"
    language = choose_language(request.accept_languages)
    words = {"language": language, "direction": direction_of(language), "words": page_words(language)}
    response = make_response(render_template("flask_headrace/chat.html", api=api, has_login=has_login, **words))
    response.vary.add("Accept-Language")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)


def add_nosniff_header(response: Response) -> Response:
    """Return `response` with the header that stops browsers from guessing another content type."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
