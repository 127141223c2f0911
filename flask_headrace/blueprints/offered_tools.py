"""The tools that run here: which of them a question is offered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec.structs import replace

from ..core.errors import InvalidRequest
from ..providers.chat_request import ChatRequest, Tool
from ..tools.approvals import Approvals
from ..tools.local_tool import LocalTool, ToolLike, local_tools
from ..tools.running import ToolLimits


class ChosenTools(NamedTuple):
    """The tools that run here and that a question is offered.

    Args:
        tools: The tools, by their names.
        is_implied: Whether the request has not named them, so that models that call no tools do without.
    """

    tools: Mapping[str, LocalTool[..., Any]] = {}
    is_implied: bool = False


NO_TOOLS = ChosenTools()


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """The tools of an application, and their limits.

    Args:
        items: What the application has passed as tools.
        endpoints: The endpoints whose questions are offered them, as names of protocols.
        approvals: The approvals of calls.
        limits: The limits of calls.
        max_steps: After how many steps with calls a model must answer without.
    """

    items: Sequence[ToolLike]
    endpoints: frozenset[str]
    approvals: Approvals
    limits: ToolLimits
    max_steps: int

    def choose(
        self, request: ChatRequest, names: Sequence[str] | None, endpoint: str
    ) -> tuple[ChatRequest, ChosenTools]:
        """Return a request with the tools that it is offered, and these tools.

        Args:
            request: The request, with the client's own tools.
            names: The names of the tools that it wants; None for all.
            endpoint: The endpoint, as the name of its protocol.

        Raises:
            InvalidRequest: it names a tool that there is not; 400.
        """
        offered = local_tools(self.items) if self.items and endpoint in self.endpoints else {}
        chosen = offered if names is None else {name: _find(offered, name) for name in names}
        return with_tools(request, chosen.values()), ChosenTools(chosen, is_implied=names is None)

    def named(self, names: Sequence[str]) -> list[LocalTool[..., Any]]:
        """Return the tools of some names.

        Raises:
            InvalidRequest: there is no tool of a name; 400.
        """
        offered = local_tools(self.items) if names else {}
        return [_find(offered, name) for name in names]


def _find(offered: Mapping[str, LocalTool[..., Any]], name: str) -> LocalTool[..., Any]:
    if name not in offered:
        known = f"the tools here are {', '.join(offered)}" if offered else "there are no tools here"
        raise InvalidRequest(f"tools names {name!r:.100}: {known:.2000}.")
    return offered[name]


def with_tools(request: ChatRequest, tools: Iterable[LocalTool[..., Any]]) -> ChatRequest:
    """Return a request that declares local tools beside its own."""
    declared: tuple[Tool, ...] = tuple([tool.declaration() for tool in tools])
    return replace(request, tools=(*request.tools, *declared)) if declared else request
