"""Prevents a service without a key from being open to the network by mistake.

This module knows listening addresses; `blueprints/http/auth.py` authorizes requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from flask.cli import run_command

from ..core.errors import ConfigurationError
from ..setup.listen_address import is_on_loopback


def reject_public_addresses(addresses: Iterable[str]) -> None:
    """Check that an application without authorization listens on loopback addresses only.

    Args:
        addresses: The listening addresses, as `host:port`, `host` or `unix:path`.

    Raises:
        ConfigurationError: one of them is not a loopback address.
    """
    for address in addresses:
        if not is_on_loopback(address):
            raise ConfigurationError(
                f"The service is to listen on {address}, which other machines can reach, and HEADRACE_API_KEYS is "
                "empty: set keys, give the extension an `authorize`, or bind to 127.0.0.1."
            )


def flask_run_addresses() -> list[str]:
    """Return the address on which `flask run` will listen; an empty list outside of that command.

    `flask run` loads the application before it listens, so its options are read from the click context.
    """
    context = click.get_current_context(silent=True)
    if context is None or context.command is not run_command:
        return []
    host: str = context.params["host"]
    return [f"[{host}]" if ":" in host and not host.startswith("unix:") else host]


def format_address(address: Any) -> str:  # noqa: ANN401  # of any family of sockets
    """Return a socket's address (Python's tuple, or a Unix socket's path) in the form of `HEADRACE_BIND`."""
    if not isinstance(address, tuple):
        return f"unix:{address}"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listening_addresses(listeners: Iterable[Any]) -> list[str]:
    """Return the actual addresses of gunicorn's listening sockets, including inherited ones."""
    return [format_address(listener.getsockname()) for listener in listeners]
