"""Who may ask: the keys of programs, and the origins of web pages."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from flask import request

from ..streaming.errors import Forbidden, Unauthorized


def refuse_foreign_origins(allowed: Sequence[str]) -> None:
    """Refuse a request that another web site made a visitor's browser send.

    The body is read as JSON whatever its content type says, so a browser would send such a request without asking
    first. Browsers tell where a page comes from in `Origin` and `Sec-Fetch-Site`, which pages cannot forge; programs
    send neither.

    Raises:
        Forbidden: the request comes from an origin that is neither this one nor allowed; 403.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin in allowed:
        return
    if site is not None:
        is_foreign = site not in {"same-origin", "none"}
    else:
        is_foreign = origin is not None and urlsplit(origin).netloc != request.host
    if is_foreign:
        raise Forbidden(
            f"A page of {origin or 'another site'} may not ask here. Allow its origin in HEADRACE_CORS_ORIGINS."
        )


def bearer_of(keys: Sequence[str]) -> Callable[[], str]:
    """Return an `authorize` that lets in the bearers of one of `keys`; everybody, where there are none.

    Who asks is named by a digest of the key.
    """
    digests = [sha256(key.encode()).hexdigest() for key in keys]

    def authorize() -> str:
        if not digests:
            return ""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        digest = sha256(key.strip().encode()).hexdigest()
        is_known = sum(hmac.compare_digest(digest, known) for known in digests)  # all of them: the time tells nothing
        if scheme.lower() != "bearer" or not is_known:
            raise Unauthorized("Send one of this service's keys as 'Authorization: Bearer <key>'.")
        return digest[:16]

    return authorize
