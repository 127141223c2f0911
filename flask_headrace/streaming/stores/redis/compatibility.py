"""The check whether a Redis or Valkey server can be a store: its mode, its commands and its eviction policy.

The check uses a connection of its own, so that it does not wait for calls and calls do not wait for it.
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
"""The sections of INFO that are read."""

DENIAL_TIMEOUT = 0.5
"""Seconds in which a server in protected mode sends its refusal after a connection is made."""

NO_EVICTION = "noeviction"
"""The only maxmemory-policy with which the server evicts no keys."""


def check_server(pool: RedisConnectionPool) -> str | None:
    """Check whether a server can be used as a store.

    Args:
        pool: Makes the connection.

    Returns:
        A warning if the server may evict streams; None if all is well.

    Raises:
        ConfigurationError: the server cannot be used until somebody changes something.
        StoreUnavailable: the server cannot be used now.
    """
    try:
        connection = pool.make_connection(db=0)
    except (RedisError, OSError) as error:
        raise _discovery_error(pool, error) from error
    try:
        connection.connect()
        info = _read_info(connection)
        _check_mode(pool, info)
        policy = _read_policy(connection, info)
        _try_commands(pool, connection)
    except (RedisError, OSError) as error:
        raise _to_error(pool, _find_refusal(connection, error)) from error
    finally:
        connection.disconnect()
    return _eviction_warning(pool, policy)


def _discovery_error(pool: RedisConnectionPool, error: Exception) -> ConfigurationError | StoreUnavailable:
    """Return the error for a server whose address cannot be found out."""
    if pool.url.kind == "sentinel":
        return _sentinel_error(pool)
    if error_code(error) == "ERR":
        return _configuration_error(pool, f"which is no cluster: write {URL_FORMS['']}, or {URL_FORMS['sentinel']}")
    return _to_error(pool, error)


def _sentinel_error(pool: RedisConnectionPool) -> ConfigurationError | StoreUnavailable:
    url = pool.url
    last_error: Exception = RedisConnectionError()
    for seed in url.seeds:
        try:
            names = sentinel_services(url, seed)
        except (RedisError, OSError) as error:
            last_error = error
            continue
        if url.service in names:
            return _to_error(pool, RedisConnectionError(), "the Sentinels know of no master that is up")
        known = f"it knows {', '.join(sorted(names))}" if names else "it knows none"
        return _configuration_error(pool, f"of which the Sentinel at {seed[0]}:{seed[1]} knows nothing: {known}")
    if error_code(last_error) == "ERR":
        return _configuration_error(
            pool, f"whose servers are no Sentinels: write {URL_FORMS['']}, or {URL_FORMS['cluster']}"
        )
    if is_permanent(last_error):
        return _configuration_error(
            pool, f"and of its Sentinels one says that {redacted_message(last_error)}; theirs is ?sentinel_password=…"
        )
    return _to_error(pool, last_error, "none of the Sentinels answers")


def _find_refusal(connection: AbstractConnection, error: Exception) -> Exception:
    """Return the refusal that a server sent before it closed the connection, else `error`.

    A server in protected mode sends it before any command, and the client does not read it.
    """
    host = getattr(connection, "host", None)
    if redacted_message(error) == CONNECTION_FAILED and host is not None:
        with suppress(OSError), socket.create_connection((host, connection.port), DENIAL_TIMEOUT) as plain:
            plain.settimeout(DENIAL_TIMEOUT)
            if plain.recv(64).startswith(b"-DENIED"):
                refusal: Exception = ResponseError("DENIED")
                return refusal
    return error


def _read_info(connection: AbstractConnection) -> dict[str, str]:
    """Return the fields of INFO; without the sections that the user may not read."""
    info: dict[str, str] = {}
    for section in INFO_SECTIONS:
        try:
            connection.send_command("INFO", section)
            lines = connection.read_response().decode(errors="replace").splitlines()
        except ResponseError as error:
            if error_code(error) == "NOPERM":
                continue
            raise
        info.update(line.split(":", 1) for line in lines if ":" in line)
    return info


def _check_mode(pool: RedisConnectionPool, info: dict[str, str]) -> None:
    kind = info.get("redis_mode") or info.get("server_mode", "standalone")  # Redis' name, and Valkey's
    configured = pool.url.kind
    if kind == "sentinel":
        raise _configuration_error(
            pool, f"which is a Sentinel's port: write {URL_FORMS['sentinel']}, with the name of its service"
        )
    if kind == "cluster" and configured != "cluster":
        raise _configuration_error(pool, f"which is a server of a cluster: write {URL_FORMS['cluster']}")
    if info.get("role") == "slave" and info.get("slave_read_only", "1") == "1" and configured == "":
        raise _configuration_error(
            pool,
            f"which is a replica, and cannot be written to: name its master, or write {URL_FORMS['sentinel']} where "
            "Sentinels know it",
        )


def _try_commands(pool: RedisConnectionPool, connection: AbstractConnection) -> None:
    """Execute the commands that a store needs: a script that writes and publishes, and a subscription."""
    if database := pool.url.options.get("db"):
        connection.send_command("SELECT", database)
        try:
            connection.read_response()
        except ResponseError as error:
            raise _configuration_error(
                pool, f"which has no database {database} ({error_code(error)}): choose another"
            ) from error
    connection.send_command("EVAL", PROBE.source, 1, PROBE.key(()), b"\x92\xa1a\xa1b")
    try:
        connection.read_response()
    except ResponseError as error:
        if "nknown" in str(error) or "cmsgpack" in str(error):
            raise _configuration_error(
                pool, "which lacks scripts or streams: a Redis from 5.0 on, or a Valkey, has both"
            ) from error
        raise
    for command in (("PING",), ("SUBSCRIBE", f"{PREFIX}check")):
        connection.send_command(*command)
        connection.read_response()


def _read_policy(connection: AbstractConnection, info: dict[str, str]) -> str:
    """Return the maxmemory-policy of a server; `NO_EVICTION` if it cannot be read."""
    if "maxmemory_policy" in info:
        return info["maxmemory_policy"]
    connection.send_command("CONFIG", "GET", "maxmemory-policy")
    try:
        policy: str = connection.read_response()[1].decode()
    except (ResponseError, IndexError):  # hosted servers forbid it, or have none
        return NO_EVICTION
    return policy


def _eviction_warning(pool: RedisConnectionPool, policy: str) -> str | None:
    if policy == NO_EVICTION:
        return None
    return (
        f"HEADRACE_STORE is {pool}, whose maxmemory-policy is {policy}: when its memory is full it throws away parts "
        f"of answers, which then cannot be resumed; set maxmemory-policy to {NO_EVICTION} there."
    )


def _to_error(
    pool: RedisConnectionPool, error: Exception, reason: str | None = None
) -> ConfigurationError | StoreUnavailable:
    # The server of a cluster or of Sentinel may just have become a replica.
    if is_permanent(error) and not (pool.url.kind and error_code(error) == "READONLY"):
        return _configuration_error(pool, f"and {redacted_message(error)}")
    return StoreUnavailable(
        f"The store {pool} cannot be used: {reason or redacted_message(error)}.", retry_after=RETRY_AFTER
    )


def _configuration_error(pool: RedisConnectionPool, clause: str) -> ConfigurationError:
    return ConfigurationError(f"HEADRACE_STORE is {pool}, {clause}.")
