"""Authorization: API keys, the origins of web pages, and the host names of requests."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Sequence
from hashlib import sha256
from inspect import iscoroutinefunction
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import HTTPException

from ...core.errors import ConfigurationError, Forbidden, Unauthorized
from ..state import current_state
from .aborts import to_application_abort

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
"""The host names by which a machine's own browser reaches it."""

ENDPOINTS_FOR_ANY_HOST = frozenset({"headrace_ops.healthz", "headrace_ops.readyz"})
"""Endpoints that accept any host name. Health checks reveal only that the process is alive."""

METRICS_ENDPOINT = "headrace_ops.metrics"

_OWNER = "headrace.owner"


def authorize_request() -> str:
    """Return the caller of the current request, after checking its origin; empty if the service has no keys.

    Raises:
        Forbidden: a page of another web site sent the request; 403.
        Unauthorized: the request has no valid key; 401.
        ApplicationAbort: the application's `authorize` callback aborted.
    """
    check_origin(current_state().cors_origins)
    request.environ[_OWNER] = owner = authenticate()
    return owner


def request_owner() -> str:
    """Return the caller of the current request, which `authorize_request` has checked; empty if it has not."""
    owner: str = request.environ.get(_OWNER, "")
    return owner


def authorize_scraper() -> None:
    """Check that the sender of the current request may read the metrics, which tell of models and costs.

    Raises:
        Unauthorized: the service has a token for the metrics, and the request does not have it; 401.
        HeadraceError: there is no such token, and `authorize_request` raises.
    """
    authorize = current_state().authorize_scraper
    if authorize is None:
        authorize_request()
    else:
        authorize()


def authenticate() -> str:
    """Return the caller of the current request, whatever its origin: for endpoints that only read.

    Raises:
        Unauthorized: the request has no valid key; 401.
        ApplicationAbort: the application's `authorize` callback aborted.
    """
    try:
        return current_state().authorize()
    except HTTPException as error:
        if error.response is not None and error.response.status_code < 300:
            raise  # not an error, but a response of the application's
        raise to_application_abort(error) from None


def check_host() -> None:
    """Reject a request for a foreign host name if the service has neither keys nor a login.

    A web site may point its own host name to this machine (DNS rebinding). A browser then treats the web site and this
    service as one site, and a GET over plain HTTP differs from a legitimate request only in `Host`. IP addresses cannot
    be rebound.

    Raises:
        Forbidden: the host name is not trusted; 403.
    """
    state = current_state()
    if state.trusted_hosts is None or request.endpoint in ENDPOINTS_FOR_ANY_HOST or "Host" not in request.headers:
        return
    if state.authorize_scraper is not None and request.endpoint == METRICS_ENDPOINT:
        return  # no web site knows the token
    if request.headers.get("Origin") in state.cors_origins:
        return
    name = _hostname("//" + request.host) or ""
    if name.rstrip(".") not in state.trusted_hosts and not _is_ip_address(name):
        raise Forbidden(
            f"The host name {name!r:.100} is not trusted here. If it is this machine's, add it to "
            "HEADRACE_TRUSTED_HOSTS, or set keys in HEADRACE_API_KEYS."
        )


def check_origin(allowed: Sequence[str]) -> None:
    """Reject a request that a page of another web site made a visitor's browser send.

    The body is parsed as JSON whatever its content type, so browsers would send such a request without a CORS
    preflight. Browsers send the page's origin in `Origin` and `Sec-Fetch-Site`, which pages cannot forge; programs send
    neither.

    Args:
        allowed: Origins whose pages may send requests all the same.

    Raises:
        Forbidden: the origin is foreign and not allowed; 403.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin in allowed:
        return
    if _is_cross_origin(origin, site):
        raise Forbidden(
            f"A page of {origin or 'another site'} may not use this service. Add its origin to HEADRACE_CORS_ORIGINS."
        )


def _is_cross_origin(origin: str | None, site: str | None) -> bool:
    if site is not None:
        return site not in {"same-origin", "none"}
    return origin is not None and origin.partition("://")[2] != request.host.lower()


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


def require_owner(authorize: Callable[[], str]) -> Callable[[], str]:
    """Return an `authorize` callback of the application that raises unless it returns text.

    None, which many login extensions have for an anonymous visitor, would let everybody in.

    Raises:
        ConfigurationError: `authorize` is an `async def` function.
    """
    if iscoroutinefunction(authorize) or iscoroutinefunction(getattr(authorize, "__call__", None)):  # noqa: B004
        raise ConfigurationError(
            f"authorize is {authorize!a:.200}, an `async def` function, which is not awaited: write it as `def`."
        )

    def checked() -> str:
        return check_owner(authorize(), "authorize returned")

    return checked


def check_owner(owner: str, source: str) -> str:
    """Return an owner that the application has given.

    Args:
        owner: The owner.
        source: Begins the message: where the owner comes from.

    Raises:
        TypeError: the owner is no text.
    """
    if isinstance(owner, str):
        return owner
    raise TypeError(
        f"{source} {owner!a:.200}, of type {type(owner).__name__}: an owner is the id of a user as a str, such as "
        "str(user.id); for a visitor who may not use the models, call abort(401)."
    )


def bearer_auth(keys: Sequence[str]) -> Callable[[], str]:
    """Return an `authorize` callback that accepts requests with one of `keys`; all requests if `keys` is empty.

    A client sends its key as a bearer token or, like Anthropic's clients, in `x-api-key`. The callback returns the
    beginning of the key's digest as the caller's name.
    """
    digests = [sha256(key.encode()).hexdigest() for key in keys]

    def authorize() -> str:
        if not digests:
            return ""
        for key in _sent_keys():
            digest = sha256(key.encode()).hexdigest()
            # Each request compares all keys, so that the response time reveals nothing.
            if sum(hmac.compare_digest(digest, known) for known in digests):
                return digest[:16]
        raise Unauthorized("Send one of this service's keys as 'Authorization: Bearer <key>', or in 'x-api-key'.")

    return authorize


def metrics_auth(token: str) -> Callable[[], None]:
    """Return a callback that accepts requests with the bearer token of the metrics."""
    expected = sha256(token.encode()).digest()

    def authorize() -> None:
        if not hmac.compare_digest(sha256(_bearer_token().encode()).digest(), expected):
            raise Unauthorized("Send HEADRACE_METRICS_TOKEN as 'Authorization: Bearer <token>'.")

    return authorize


def _sent_keys() -> list[str]:
    return [_bearer_token(), request.headers.get("x-api-key", "").strip()]


def _bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
