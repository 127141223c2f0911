"""Redacts what upstreams say, before readers see it: no keys, passwords or private addresses, and not too long. Pure.

Private addresses and host names are useless to readers and would tell attackers about the network.
"""

from __future__ import annotations

import ipaddress
import re

MAX_MESSAGE_CHARS = 300
"""Length of an upstream's message as readers see it; the rest is cut off."""

MAX_SCANNED_CHARS = 8192
"""Length of an upstream's message that is examined; the rest is dropped."""

MIN_SECRET_CHARS = 6
"""Length below which a key is not redacted, since it may occur in ordinary words."""

_KEY_PATTERN = re.compile(
    r"\bBearer\s+\S{4,}|\b(?:(?:key|pk|rk|xai|pplx|nvapi)-|g?sk[-_]|hf_|AIza)[\w*.…-]{4,}", re.IGNORECASE
)

_CREDENTIALS = re.compile(
    r"(?<=://)[^\s/?#]{1,512}@|(?<![^\s\"'(<=,])[^\s/?#:@\"'(<=,]{1,256}:[^\s/?#]{1,256}@(?=[\w\[])"
)
"""User and password, in a URL or in front of a bare host."""

_IP_ADDRESSES = re.compile(
    r"(?<![\w.:])\[?(?P<v6>[0-9a-f]{0,4}:(?:[0-9a-f:]{1,40}?(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f:]{1,40})(?:%\w{1,15})?)"
    r"(?![\w:])\]?(?:(?<=\]):\d{1,5})?"
    r"|(?<![\w.])(?P<v4>\d{1,3}(?:\.\d{1,3}){3})(?![\w]|\.\d)(?::\d{1,5})?",
    re.IGNORECASE,
)

_PRIVATE_HOST_NAMES = re.compile(
    r"(?<![\w.-])(?:[\w-]{1,63}\.){1,10}(?:internal|local|localdomain|lan|intranet|corp|home\.arpa)(?![\w-])(?::\d{1,5})?"
    r"|(?<![\w.-])localhost:\d{1,5}"
    r"|(?<=://)[\w-]{1,63}(?::\d{1,5})?(?=[/\s'\")>,;]|[.]?$)",
    re.IGNORECASE,
)
"""Names that hold in a private network alone: by how they end, and those without a dot in a URL."""

_PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10",
    )
)  # fmt: skip
"""RFC 1918, 3927, 4193, 4291 and 6598: networks that are not routed on the Internet."""

_secrets: set[str] = set()


def register_secret(key: str | None) -> None:
    """Make `redact` replace this key from now on. None and keys shorter than `MIN_SECRET_CHARS` are ignored."""
    if key and len(key) >= MIN_SECRET_CHARS:
        _secrets.add(key)


def redact(message: object) -> str:
    """Return a message as one line of at most `MAX_MESSAGE_CHARS` characters, without keys, passwords and addresses.

    Args:
        message: An upstream's own words, of any type; None gives the empty text.
    """
    # Lone surrogates, which JSON can contain, cannot be encoded as UTF-8.
    text = " ".join(str(message or "")[:MAX_SCANNED_CHARS].encode(errors="replace").decode().split())
    for key in tuple(_secrets):  # another thread may add one meanwhile
        text = text.replace(key, "[key]")
    text = redact_addresses(_KEY_PATTERN.sub("[key]", text))
    return text if len(text) <= MAX_MESSAGE_CHARS else text[:MAX_MESSAGE_CHARS] + "…"


def redact_addresses(text: str) -> str:
    """Return a text without user names and passwords in URLs, private IP addresses and private host names."""
    return _PRIVATE_HOST_NAMES.sub("[address]", _IP_ADDRESSES.sub(_redact_if_private, _CREDENTIALS.sub("", text)))


def _redact_if_private(found: re.Match[str]) -> str:
    try:
        address = ipaddress.ip_address(found["v4"] or found["v6"])
    except ValueError:
        return found[0]  # a time, a version
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return "[address]" if any(address in network for network in _PRIVATE_NETWORKS) else found[0]
