"""`data:` URLs, in which requests contain files. Pure."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes

_TEXT_TYPE = re.compile(
    r"text/.+|application/(.+\+)?(json|xml|yaml|toml|javascript)"
    r"|application/(x-)?(graphql|httpd-php|javascript|latex|ndjson|perl|python|ruby|sh|sql|tex|typescript|yaml)"
)


def data_url_media_type(url: str) -> str:
    """Return the media type of a `data:` URL, such as `image/png`; empty for any other URL."""
    head = url.partition(",")[0]
    return head[5:].partition(";")[0].strip().lower() if head.startswith("data:") else ""


def is_text_document(url: str) -> bool:
    """Whether a document is text by the media type of its `data:` URL; False for any other URL."""
    return _TEXT_TYPE.fullmatch(data_url_media_type(url)) is not None


def data_url_text(url: str) -> str | None:
    """Return the text in a `data:` URL; None for any other URL and for data that is not UTF-8 text."""
    head, separator, data = url.partition(",")
    if not (head.startswith("data:") and separator):
        return None
    try:
        return (base64.b64decode(data, validate=True) if head.endswith(";base64") else unquote_to_bytes(data)).decode()
    except ValueError:
        return None


def document_text(url: str) -> str | None:
    """Return the text of a document that is text by its media type; None for other documents and other URLs."""
    return data_url_text(url) if is_text_document(url) else None


def titled_text(name: str | None, text: str) -> str:
    """Return the text of a document as a part of a message: behind its name, if it has one."""
    return f"{name}:\n\n{text}" if name else text
