"""The address and the key of a server, as somebody has written them down: checked, and taken apart."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


class Place(NamedTuple):
    """Where a server is.

    Args:
        base_url: Its address, without what follows.
        query: What is put into the query of every request.
        headers: What user and password in the address are sent as.
    """

    base_url: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]


def is_address(text: str) -> bool:
    """Whether a text is an address, such as `https://host:port/path?query`."""
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and port != 0 and not re.search(r"\s", text)


def is_key(text: str) -> bool:
    """Whether a text can be sent as a key: ASCII, and no blank or end of a line around it."""
    return _KEY.fullmatch(text) is not None


def place_of(address: str) -> Place:
    """Take an address apart."""
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    secret = base64.b64encode(unquote(user).encode()).decode()
    return Place(
        urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")),
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
        (("Authorization", f"Basic {secret}"),) if at else (),
    )
