"""The addresses of a name. Each name is looked up in a thread of its own, and once at a time.

The resolver of the system is asked, which knows all that the machine's other programs know; it can take as long as its
name servers let it. So a name waits for itself alone: neither for others, nor for those who have given it up.
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
"""As `getaddrinfo` gives them: family, type, protocol, name, address."""

_lookups: dict[tuple[str, int], ThreadTask[ResolvedAddresses]] = {}
_lock = gevent.monkey.get_original("_thread", "allocate_lock")()


def resolve(host: str, port: int) -> ResolvedAddresses:
    """Return the addresses of a name, the preferred one first; wait for as long as the caller's own limit lets it.

    Raises:
        OSError, UnicodeError: there are none, or it can be no name.
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
    # Whoever comes from now on asks anew.
    with _lock:
        _lookups.pop(key, None)


def _reset_after_fork() -> None:
    """Forget the lookups of the process that was forked: their threads are not here."""
    global _lock  # noqa: PLW0603  # a thread that is not here may have held it
    _lock = gevent.monkey.get_original("_thread", "allocate_lock")()
    _lookups.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
