"""Digests by which a repeated request is told from another one. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from ..core import exact_json


def request_digest(common: Any, protocol: str, specific: Any) -> str:  # noqa: ANN401  # JSON values
    """Return the digest of a request.

    Args:
        common: What the request says in every protocol.
        protocol: The protocol in which it came; empty for this service's own.
        specific: What it says in that protocol beside `common`.
    """
    # JSON and not MessagePack: a schema or a tool result may contain integers beyond 64 bits.
    digests = [sha256(exact_json.encode(value)).hexdigest() for value in (common, specific)]
    return f"{digests[0]} {protocol} {digests[1]}"


def is_same_request(digest: str, other: str) -> bool:
    """Whether two requests ask the same: in one protocol everything is equal, in two what both of them can say."""
    (common, protocol, specific), (other_common, other_protocol, other_specific) = (
        (*text.split(" "), "", "")[:3] for text in (digest, other)
    )
    return common == other_common and (protocol != other_protocol or specific == other_specific)
