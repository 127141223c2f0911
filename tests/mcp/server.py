"""A server of tools, of the package `mcp`: `python server.py PORT events|json|handshake`.

What its tools, and the server itself, have seen stands in the file SEEN.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import mcp_types
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel
from starlette.responses import Response

server = MCPServer("Warehouse")


def saw(**what: object) -> None:
    with Path(os.environ["SEEN"]).open("a") as file:
        file.write(json.dumps(what) + "\n")


class Stock(BaseModel):
    item: str
    count: int


@server.tool()
def stock(item: str, at_least: int = 0) -> Stock:
    """How many of an item there are."""
    saw(tool="stock", item=item)
    if item == "unicorn":
        raise ToolError("there are no unicorns")
    return Stock(item=item, count=7 + at_least)


@server.tool(structured_output=False)
def describe(item: str) -> str:
    """Describe an item."""
    return f"A {item}, red. „Ü“ 🦄"


@server.tool(name="files/read.text")
def read_text(path: str) -> str:
    """Read a file."""
    saw(tool="files/read.text", path=path)
    return f"text of {path}"


@server.tool(structured_output=False)
def picture() -> list[mcp_types.ContentBlock]:
    """A picture, a link and a resource."""
    return [
        mcp_types.TextContent(text="see:"),
        mcp_types.ImageContent(data="aGk=", mime_type="image/png"),
        mcp_types.ResourceLink(name="more", uri="file:///more.txt"),
        mcp_types.EmbeddedResource(
            resource=mcp_types.TextResourceContents(uri="file:///a.txt", text="inside", mime_type="text/plain")
        ),
    ]


@server.tool(structured_output=False)
def nothing() -> list[mcp_types.ContentBlock]:
    """Return no content."""
    return []


@server.tool()
def echo(values: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments."""
    return values


@server.tool()
async def flood(count: int, ctx: Context) -> int:
    """Tell much of its progress."""
    for number in range(count):
        await ctx.report_progress(number, message="m" * 3_000)
    return count


@server.tool()
async def count(to: int, ctx: Context) -> int:
    """Count, and say so."""
    for number in range(to):
        await ctx.report_progress(number + 1, to, f"at {number + 1}")
        await asyncio.sleep(0.01)
    return to


@server.tool()
async def wait(seconds: float) -> str:
    """Wait."""
    saw(tool="wait", began=True)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        saw(tool="wait", cancelled=True)
        raise
    return "waited"


@server.tool()
def big(size: int) -> str:
    """Return much."""
    return "x" * size


@server.tool()
def whoami() -> int:
    """The process of the server."""
    return os.getpid()


@server.tool()
async def grow(name: str, ctx: Context) -> str:
    """Add a tool."""

    def added() -> str:
        """Was added."""
        return "added"

    server.add_tool(added, name=name)
    if (ctx.request_context.protocol_version or "") < "2026":
        await ctx.session.send_tool_list_changed()
    else:
        await ctx.notify_tools_changed()
    return "grown"


@server.tool()
def secret() -> str:
    """Must not be called."""
    saw(tool="secret")
    return "secret"


class OnlyHandshakes:
    """The server as it was before the protocol's version of 2026-07-28: with sessions that begin with a handshake."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"mcp-protocol-version", b"").startswith(b"2026"):
            await Response("unknown version", 400)(scope, receive, send)
        else:
            await self._application(scope, receive, send)


class Recorded:
    """Notes the headers of each request, and its method in the protocol."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}

        async def receive_and_note() -> Any:
            message = await receive()
            with contextlib.suppress(ValueError, KeyError):
                saw(
                    method=json.loads(message["body"])["method"],
                    session=headers.get("mcp-session-id"),
                    authorization=headers.get("authorization"),
                )
            return message

        await self._application(scope, receive_and_note, send)


if __name__ == "__main__":
    port, mode = int(sys.argv[1]), sys.argv[2]
    application = server.streamable_http_app(json_response=mode == "json")
    if mode == "handshake":
        application = OnlyHandshakes(application)
    uvicorn.run(Recorded(application), host="127.0.0.1", port=port, log_level="warning")
