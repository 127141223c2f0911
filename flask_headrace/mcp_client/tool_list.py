"""The tools of a server as they were last listed, and when they are listed again. Knows nothing of the protocol.

`current` may be called in any thread; all else runs in the event loop of the agents.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import nullcontext
from contextvars import Context
from typing import Any

from ..streaming.agent_loop import agent_loop
from ..streaming.async_source import async_items
from ..tools.local_tool import LocalTool

MAX_AGE = 300.0
"""Seconds for which a list is used. It is listed again in the background then."""

FIRST_WAIT = 5.0
"""Seconds for which the first question waits for the list."""

LATER_WAIT = 0.5
"""Seconds for which a question waits for the list of a server that was away."""

RETRY_AFTER = 5.0
"""Seconds after which a server that was away is asked again."""

LIST_TIMEOUT = 20.0
"""Seconds in which a list must be complete."""

MIN_INTERVAL = 1.0
"""Seconds between two lists, however often the server says that its list has changed."""

Tools = Sequence[LocalTool[..., Any]]

log = logging.getLogger("flask_headrace")


class ListFailed(Exception):
    """The tools cannot be listed; the message says why, for the log."""


class ToolList:
    """The list of one server in one process.

    Args:
        name: Names the server in the log.
        load: Lists the tools; raises `ListFailed`.
    """

    def __init__(self, name: str, load: Callable[[], Awaitable[Tools]]) -> None:
        self._name, self._load = name, load
        self._tools: Tools = ()
        self._expires = self._retry = self._started = 0.0
        self._wait_limit = FIRST_WAIT
        self._has_list = self._is_away = self._is_due = False
        self._listing: asyncio.Task[None] | None = None

    def current(self) -> Tools:
        """Return the tools. Waits for the list where there is none, and returns none where it cannot be had."""
        now = time.monotonic()
        if self._has_list:
            if now > self._expires:
                agent_loop().call_soon_threadsafe(self._list_again)
            return self._tools
        if now < self._retry:
            return ()
        (tools,) = async_items(self._first(), nullcontext, f"the list of the tools of {self._name}")
        return tools

    def change(self) -> None:
        """List the tools again, since the server says that they have changed."""
        if not self._is_due:
            self._is_due = True
            wait = max(0.0, self._started + MIN_INTERVAL - time.monotonic())
            asyncio.get_running_loop().call_later(wait, self._list_again)

    async def _first(self) -> AsyncIterator[Tools]:
        limit = self._wait_limit
        done, _ = await asyncio.wait({self._list_again()}, timeout=limit)
        if not done:
            self._leave_out(f"it has not listed its tools within {limit:g} s")
        yield self._tools

    def _list_again(self) -> asyncio.Task[None]:
        if self._listing is None:
            self._is_due = False
            self._started = time.monotonic()
            # Its context is empty: the list is none of the answer that happens to need it first.
            self._listing = Context().run(asyncio.get_running_loop().create_task, self._list())
        return self._listing

    async def _list(self) -> None:
        try:
            self._take(await asyncio.wait_for(self._load(), LIST_TIMEOUT))
        except ListFailed as error:
            self._leave_out(str(error))
        except asyncio.TimeoutError:  # a class of its own before Python 3.11
            self._leave_out(f"it has not listed its tools within {LIST_TIMEOUT:g} s")
        except Exception:
            log.exception("the tools of the MCP server %s cannot be listed", self._name)
            self._leave_out("listing them has failed")
        finally:
            self._listing = None
            if self._is_due:  # it has changed meanwhile
                self._is_due = False
                self.change()

    def _take(self, tools: Tools) -> None:
        if self._is_away:
            log.warning("the MCP server %s is there again", self._name)
        self._tools, self._expires, self._has_list = tools, time.monotonic() + MAX_AGE, True
        self._is_away, self._wait_limit = False, FIRST_WAIT

    def _leave_out(self, why: str) -> None:
        if not self._is_away:
            log.warning("the tools of the MCP server %s are left out: %s", self._name, why)
        self._tools, self._has_list, self._is_away = (), False, True
        self._retry, self._wait_limit = time.monotonic() + RETRY_AFTER, LATER_WAIT
