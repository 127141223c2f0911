"""Addresses on which the service listens, as HEADRACE_BIND writes them."""

from __future__ import annotations

import ipaddress
import re

_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s\[\]:/,]+):(?P<port>[0-9]{1,5})")


def is_listen_address(address: str) -> bool:
    """Whether gunicorn can listen on `address`: `host:port`, `[::1]:port`, `unix:path` or `fd://n`."""
    if address.startswith("unix:"):
        return bool(address.removeprefix("unix:").lstrip("/"))
    if address.startswith("fd://"):
        return address.removeprefix("fd://").isdecimal()
    match = _HOST_AND_PORT.fullmatch(address.removeprefix("tcp://"))
    return match is not None and 0 < int(match["port"]) < 65536


def is_on_loopback(addresses: str) -> bool:
    """Whether only this machine can reach all of `addresses`, which are separated by commas."""
    return all(_is_loopback(address.strip()) for address in addresses.split(","))


def _is_loopback(address: str) -> bool:
    if address.startswith("unix:"):
        return True
    address = address.removeprefix("tcp://")
    host = address[1:].partition("]")[0] if address.startswith("[") else address.partition(":")[0]
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
