"""Whether everybody may ask, and where: nobody serves the whole network by mistake.

Knows addresses, and whether there is a key or a login. Does not know who asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from flask.cli import run_command

from ..core.errors import ConfigurationError
from ..settings import is_on_loopback


def reject_public_addresses(addresses: Iterable[str]) -> None:
    """Refuse to serve the whole network without a key; for an application that everybody may ask.

    Args:
        addresses: Where it listens, as `host:port` or `unix:path`.

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
    """Return where `flask run` is about to listen; nothing where another server, or none, has loaded the application.

    Its own options and variables say so, and it loads the application first.
    """
    context = click.get_current_context(silent=True)
    if context is None or context.command is not run_command:
        return []
    host: str = context.params["host"]
    return [f"[{host}]" if ":" in host and not host.startswith("unix:") else host]


def format_address(address: Any) -> str:  # noqa: ANN401  # of any family of sockets
    """Return a socket's address, as Python has it, in the form of `HEADRACE_BIND`."""
    if not isinstance(address, tuple):
        return f"unix:{address}"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listening_addresses(listeners: Iterable[Any]) -> list[str]:
    """Return where gunicorn's listening sockets really are, also those that it was handed down."""
    return [format_address(listener.getsockname()) for listener in listeners]
