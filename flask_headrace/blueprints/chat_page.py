"""The chat page: one HTML document with its JavaScript modules and style sheets, and its web manifest.

This module knows the page's URL, its files and its security headers. It does not know the chat protocol: the page's
JavaScript calls the API endpoints under the same URL prefix.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Blueprint, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from .http.json_response import json_response
from .page_options import ChatPage
from .page_words import choose_language, direction_of, page_languages, page_words
from .web_manifest import MEDIA_TYPE, build_web_manifest


def content_security_policy(page: ChatPage) -> str:
    """Return the page's policy: its own files and endpoints, and what an application has set; nothing inline."""
    images = ("'self'", "data:", "blob:", *page.origins("logo", "icon"))
    styles = ("'self'", *page.origins("stylesheet"))
    return "; ".join((
        "default-src 'none'",
        "script-src 'self'",
        f"style-src {' '.join(styles)}",
        f"img-src {' '.join(images)}",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ))  # fmt: skip


def create_page_blueprint(
    *, has_page: bool = True, admit_visitor: Callable[[], None] | None = None, options: ChatPage | None = None
) -> Blueprint:
    """Return the blueprint of the chat page, ready to be registered under any URL prefix.

    `GET /` serves the page, `/manifest.webmanifest` its manifest, and `/headrace-static/…` its files. The page calls
    `<prefix>/api/chat` and `<prefix>/api/models`. The files and the manifest are the same for everybody and hold no
    secret, so they need no login: pages of the application import them as well.

    Args:
        has_page: Whether the page is served; if not, only its files are.
        admit_visitor: Called in each request for the page; raises if the visitor may not see the page. None admits
            everybody.
        options: What the application sets about the page; None for nothing.
    """
    options = options or ChatPage()
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
        return show_chat(options, has_login=admit_visitor is not None)

    if has_page:
        page.add_url_rule("/", "chat", chat)
        page.add_url_rule("/manifest.webmanifest", "manifest", partial(show_manifest, options))
    page.after_request(add_nosniff_header)
    return page


def show_chat(page: ChatPage, *, has_login: bool) -> Response:
    """Return the rendered page, or a 304 if the browser has it.

    Args:
        page: What the application sets about the page.
        has_login: Whether the application has a login of its own. If not, the page may ask for a key of the service.
    """
    api = url_for(".chat") + "api"
    set_options = page.to_json(request.root_path)
    language = page.language if page.language in page_languages() else choose_language(request.accept_languages)
    words = {"language": language, "direction": direction_of(language), "words": page_words(language)}
    response = make_response(
        render_template("flask_headrace/chat.html", api=api, has_login=has_login, page=set_options, **words)
    )
    response.vary.add("Accept-Language")
    response.headers["Content-Security-Policy"] = content_security_policy(page)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)


def show_manifest(page: ChatPage) -> Response:
    """Return the web manifest.

    Args:
        page: What the application sets about the page.
    """
    manifest = build_web_manifest(
        page, url_for(".chat"), request.root_path, lambda file: url_for(".static", filename=file)
    )
    response = json_response(manifest)
    response.mimetype = MEDIA_TYPE
    response.headers["Cache-Control"] = "no-cache"
    return response


def add_nosniff_header(response: Response) -> Response:
    """Return `response` with the header that stops browsers from guessing another content type."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
