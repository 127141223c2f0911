"""The header `Idempotency-Key`: a request that is sent again joins the answer to the first one.

The key is the name of a resumable stream among those of its owner. A stream that failed before its answer began does
not count: the client that sends the request again wants an answer.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec
from flask import has_request_context, request

from ...core.errors import InvalidRequest

HEADER = "Idempotency-Key"

MAX_KEY_CHARS = 255
"""Characters that a key may have."""

MAX_ATTEMPTS = 20
"""Streams of one key that may fail before their answer begins; the last one counts as its answer."""


def requested_key() -> str | None:
    """Return the key of the current request; None if there is no request, or it has no key, or asks for no answer.

    Raises:
        InvalidRequest: the key is empty or too long; 400.
    """
    if not has_request_context() or request.method != "POST" or HEADER not in request.headers:
        return None
    key = request.headers[HEADER]
    if not 0 < len(key) <= MAX_KEY_CHARS:
        raise InvalidRequest(
            f"{HEADER} has {len(key)} characters: it must have 1 to {MAX_KEY_CHARS}, such as those of a random UUID."
        )
    return key


def stream_id_of(key: str, owner: str, attempt: int) -> str:
    """Return the id of the stream that answers the requests with a key.

    Args:
        key: The key.
        owner: The authenticated caller; empty if the service has no keys. Two owners may use the same key.
        attempt: From 1: how many streams of this key have failed before their answers began, plus one.
    """
    return "key-" + sha256(msgspec.msgpack.encode((owner, key, attempt))).hexdigest()[:40]
