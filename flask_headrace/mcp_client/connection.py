"""The session with one server, in the event loop of the agents, which all calls of this process share.

One task opens the session, keeps it and closes it, since the package `mcp` wants these in one task. Everything here
runs in that loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import Context
from typing import TypeVar

import mcp_types
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.dispatcher import ProgressFnT
from pydantic import TypeAdapter, ValidationError

from ..core.version import VERSION
from ..providers.chat_request import Json
from .bounded_client import CONNECTION_FAILED, BoundedClient, Exchange, current_exchange

OPEN_TIMEOUT = 10.0
"""Seconds in which a session must be open."""

LISTEN_AGAIN = 15.0
"""Seconds after which a lost subscription is asked for again."""

MAX_PAGES = 100
"""Pages of a server's list of tools that are read."""

REFUSALS = {400, 404}
"""Statuses by which a server says that it does not know the session, or reads another version of the protocol."""

T = TypeVar("T")

_RESULT: TypeAdapter[mcp_types.CallToolResult | mcp_types.InputRequiredResult] = TypeAdapter(
    mcp_types.CallToolResult | mcp_types.InputRequiredResult
)

log = logging.getLogger("flask_headrace")


class ServerError(Exception):
    """The server cannot be reached, or has answered with an error.

    Args:
        message: What is wrong, for the log.
        told: What is wrong, for models; None where the server has not said it itself.
    """

    def __init__(self, message: str, told: str | None = None) -> None:
        super().__init__(message)
        self.told = told


class _Session:
    def __init__(self, client: Client) -> None:
        self.client = client
        self._requests, self._is_retired = 0, False
        self.closing = asyncio.Event()

    def __enter__(self) -> Client:
        self._requests += 1
        return self.client

    def __exit__(self, *_: object) -> None:
        self._requests -= 1
        self._close_if_idle()

    def retire(self) -> None:
        """Close the session when its last request has ended."""
        self._is_retired = True
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._is_retired and not self._requests:
            self.closing.set()


class Connection:
    """The session with a server, which is opened for the first request, and again when it was lost.

    Args:
        url: The address of the server.
        headers: Returns the headers of each request.
        on_change: Called when the server's list of tools has changed.
    """

    def __init__(self, url: str, headers: Callable[[], Mapping[str, str]], on_change: Callable[[], None]) -> None:
        self._url, self._headers, self._on_change = url, headers, on_change
        self._session: _Session | None = None
        self._opening: asyncio.Future[_Session] | None = None

    async def list_tools(self, max_bytes: int) -> list[mcp_types.Tool]:
        """Return the tools that the server has.

        Args:
            max_bytes: The bytes that the server may send.

        Raises:
            ServerError: the list cannot be had.
        """
        exchange = Exchange(max_bytes, is_sum=True)
        return await self._request(exchange, _all_tools)

    async def call(self, name: str, arguments: Json, max_bytes: int, progress: ProgressFnT) -> mcp_types.CallToolResult:
        """Call a tool, and return its result. Cancelling the task cancels the call at the server.

        The call is made once more where the server has refused it unseen, since it does not know the session.

        Args:
            name: The name of the tool.
            arguments: The arguments.
            max_bytes: The bytes that the server may send at once.
            progress: Called with what the tool says of its progress.

        Raises:
            ServerError: there is no result.
        """
        request = mcp_types.CallToolRequest(params=mcp_types.CallToolRequestParams(name=name, arguments=arguments))

        async def send(client: Client) -> mcp_types.CallToolResult | mcp_types.InputRequiredResult:
            # Not `client.call_tool`: it validates results in this loop, by patterns of the server that may never end.
            return await client.session.send_request(request, _RESULT, progress_callback=progress)

        result = await self._request(Exchange(max_bytes), send, name)
        if isinstance(result, mcp_types.InputRequiredResult):
            raise ServerError("it asks the user for input", "The tool asks for input, which cannot be given here.")
        return result

    async def _request(self, exchange: Exchange, send: Callable[[Client], Awaitable[T]], tool: str | None = None) -> T:
        current_exchange.set(exchange)
        try:
            session = await self._open()
            try:
                with session as client:
                    return await send(client)
            except MCPError as error:
                if exchange.status not in REFUSALS or error.code == mcp_types.INVALID_PARAMS:
                    raise
                self._drop(session)
            session = await self._open()
            self._on_change()  # a server that has started anew may have other tools
            with session as client:
                if tool is not None:
                    await _list_until(client, tool)
                return await send(client)
        except (MCPError, ValidationError) as error:
            raise _server_error(error, exchange) from error

    # The session

    async def _open(self) -> _Session:
        if self._session is not None:
            return self._session
        if self._opening is None:
            loop = asyncio.get_running_loop()
            self._opening = loop.create_future()
            # Its context is empty: the session is none of the answer that happens to need it first.
            keeping = Context().run(loop.create_task, self._keep(self._opening))
            expiry = loop.call_later(OPEN_TIMEOUT, keeping.cancel)
            self._opening.add_done_callback(lambda _: expiry.cancel())
            self._opening.add_done_callback(lambda opened: opened.exception())  # nobody may wait any more
        return await asyncio.shield(self._opening)

    def _drop(self, session: _Session) -> None:
        session.retire()
        if self._session is session:
            self._session = None

    async def _keep(self, opened: asyncio.Future[_Session]) -> None:
        session: _Session | None = None
        exchange = Exchange(max_bytes=1_048_576, is_endless=True)
        current_exchange.set(exchange)
        try:
            async with (
                BoundedClient(self._headers) as http,
                Client(
                    streamable_http_client(
                        self._url, http_client=http, max_sse_event_size=None, terminate_on_close=False
                    ),
                    client_info=mcp_types.Implementation(name="headrace", version=VERSION),
                    message_handler=self._take_message,
                    cache=None,
                ) as client,
            ):
                session = self._session = _Session(client)
                self._opening = None
                opened.set_result(session)
                listening = asyncio.get_running_loop().create_task(self._listen(client))
                try:
                    await session.closing.wait()
                finally:
                    listening.cancel()
        except BaseException as error:  # noqa: BLE001  # told to those who wait; SystemExit would end the loop
            if not opened.done():
                self._opening = None
                opened.set_exception(_server_error(error, exchange))
            else:
                log.info("the session with the MCP server has ended: %r", error)
        finally:
            if session is not None:
                self._drop(session)

    # The server's list of tools

    async def _take_message(self, message: object) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._on_change()

    async def _listen(self, client: Client) -> None:
        """Listen to changes of the list where the protocol has a request for that; before, messages just came."""
        while True:
            with suppress(MCPError, SubscriptionLost, TimeoutError):
                try:
                    async with client.listen(tools_list_changed=True) as changes:
                        async for _ in changes:
                            self._on_change()
                except ListenNotSupportedError:
                    return
            await asyncio.sleep(LISTEN_AGAIN)
            self._on_change()


