"""The tools of one server, as tools that run here: each calls the server."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mcp_types

from ..providers.chat_request import Json
from ..tools.local_tool import GivenArguments, LocalTool, Progress, ToolContext
from ..tools.tool_error import ToolError
from .connection import Connection, ServerError
from .tool_choice import ApprovalRule, NameFilter, approval_rule, model_names
from .tool_content import MAX_ERROR, argument_schema, result_of, tool_description
from .tool_list import ListFailed, ToolList

MAX_LISTING_BYTES = 8_388_608
"""Bytes that a server may send as the list of its tools."""

MAX_TOOLS = 128
"""Tools of a server that are offered: OpenAI's API takes no more."""

MAX_PROGRESS = 1_000
"""Progress notifications of a call that are shown."""

MAX_MESSAGE = 2_000
"""Characters of the message of a progress notification that are shown."""

MAX_NAMED = 5
"""Tools that one line of the log names."""

log = logging.getLogger("flask_headrace")


@dataclass(frozen=True)
class ServerOptions:
    """What the application has said of a server.

    Args:
        url: Its address.
        name: Names it in the log.
        headers: Returns the headers of each request.
        allow: The names, or patterns, of the tools that are offered.
        prefix: What each name begins with, for models.
        needs_approval: Whether calls must be approved.
        timeout: Seconds that a call may take; None for the setting.
    """

    url: str
    name: str
    headers: Callable[[], Mapping[str, str]]
    allow: Sequence[str]
    prefix: str
    needs_approval: ApprovalRule
    timeout: float | None


class RemoteTools:
    """The tools of one server, in one process.

    Args:
        options: What the application has said of the server.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._list = ToolList(options.name, self._load)
        self._connection = Connection(options.url, options.headers, self._list.change)
        self._allowed = NameFilter(options.allow)
        self._warned = ""

    def current(self) -> Sequence[LocalTool[..., Any]]:
        """Return the tools that there are now; see `ToolList`."""
        return self._list.current()

    async def _load(self) -> Sequence[LocalTool[..., Any]]:
        try:
            listed = await self._connection.list_tools(MAX_LISTING_BYTES)
        except ServerError as error:
            raise ListFailed(str(error)) from error
        allowed = {tool.name: tool for tool in reversed(listed) if tool.name in self._allowed}
        in_order = [name for name in dict.fromkeys(tool.name for tool in listed) if name in allowed]
        names, colliding = model_names(in_order, self._options.prefix)
        left_out = {name: f"{other!r:.100} has the same name for models" for name, other in colliding.items()}
        tools: list[LocalTool[..., Any]] = []
        for server_name, name in names.items():
            try:
                schema = argument_schema(allowed[server_name].input_schema)
            except ValueError as error:
                left_out[server_name] = str(error)
                continue
            if len(tools) == MAX_TOOLS:
                left_out[server_name] = f"there are more than {MAX_TOOLS}"
                continue
            tools.append(self._tool(allowed[server_name], name, schema))
        self._warn(left_out, [tool.name for tool in listed])
        return tools

    def _warn(self, left_out: Mapping[str, str], names: Sequence[str]) -> None:
        faults = [f"{name!a:.100} ({why})" for name, why in list(left_out.items())[:MAX_NAMED]]
        if len(left_out) > MAX_NAMED:
            faults.append(f"and {len(left_out) - MAX_NAMED} more")
        existing = set(names)
        missing = [name for name in self._allowed.names if name not in existing]
        warning = ""
        if faults:
            warning += f": these tools are left out: {', '.join(faults)}"
        if missing:
            warning += f": allow names {missing!a:.200}, and its tools are {list(names)!a:.1000}"
        if warning and warning != self._warned:
            log.warning("the MCP server %s%s", self._options.name, warning)
        self._warned = warning

    def _tool(self, tool: mcp_types.Tool, name: str, schema: Json) -> LocalTool[..., Any]:
        server_name = tool.name

        async def call(*, arguments: Json, context: ToolContext) -> AsyncIterator[Any]:
            async for item in self._call(server_name, arguments, context):
                yield item

        return LocalTool(
            call,
            name=name,
            description=tool_description(tool),
            arguments=GivenArguments(schema),
            context_name="context",
            needs_approval=approval_rule(self._options.needs_approval, server_name),
            timeout=self._options.timeout,
        )

    async def _call(self, name: str, arguments: Json, context: ToolContext) -> AsyncIterator[Any]:
        """Yield the progress of a call, and then its result."""
        notes = _Notes()
        # As JSON text within JSON, and beside the structured content, a result takes more bytes on its way.
        max_bytes = 4 * context.max_result_bytes + 65_536
        calling = asyncio.ensure_future(self._connection.call(name, arguments, max_bytes, notes.take))
        calling.add_done_callback(lambda _: notes.arrived.set())
        try:
            while not calling.done():
                await notes.arrived.wait()
                for note in notes.drain():
                    yield Progress(note)
            yield result_of(calling.result())
        except ServerError as error:
            log.warning("the MCP server %s: the call of %a has failed: %s", self._options.name, name, error)
            raise ToolError((error.told or "The server of the tool cannot be reached.")[:MAX_ERROR]) from error
        finally:
            if not calling.done():
                calling.cancel()
                await asyncio.wait({calling})  # until the server is told


class _Notes:
    """What a tool says of its progress, and has not been shown yet. Where it is faster than readers, the last ones."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self._left = MAX_PROGRESS
        self._notes: deque[Json] = deque(maxlen=16)

    async def take(self, progress: float, total: float | None, message: str | None) -> None:
        if self._left:
            self._left -= 1
            note: Json = {"progress": progress}
            if total is not None:
                note["total"] = total
            if message is not None:
                note["message"] = message[:MAX_MESSAGE]
            self._notes.append(note)
            self.arrived.set()

    def drain(self) -> list[Json]:
        self.arrived.clear()
        notes = list(self._notes)
        self._notes.clear()
        return notes
