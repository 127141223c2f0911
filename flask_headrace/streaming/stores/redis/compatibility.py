"""Whether a Redis or Valkey can keep streams: what it is, whether it does what is needed, and what it may throw away.

It looks over a connection of its own, so that it waits for nobody and nobody for it.
"""

from __future__ import annotations

from contextlib import suppress

from gevent import socket
from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from ....core.errors import ConfigurationError, StoreUnavailable
from .connection import RETRY_AFTER, RedisConnectionPool
from .errors import CONNECTION_FAILED, error_code, is_permanent, redacted_message
from .keys import PREFIX
from .scripts import PROBE
from .topology import sentinel_services
from .url import URL_FORMS

INFO_SECTIONS = ("server", "replication", "memory")
"""Parts of a server's description of itself."""

DENIAL_TIMEOUT = 0.5
"""Seconds in which a server that lets nobody in says so."""

NO_EVICTION = "noeviction"
"""The only maxmemory-policy with which no key is thrown away before its time."""


def check_server(link: RedisConnectionPool) -> str | None:
    """Return a warning where streams can be lost there, None where all is well.

    Raises:
        ConfigurationError: it cannot be used before somebody changes something.
        StoreUnavailable: it cannot be used just now.
    """
    try:
        connection = link.make_connection(db=0)
    except (RedisError, OSError) as error:
        raise _nobody(link, error) from error
    try:
        connection.connect()
        about = _about(connection)
        _refuse_another_kind(link, about)
        policy = _policy(connection, about)
        _try(link, connection)
    except (RedisError, OSError) as error:
        raise _trouble(link, _heard(connection, error)) from error
    finally:
        connection.disconnect()
    return _warning(link, policy)


def _nobody(link: RedisConnectionPool, error: Exception) -> ConfigurationError | StoreUnavailable:
    """Return why those who were asked did not say where the server is."""
    if link.url.kind == "sentinel":
        return _why_no_sentinel_knows(link)
    if error_code(error) == "ERR":
        return _never(link, f"which is no cluster: write {URL_FORMS['']}, or {URL_FORMS['sentinel']}")
    return _trouble(link, error)


def _why_no_sentinel_knows(link: RedisConnectionPool) -> ConfigurationError | StoreUnavailable:
    target = link.url
    trouble: Exception = RedisConnectionError()
    for seed in target.seeds:
        try:
            names = sentinel_services(target, seed)
        except (RedisError, OSError) as error:
            trouble = error
            continue
        if target.service in names:
            return _trouble(link, RedisConnectionError(), "the Sentinels know of no master that is up")
        known = f"it knows {', '.join(sorted(names))}" if names else "it knows none"
        return _never(link, f"of which the Sentinel at {seed[0]}:{seed[1]} knows nothing: {known}")
    if error_code(trouble) == "ERR":
        return _never(link, f"whose servers are no Sentinels: write {URL_FORMS['']}, or {URL_FORMS['cluster']}")
    if is_permanent(trouble):
        return _never(
            link, f"and of its Sentinels one says that {redacted_message(trouble)}; theirs is ?sentinel_password=…"
        )
    return _trouble(link, trouble, "none of the Sentinels answers")


def _heard(connection: AbstractConnection, error: Exception) -> Exception:
    """Return what a server has said that hung up: it says so before anything is asked, and the client does not look."""
    host = getattr(connection, "host", None)
    if redacted_message(error) == CONNECTION_FAILED and host is not None:
        with suppress(OSError), socket.create_connection((host, connection.port), DENIAL_TIMEOUT) as plain:
            plain.settimeout(DENIAL_TIMEOUT)
            if plain.recv(64).startswith(b"-DENIED"):
                refusal: Exception = ResponseError("DENIED")
                return refusal
    return error


def _about(connection: AbstractConnection) -> dict[str, str]:
    """Return what a server says of itself; nothing where it may not be asked."""
    about: dict[str, str] = {}
    for part in INFO_SECTIONS:
        try:
            connection.send_command("INFO", part)
            lines = connection.read_response().decode(errors="replace").splitlines()
        except ResponseError as error:
            if error_code(error) == "NOPERM":
                continue
            raise
        about.update(line.split(":", 1) for line in lines if ":" in line)
    return about


def _refuse_another_kind(link: RedisConnectionPool, about: dict[str, str]) -> None:
    kind = about.get("redis_mode") or about.get("server_mode", "standalone")  # Redis' name, and Valkey's
    ours = link.url.kind
    if kind == "sentinel":
        raise _never(link, f"which is a Sentinel's port: write {URL_FORMS['sentinel']}, with the name of its service")
    if kind == "cluster" and ours != "cluster":
        raise _never(link, f"which is a server of a cluster: write {URL_FORMS['cluster']}")
    if about.get("role") == "slave" and about.get("slave_read_only", "1") == "1" and ours == "":
        raise _never(
            link,
            f"which is a replica, and cannot be written to: name its master, or write {URL_FORMS['sentinel']} where "
            "Sentinels know it",
        )


def _try(link: RedisConnectionPool, connection: AbstractConnection) -> None:
    """Do what streams need: a script that writes and tells, and to hear what is told."""
    if database := link.url.options.get("db"):
        connection.send_command("SELECT", database)
        try:
            connection.read_response()
        except ResponseError as error:
            raise _never(link, f"which has no database {database} ({error_code(error)}): choose another") from error
    connection.send_command("EVAL", PROBE.source, 1, PROBE.key(()), b"\x92\xa1a\xa1b")
    try:
        connection.read_response()
    except ResponseError as error:
        if "nknown" in str(error) or "cmsgpack" in str(error):
            raise _never(link, "which lacks scripts or streams: a Redis from 5.0 on, or a Valkey, has both") from error
        raise
    for command in (("PING",), ("SUBSCRIBE", f"{PREFIX}check")):
        connection.send_command(*command)
        connection.read_response()


def _policy(connection: AbstractConnection, about: dict[str, str]) -> str:
    """Return which keys a server throws away when its memory is full; none where that cannot be known."""
    if "maxmemory_policy" in about:
        return about["maxmemory_policy"]
    connection.send_command("CONFIG", "GET", "maxmemory-policy")
    try:
        policy: str = connection.read_response()[1].decode()
    except (ResponseError, IndexError):  # hosted ones forbid it, or have none
        return NO_EVICTION
    return policy


def _warning(link: RedisConnectionPool, policy: str) -> str | None:
    if policy == NO_EVICTION:
        return None
    return (
        f"HEADRACE_STORE is {link}, whose maxmemory-policy is {policy}: when its memory is full it throws away parts "
        f"of answers, which then cannot be resumed; set maxmemory-policy to {NO_EVICTION} there."
    )


def _trouble(
    link: RedisConnectionPool, error: Exception, what: str | None = None
) -> ConfigurationError | StoreUnavailable:
    # A master that was found by asking may just have become a replica.
    if is_permanent(error) and not (link.url.kind and error_code(error) == "READONLY"):
        return _never(link, f"and {redacted_message(error)}")
    return StoreUnavailable(
        f"The store {link} cannot be used: {what or redacted_message(error)}.", retry_after=RETRY_AFTER
    )


def _never(link: RedisConnectionPool, what: str) -> ConfigurationError:
    return ConfigurationError(f"HEADRACE_STORE is {link}, {what}.")
