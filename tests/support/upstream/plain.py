"""Answers in no provider's format, such as those of proxies, gateways and wrong addresses."""

from __future__ import annotations

import json
from typing import Any

from tests.support.upstream.steps import Chunk, Head, Script, script

PAGE = b"<!doctype html>\n<html><head><title>%d</title></head><body><h1>%d</h1><hr>nginx</body></html>\n"


def compact(body: Any) -> bytes:
    """Encode a JSON value as the providers do: without spaces, and without escapes for non-ASCII characters."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def document(status: int, content_type: str, data: bytes, *headers: tuple[str, str]) -> Script:
    """Return an answer with any status, content type and body."""
    return script(Head(status, (("content-type", content_type), *headers), content_length=len(data)), Chunk(data))


def html(status: int = 502) -> Script:
    """Return a web page, such as a proxy's error page or, with status 200, a login page."""
    return document(status, "text/html", PAGE % (status, status))


def json_body(body: Any, status: int = 200, *headers: tuple[str, str]) -> Script:
    """Return an answer with a JSON body."""
    return document(status, "application/json", compact(body), *headers)


def empty(status: int) -> Script:
    """Return an answer without a body."""
    return script(Head(status, (), content_length=0))


def redirect(status: int, location: str) -> Script:
    """Return a redirect (301, 302, 303, 307, 308) to a URL or path."""
    return script(Head(status, (("location", location),), content_length=0))
