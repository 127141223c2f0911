"""Who may ask: the keys of programs, the origins of web pages, and the names under which a machine is asked."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ...core.errors import Forbidden, RequestError, Unauthorized
from ..state import current_state
from .aborts import to_application_abort

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
"""The names by which a machine's own browser reaches it."""

ENDPOINTS_FOR_ANY_HOST = frozenset({"headrace_ops.healthz", "headrace_ops.readyz"})
"""Endpoints that are asked under any name: who looks whether a process lives is told nothing else."""


def authorize_request() -> str:
    """Return who makes the present request.

    Raises:
        Forbidden: a page of another site made it; 403.
        Unauthorized: it carries no key that is known here; 401.
        Aborted: the application's `authorize` has aborted.
    """
    check_origin(current_state().cors_origins)
    return authenticate()


def authenticate() -> str:
    """Return who makes the present request, wherever its page comes from: for what is only read.

    Raises:
        Unauthorized: it carries no key that is known here; 401.
        Aborted: the application's `authorize` has aborted.
    """
    try:
        return current_state().authorize()
    except HTTPException as error:
        if error.response is not None and error.response.status_code < 300:
            raise  # no refusal, but an answer of the application's own
        raise to_application_abort(error) from None


def login_redirect() -> Response | None:
    """Return where the application's `authorize` sends a browser that nobody has logged in; None for nowhere.

    Whatever else it says of the request is not heard here: the page is the same for everybody, and asks by itself.
    """
    try:
        current_state().authorize()
    except HTTPException as error:
        response = error.get_response(request.environ)
        return response if response.status_code // 100 == 3 else None
    except RequestError:
        pass
    return None


def check_host() -> None:
    """Refuse a request under a name that is none of this machine's, where neither key nor login keeps the door.

    A web site may let its own name point to this machine (DNS rebinding): to a browser it then is one site with this
    service, and of a page's GET over plain http to its own site a browser says nothing but the name, in `Host`. Under
    an address of digits nobody can do so.

    Raises:
        Forbidden: 403.
    """
    state = current_state()
    if state.trusted_hosts is None or request.endpoint in ENDPOINTS_FOR_ANY_HOST or "Host" not in request.headers:
        return
    if request.headers.get("Origin") in state.cors_origins:
        return
    name = _hostname("//" + request.host) or ""
    if name.rstrip(".") not in state.trusted_hosts and not _is_ip_address(name):
        raise Forbidden(
            f"Nothing may be asked here under the name {name!r:.100}. If it is this machine's, allow it in "
            "HEADRACE_HOSTS, or set keys in HEADRACE_API_KEYS."
        )


def check_origin(allowed: Sequence[str]) -> None:
    """Refuse a request that another web site made a visitor's browser send.

    The body is read as JSON whatever its content type says, so a browser would send such a request without asking
    first. Browsers tell where a page comes from in `Origin` and `Sec-Fetch-Site`, which pages cannot forge; programs
    send neither.

    Args:
        allowed: Origins that may ask all the same.

    Raises:
        Forbidden: 403.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin in allowed:
        return
    if _is_cross_origin(origin, site):
        raise Forbidden(
            f"A page of {origin or 'another site'} may not ask here. Allow its origin in HEADRACE_CORS_ORIGINS."
        )


def _is_cross_origin(origin: str | None, site: str | None) -> bool:
    if site is not None:
        return site not in {"same-origin", "none"}
    return origin is not None and origin.partition("://")[2] != request.host


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def bearer_auth(keys: Sequence[str]) -> Callable[[], str]:
    """Return an `authorize` that lets in who sends one of `keys`; everybody, where there are none.

    A key comes as a bearer's, or in `x-api-key`, as Anthropic's clients send theirs. Who asks is named by its digest.
    """
    digests = [sha256(key.encode()).hexdigest() for key in keys]

    def authorize() -> str:
        if not digests:
            return ""
        for key in _sent_keys():
            digest = sha256(key.encode()).hexdigest()
            if sum(hmac.compare_digest(digest, known) for known in digests):  # all of them: the time tells nothing
                return digest[:16]
        raise Unauthorized("Send one of this service's keys as 'Authorization: Bearer <key>', or in 'x-api-key'.")

    return authorize


def _sent_keys() -> list[str]:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    return [bearer.strip() if scheme.lower() == "bearer" else "", request.headers.get("x-api-key", "").strip()]
