"""Answers in no provider's API: what proxies, gateways and wrong addresses send."""

from __future__ import annotations

import json
from typing import Any

from tests.support.upstream.steps import Chunk, Head, Script, script

PAGE = b"<!doctype html>\n<html><head><title>%d</title></head><body><h1>%d</h1><hr>nginx</body></html>\n"


def compact(body: Any) -> bytes:
    """Encode JSON as the providers do: without spaces, and with characters beyond ASCII as they are."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def document(status: int, content_type: str, data: bytes, *headers: tuple[str, str]) -> Script:
    """Make an answer of any status, content type and body."""
    return script(Head(status, (("content-type", content_type), *headers), content_length=len(data)), Chunk(data))


def html(status: int = 502) -> Script:
    """Make a web page, such as a proxy's error page or, with 200, some login."""
    return document(status, "text/html", PAGE % (status, status))


def json_body(body: Any, status: int = 200, *headers: tuple[str, str]) -> Script:
    """Make a JSON document."""
    return document(status, "application/json", compact(body), *headers)


def empty(status: int) -> Script:
    """Make a head without a body."""
    return script(Head(status, (), content_length=0))


def redirect(status: int, location: str) -> Script:
    """Make a redirect (301, 302, 303, 307, 308) to a URL or path."""
    return script(Head(status, (("location", location),), content_length=0))
