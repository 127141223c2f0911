"""Checks the URL and the key of an upstream server, and splits the URL."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


class ServerURL(NamedTuple):
    """The URL of a server, split into its parts.

    Args:
        base_url: The URL without query and credentials.
        query: The query parameters, which are added to every request.
        headers: The Authorization header for the user and password in the URL; empty if the URL has none.
    """

    base_url: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]


def is_server_url(text: str) -> bool:
    """Whether `text` is an HTTP URL, such as `https://host:port/path?query`."""
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and port != 0 and not re.search(r"\s", text)


def is_key(text: str) -> bool:
    """Whether `text` can be sent as a key in a header: printable ASCII, with no blank or line break around it."""
    return _KEY.fullmatch(text) is not None


def split_server_url(url: str) -> ServerURL:
    """Split a URL for which `is_server_url` holds."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    credentials = base64.b64encode(unquote(user).encode()).decode()
    return ServerURL(
        urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")),
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
        (("Authorization", f"Basic {credentials}"),) if at else (),
    )
