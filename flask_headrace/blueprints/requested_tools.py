"""What a request says in `tools`: the client's own tools, and names of tools that run here. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..providers.chat_request import Tool


def client_tools(tools: Sequence[Tool | str] | None) -> tuple[Tool, ...]:
    """Return the tools that the client runs itself; empty for None."""
    return tuple([tool for tool in tools or () if not isinstance(tool, str)])


def local_names(tools: Sequence[Tool | str] | None) -> list[str] | None:
    """Return the names of the tools that run here; None if the request does not say, so that it gets all of them."""
    return None if tools is None else [tool for tool in tools if isinstance(tool, str)]
