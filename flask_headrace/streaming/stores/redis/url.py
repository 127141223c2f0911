"""The URL of a Redis or Valkey server, a cluster or a service of Sentinel, parsed.

It opens no connection. The client's own parser knows the options of a connection; this module adds the URLs of a
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
"""The form of the URL of each kind, for error messages."""

DEFAULT_PORTS = {"cluster": 6379, "sentinel": 26379}

SENTINEL_CREDENTIALS = ("sentinel_username", "sentinel_password")
"""Parameters of the query that are for Sentinel itself, which has users of its own or none."""


class RedisURL(msgspec.Struct, frozen=True):
    """A parsed URL.

    Args:
        name: The URL without credentials and options, for messages.
        kind: How the server is found: empty for the address in `options`, "cluster", or "sentinel".
        connection: The client's connection class.
        options: The arguments of the connection class.
        seeds: Servers of a cluster, or Sentinels; any of them may be asked.
        service: The name by which Sentinel knows the server.
        sentinel_options: The arguments of a connection to Sentinel, beside its address.
    """

    name: str
    kind: Literal["", "cluster", "sentinel"]
    connection: Any
    options: dict[str, Any]
    seeds: tuple[Address, ...] = ()
    service: str = ""
    sentinel_options: dict[str, Any] = {}


def parse_redis_url(url: str, defaults: dict[str, Any]) -> RedisURL:
    """Parse a URL.

    Args:
        url: Such as `redis://host`, `rediss+cluster://host:port,host:port`, `redis+sentinel://host/service`.
        defaults: Arguments of the connection class that the URL may override.

    Raises:
        ConfigurationError: the URL cannot be parsed.
    """
    scheme, _, rest = url.partition("://")
    base, _, kind = scheme.replace("valkey", "redis").partition("+")
    try:
        if kind == "":
            return _single(scheme, f"{base}://{rest}", defaults)
        if kind == "cluster":
            return _cluster(scheme, base, rest, defaults)
        return _sentinel(scheme, base, rest, defaults)
    except (ValueError, TypeError) as error:
        # The message has neither the error nor the URL: both may contain a password.
        raise ConfigurationError(
            f"HEADRACE_STORE is a {scheme}:// URL that cannot be understood ({type(error).__name__}): write "
            f"{URL_FORMS.get(kind, URL_FORMS[''])}."
        ) from None


def _single(scheme: str, url: str, defaults: dict[str, Any]) -> RedisURL:
    connection, options = _connection(url, defaults)
    place = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    return RedisURL(f"{scheme}://{place}", "", connection, options)


def _cluster(scheme: str, base: str, rest: str, defaults: dict[str, Any]) -> RedisURL:
    user, hosts, path, query = _split(rest)
    if path not in {"", "/", "/0"}:
        raise ConfigurationError(
            f"HEADRACE_STORE is a {scheme}:// URL with the path {path!r}: a cluster has the database 0 only; leave the "
            "path out."
        )
    seeds = tuple(_addresses(hosts, DEFAULT_PORTS["cluster"]))
    connection, options = _connection(f"{base}://{user}{hosts.partition(',')[0]}{query}", defaults)
    return RedisURL(f"{scheme}://{_format_addresses(seeds)}", "cluster", connection, options, seeds)


def _sentinel(scheme: str, base: str, rest: str, defaults: dict[str, Any]) -> RedisURL:
    user, hosts, path, query = _split(rest)
    service, _, database = path.removeprefix("/").partition("/")
    if not service:
        raise ConfigurationError(
            f"HEADRACE_STORE is a {scheme}:// URL that names no service: write {URL_FORMS['sentinel']}, with the name "
            "by which the Sentinels know the server, such as mymaster."
        )
    seeds = tuple(_addresses(hosts, DEFAULT_PORTS["sentinel"]))
    parameters = dict(parse_qsl(query.removeprefix("?")))
    own = {name.removeprefix("sentinel_"): parameters.pop(name) for name in SENTINEL_CREDENTIALS if name in parameters}
    query = f"?{urlencode(parameters)}" if parameters else ""
    connection, options = _connection(f"{base}://{user}{hosts.partition(',')[0]}/{int(database or 0)}{query}", defaults)
    shared = {name: value for name, value in options.items() if name not in {"host", "port", "db", *own}}
    sentinel_options = {name: value for name, value in shared.items() if name not in {"username", "password"}} | own
    name = f"{scheme}://{_format_addresses(seeds)}/{unquote(service)}"
    return RedisURL(name, "sentinel", connection, options, seeds, unquote(service), sentinel_options)


def _split(rest: str) -> tuple[str, str, str, str]:
    """Split what follows the scheme into the user with its @, the hosts, the path, and the query with its ?."""
    authority, path, query = re.fullmatch(r"([^/?#]*)([^?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    user, at, hosts = authority.rpartition("@")
    return user + at, hosts, path, query


def _addresses(hosts: str, port: int) -> Iterator[Address]:
    for host in hosts.split(","):
        split = urlsplit(f"//{host.strip()}")
        if not split.hostname:
            raise ValueError
        yield split.hostname, split.port or port


def _format_addresses(seeds: tuple[Address, ...]) -> str:
    return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in seeds)


def _connection(url: str, defaults: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the connection class and its arguments.

    Raises:
        TypeError: the class does not accept one of the arguments.
    """
    options = {**defaults, **parse_url(url)}
    connection = options.pop("connection_class", Connection)
    connection(**options)
    return connection, options
