"""The tools of a request: those of the client, and names of tools that run here. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..providers.chat_request import Tool


def split_names(tools: Sequence[Tool | str] | None) -> tuple[tuple[Tool, ...], list[str] | None]:
    """Return the client's own tools of a request, and the names of those that run here; None for all."""
    if tools is None:
        return (), None
    return tuple([tool for tool in tools if not isinstance(tool, str)]), [
        tool for tool in tools if isinstance(tool, str)
    ]
