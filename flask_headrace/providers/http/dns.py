"""Name resolution. Each name is looked up in its own native thread, and at most one lookup per name runs at a time.

The system's resolver is used, so that names resolve as in other programs of the machine. A lookup can take as long as
its name servers take: it delays neither lookups of other names nor callers that have given up.
"""

from __future__ import annotations

import _socket
import ipaddress
import os
import socket
from functools import partial
from typing import Any, TypeAlias

import gevent.monkey

from .native_thread import ThreadTask

ResolvedAddresses: TypeAlias = list[tuple[int, int, int, str, Any]]
"""Addresses as `getaddrinfo` returns them: family, type, protocol, canonical name, socket address."""

_lookups: dict[tuple[str, int], ThreadTask[ResolvedAddresses]] = {}
_lock = gevent.monkey.get_original("_thread", "allocate_lock")()


def resolve(host: str, port: int) -> ResolvedAddresses:
    """Return the addresses of `host` (a name or an IP address) for TCP, the preferred one first.

    The call waits without a limit of its own: set one around it, such as `limit_time`.

    Raises:
        OSError: the name has no address.
        UnicodeError: `host` is not a valid name.
    """
    try:
        is_v6 = ipaddress.ip_address(host).version == 6
    except ValueError:
        return _join_lookup(host, port).result()
    return [(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]


def _join_lookup(host: str, port: int) -> ThreadTask[ResolvedAddresses]:
    key = host, port
    with _lock:
        if key not in _lookups:
            _lookups[key] = ThreadTask(partial(_call_getaddrinfo, host, port), partial(_remove_lookup, key))
        return _lookups[key]


def _call_getaddrinfo(host: str, port: int) -> ResolvedAddresses:
    return _socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, socket.IPPROTO_TCP)


def _remove_lookup(key: tuple[str, int]) -> None:
    # Later callers start a new lookup.
    with _lock:
        _lookups.pop(key, None)


def _reset_after_fork() -> None:
    """Clear the lookups in a forked child, which has none of the parent's threads."""
    global _lock  # noqa: PLW0603  # a thread of the parent may hold it
    _lock = gevent.monkey.get_original("_thread", "allocate_lock")()
    _lookups.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
