"""The store that a URL, the setting HEADRACE_STORE, names."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from ...core.errors import ConfigurationError
from .base import Store, StoreLimits
from .memory import MemoryStore
from .sqlite.store import SqliteStore

URL_FORMS = (
    "memory, sqlite:///relative.db, sqlite:////absolute/path.db, redis://host:port/db, rediss://…, valkey://…, "
    "unix://…, redis+cluster://host:port,host:port, redis+sentinel://host:port,host:port/service/db"
)
"""The accepted URLs, for error messages."""

REDIS_SCHEMES = ("redis", "rediss", "valkey", "valkeys")
ALL_REDIS_SCHEMES = {f"{scheme}{kind}" for scheme in REDIS_SCHEMES for kind in ("", "+cluster", "+sentinel")} | {"unix"}


def open_store(url: str, limits: StoreLimits) -> Store:
    """Return the store that a URL names. Connections are opened at its first use.

    Args:
        url: One of `URL_FORMS`.
        limits: How much the store keeps, and for how long.

    Raises:
        ConfigurationError: the URL names no store, or a file that is no SQLite store.
    """
    scheme, colon, rest = url.partition("://")
    if url == "memory":
        return MemoryStore(limits)
    if colon and scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return SqliteStore(Path(unquote(rest[1:])), limits)
    if colon and scheme in ALL_REDIS_SCHEMES:
        return _open_redis(url, limits)
    raise ConfigurationError(f"HEADRACE_STORE is {redact_password(url)!r}: it must be one of {URL_FORMS}.")


def redact_password(url: str) -> str:
    """Return a URL with its passwords replaced by `***`, for messages."""
    return re.sub(r"(://[^/@]*?:)[^/]*@", r"\1***@", re.sub(r"(?i)(password=)[^&]*", r"\1***", url))


def _open_redis(url: str, limits: StoreLimits) -> Store:
    try:
        from .redis.store import RedisStore  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"redis", "hiredis"}:
            raise
        raise ConfigurationError(
            f"HEADRACE_STORE is {redact_password(url)!r}, which needs a package: pip install 'flask-headrace[redis]'"
        ) from None
    return RedisStore(url, limits)
