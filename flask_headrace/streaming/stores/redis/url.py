"""What a URL of a Redis or Valkey says: how to connect, and where to, or whom to ask where to.

It opens no connection. The client's own reader of URLs knows the options of a connection; this adds the forms of a
cluster and of Sentinel, which name several servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import msgspec
from redis.connection import Connection, parse_url

from ....core.errors import ConfigurationError

Address: TypeAlias = tuple[str, int]
"""The host and port of a server."""

URL_FORMS = {
    "": "redis://user:password@host:port/db",
    "cluster": "redis+cluster://user:password@host:port,host:port",
    "sentinel": "redis+sentinel://user:password@host:port,host:port/service/db",
}
"""How each kind is written."""

DEFAULT_PORTS = {"cluster": 6379, "sentinel": 26379}

SENTINEL_CREDENTIALS = ("sentinel_username", "sentinel_password")
"""What stands in the query for Sentinel itself: it has users of its own, or none."""


class RedisURL(msgspec.Struct, frozen=True):
    """What a URL names.

    Args:
        name: The URL as it may be shown.
        kind: How the server is found: at the address that the options have, as a cluster's, or by asking Sentinel.
        connection: The client's class of connection.
        options: Its arguments.
        seeds: Servers of a cluster, or Sentinels; any of them may be asked.
        service: The name by which Sentinel knows the server.
        asking: The arguments of a connection to Sentinel, beside its address.
    """

    name: str
    kind: Literal["", "cluster", "sentinel"]
    connection: Any
    options: dict[str, Any]
    seeds: tuple[Address, ...] = ()
    service: str = ""
    sentinel_options: dict[str, Any] = {}


def parse_redis_url(url: str, defaults: dict[str, Any]) -> RedisURL:
    """Return what a URL names.

    Args:
        url: Such as `redis://host`, `rediss+cluster://host:port,host:port`, `redis+sentinel://host/service`.
        defaults: Arguments of connections that the URL may say otherwise.

    Raises:
        ConfigurationError: it cannot be understood.
    """
    scheme, _, rest = url.partition("://")
    base, _, kind = scheme.replace("valkey", "redis").partition("+")
    try:
        if kind == "":
            return _one(scheme, f"{base}://{rest}", defaults)
        if kind == "cluster":
            return _cluster(scheme, base, rest, defaults)
        return _sentinel(scheme, base, rest, defaults)
    except (ValueError, TypeError) as error:
        # Neither the error nor the URL is shown: there may be a password in both.
        raise ConfigurationError(
            f"HEADRACE_STORE is a {scheme}:// URL that cannot be understood ({type(error).__name__}): write "
            f"{URL_FORMS.get(kind, URL_FORMS[''])}."
        ) from None


def _one(scheme: str, url: str, defaults: dict[str, Any]) -> RedisURL:
    connection, options = _connection(url, defaults)
    place = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    return RedisURL(f"{scheme}://{place}", "", connection, options)


def _cluster(scheme: str, base: str, rest: str, defaults: dict[str, Any]) -> RedisURL:
    user, hosts, path, query = _parts(rest)
    if path not in {"", "/", "/0"}:
        raise ConfigurationError(
            f"HEADRACE_STORE is a {scheme}:// URL with the path {path!r}: a cluster has the database 0 only; leave the "
            "path out."
        )
    seeds = tuple(_addresses(hosts, DEFAULT_PORTS["cluster"]))
    connection, options = _connection(f"{base}://{user}{hosts.partition(',')[0]}{query}", defaults)
    return RedisURL(f"{scheme}://{_shown(seeds)}", "cluster", connection, options, seeds)


def _sentinel(scheme: str, base: str, rest: str, defaults: dict[str, Any]) -> RedisURL:
    user, hosts, path, query = _parts(rest)
    service, _, database = path.removeprefix("/").partition("/")
    if not service:
        raise ConfigurationError(
            f"HEADRACE_STORE is a {scheme}:// URL that names no service: write {URL_FORMS['sentinel']}, with the name by "
            "which the Sentinels know the server, such as mymaster."
        )
    seeds = tuple(_addresses(hosts, DEFAULT_PORTS["sentinel"]))
    asked = dict(parse_qsl(query.removeprefix("?")))
    own = {name.removeprefix("sentinel_"): asked.pop(name) for name in SENTINEL_CREDENTIALS if name in asked}
    query = f"?{urlencode(asked)}" if asked else ""
    connection, options = _connection(f"{base}://{user}{hosts.partition(',')[0]}/{int(database or 0)}{query}", defaults)
    asking = {name: value for name, value in options.items() if name not in {"host", "port", "db", *own}}
    asking = {name: value for name, value in asking.items() if name not in {"username", "password"}} | own
    name = f"{scheme}://{_shown(seeds)}/{unquote(service)}"
    return RedisURL(name, "sentinel", connection, options, seeds, unquote(service), asking)


def _parts(rest: str) -> tuple[str, str, str, str]:
    """Return the user with its @, the hosts, the path, and the query with its question mark."""
    authority, path, query = re.fullmatch(r"([^/?#]*)([^?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    user, at, hosts = authority.rpartition("@")
    return user + at, hosts, path, query


def _addresses(hosts: str, port: int) -> Iterator[Address]:
    for host in hosts.split(","):
        split = urlsplit(f"//{host.strip()}")
        if not split.hostname:
            raise ValueError
        yield split.hostname, split.port or port


def _shown(seeds: tuple[Address, ...]) -> str:
    return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in seeds)


def _connection(url: str, defaults: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the class of a connection and its arguments, which must be ones that it takes."""
    options = {**defaults, **parse_url(url)}
    connection = options.pop("connection_class", Connection)
    connection(**options)
    return connection, options
