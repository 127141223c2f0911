"""Tools of servers of the Model Context Protocol, as tools that run here: `MCPServer("https://…", allow=["search"])`.

The package `mcp` speaks the protocol: `pip install 'flask-headrace[mcp]'`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from .core.errors import ConfigurationError
from .mcp_client.tool_choice import ApprovalRule, Patterns, check_approval_rule, check_patterns, check_prefix
from .tools.local_tool import LocalTool, ToolSource

if TYPE_CHECKING:
    from .mcp_client.remote_tools import RemoteTools

__all__ = ["MCPServer"]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class MCPServer(ToolSource):
    """A server of tools, by streamable HTTP: pass it in `tools`, like a function.

    Each process keeps one session with the server, opened when the first question needs it, and opened again when it
    was lost. A server that cannot be reached ends no answer: its tools are left out, and the log says so.

    Args:
        url: The address of the server, such as `https://example.com/mcp`.
        allow: The names of the tools that models may call, as the server writes them, or patterns with `*`, `?` and
            `[…]`. Nothing else is offered, whatever the server has; `"*"` for all of its tools.
        headers: Headers of each request, such as `Authorization`; or a function that returns them, for a key that
            changes, which is called for each request and must not wait.
        prefix: What the names of the tools begin with for models, to tell servers apart, such as `docs_`.
        needs_approval: Whether a person must approve each call; or names or patterns, as in `allow`, of the tools for
            which this is so; or a function that says so, given the name of the tool, as the server writes it, and the
            arguments.
        timeout: Maximum seconds of a call; None for HEADRACE_TOOL_TIMEOUT.

    Raises:
        ConfigurationError: an argument is not valid, or the package `mcp` is not installed.
    """

    def __init__(  # noqa: PLR0913  # by name
        self,
        url: str,
        *,
        allow: Patterns | Literal["*"],
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
        prefix: str = "",
        needs_approval: ApprovalRule = False,
        timeout: float | None = None,
    ) -> None:
        address = _address(url)
        patterns = check_patterns("allow", allow)
        if not patterns:
            raise ConfigurationError('allow is empty: name the tools that models may call, or pass "*" for all.')
        if timeout is not None and not (isinstance(timeout, (int, float)) and timeout > 0):
            raise ConfigurationError(f"timeout is {timeout!r}: it must be more than 0 seconds.")
        self.needs_approval = check_approval_rule(needs_approval)
        try:  # here, since it takes a second: not when the first question comes
            from .mcp_client.remote_tools import RemoteTools, ServerOptions  # noqa: PLC0415
        except ImportError as error:
            raise ConfigurationError(
                f"The package mcp, 2.3 or later, is not installed ({error}): pip install -U 'flask-headrace[mcp]'."
            ) from error
        self._make_tools = RemoteTools
        self._options = ServerOptions(
            url=url,
            name=address,
            headers=_headers(headers),
            allow=patterns,
            prefix=check_prefix(prefix),
            needs_approval=self.needs_approval,
            timeout=timeout,
        )
        self._by_process: dict[int, RemoteTools] = {}

    def __repr__(self) -> str:
        return f"<MCPServer {self._options.name}>"

    def tools(self) -> Sequence[LocalTool[..., Any]]:
        """Return the tools that the server offers now. Waits for its list at the first time, for up to 5 seconds.

        Later, the list is renewed in the background: when the server says that it has changed, and every 5 minutes.
        """
        process = os.getpid()  # a forked process has sessions of its own
        found = self._by_process.get(process) or self._by_process.setdefault(process, self._make_tools(self._options))
        return found.current()


def _address(url: str) -> str:
    """Return an address without what may be secret in it, for the log."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, AttributeError, TypeError):
        raise ConfigurationError(f"The address of the MCP server is {url!r:.200}: it is no address.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"The address of the MCP server is {url!r:.200}: it must begin with http:// or https:// and name a host."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"


def _headers(headers: Mapping[str, str] | Callable[[], Mapping[str, str]] | None) -> Callable[[], Mapping[str, str]]:
    if headers is None:
        return dict
    if callable(headers):
        return headers
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"headers has the name {name!r:.100}: it is none of a header.")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ConfigurationError(f"The header {name} has a value that cannot be sent: use printable ASCII text.")
    fixed = dict(headers)
    return lambda: fixed
