"""Who may ask: the keys of programs, and the origins of web pages."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from flask import request

from ..streaming.errors import Forbidden, Unauthorized
from .service import current_service

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The names by which a machine's own browser reaches it."""


def enter() -> str:
    """Return who makes the present request.

    Raises:
        Forbidden: a page of another site made it; 403.
        Unauthorized: it carries no key that is known here; 401.
    """
    service = current_service()
    refuse_foreign_pages(service.cors_origins, service.hosts)
    return service.authorize()


def refuse_foreign_pages(allowed: Sequence[str], hosts: Sequence[str] | None) -> None:
    """Refuse a request that another web site made a visitor's browser send.

    The body is read as JSON whatever its content type says, so a browser would send such a request without asking
    first. Browsers tell where a page comes from in `Origin` and `Sec-Fetch-Site`, which pages cannot forge; programs
    send neither. A site may also let its own name point to this machine, and then looks like this one (DNS rebinding).

    Args:
        allowed: Origins that may ask all the same.
        hosts: Names under which a browser may reach this service; None for any, where a key or a login keeps the
            door.

    Raises:
        Forbidden: 403.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin in allowed:
        return
    if _is_foreign(origin, site):
        raise Forbidden(
            f"A page of {origin or 'another site'} may not ask here. Allow its origin in HEADRACE_CORS_ORIGINS."
        )
    is_browser = origin is not None or site is not None
    if is_browser and hosts is not None and (name := _host_of("//" + request.host)) not in hosts:
        raise Forbidden(f"A page may not ask here under the name {name!r}. Allow it in HEADRACE_HOSTS, or set keys.")


def _is_foreign(origin: str | None, site: str | None) -> bool:
    if site is not None:
        return site not in {"same-origin", "none"}
    return origin is not None and origin.partition("://")[2] != request.host


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def bearer_of(keys: Sequence[str]) -> Callable[[], str]:
    """Return an `authorize` that lets in who sends one of `keys`; everybody, where there are none.

    A key comes as a bearer's, or in `x-api-key`, as Anthropic's clients send theirs. Who asks is named by its digest.
    """
    digests = [sha256(key.encode()).hexdigest() for key in keys]

    def authorize() -> str:
        if not digests:
            return ""
        for key in _keys_sent():
            digest = sha256(key.encode()).hexdigest()
            if sum(hmac.compare_digest(digest, known) for known in digests):  # all of them: the time tells nothing
                return digest[:16]
        raise Unauthorized("Send one of this service's keys as 'Authorization: Bearer <key>', or in 'x-api-key'.")

    return authorize


def _keys_sent() -> list[str]:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    return [bearer.strip() if scheme.lower() == "bearer" else "", request.headers.get("x-api-key", "").strip()]
