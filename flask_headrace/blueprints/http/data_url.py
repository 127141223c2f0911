"""`data:` URLs, in which browsers send files. Pure."""

from __future__ import annotations

import base64


def data_url_media_type(url: str) -> str:
    """Return the media type of a `data:` URL, such as `image/png`; empty for any other URL."""
    head = url.partition(",")[0]
    return head[5:].partition(";")[0] if head.startswith("data:") else ""


def data_url_text(url: str) -> str | None:
    """Return the text in a base64 `data:` URL; None for any other URL and for data that is not UTF-8 text."""
    head, _, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64")):
        return None
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return None