async def _all_tools(client: Client) -> list[mcp_types.Tool]:
    found: list[mcp_types.Tool] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        request = mcp_types.ListToolsRequest(params=mcp_types.PaginatedRequestParams(cursor=cursor))
        # Not `client.list_tools`: it keeps what it has read of all pages for as long as the session is open.
        page = await client.session.send_request(request, mcp_types.ListToolsResult)
        found += page.tools
        if page.next_cursor in {None, cursor}:
            break
        cursor = page.next_cursor
    return found


async def _list_until(client: Client, tool: str) -> None:
    """Let the session read how the server wants the arguments of a tool: it may have refused a call without it."""
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        cursor = page.next_cursor
        if cursor is None or any(each.name == tool for each in page.tools):
            break


def _server_error(error: BaseException, exchange: Exchange) -> ServerError:
    while (inner := getattr(error, "exceptions", None)) is not None:  # a group of them
        error = inner[0]
    if exchange.excess is not None:
        told = "The result of the tool is too large: ask for less."
        return ServerError(f"it has sent more than {exchange.excess}", told)
    if isinstance(error, ValidationError):
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:3])
        return ServerError(f"its answer is none of the protocol: {faults:.500}", "The answer of the tool is not valid.")
    if isinstance(error, MCPError):
        return _protocol_error(error, exchange)
    if isinstance(error, asyncio.CancelledError):
        return ServerError(f"it has not answered within {OPEN_TIMEOUT:g} s")
    return ServerError(f"{type(error).__name__}: {error!s:.500}")


def _protocol_error(error: MCPError, exchange: Exchange) -> ServerError:
    if exchange.status is not None and exchange.status >= 400 and error.code != CONNECTION_FAILED:
        return ServerError(f"it has answered with status {exchange.status}: {error.message:.500}", error.message)
    if exchange.failure is not None or error.code in {CONNECTION_FAILED, mcp_types.CONNECTION_CLOSED}:
        return ServerError(f"the connection has failed: {exchange.failure or error.message!s:.500}")
    return ServerError(f"{error.message:.500}", error.message)
