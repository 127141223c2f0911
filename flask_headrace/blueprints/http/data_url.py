"""`data:` URLs, in which browsers post files. Pure."""

from __future__ import annotations

import base64


def data_url_media_type(url: str) -> str:
    """Return the media type that a `data:` URL tells, such as `image/png`; nothing for any other URL."""
    head = url.partition(",")[0]
    return head[5:].partition(";")[0] if head.startswith("data:") else ""


def data_url_text(url: str) -> str | None:
    """Return the text in a `data:` URL of base64; None where that is not what it is."""
    head, _, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64")):
        return None
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return None
