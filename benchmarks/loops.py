"""The event loop of the upstream and of the load: uvloop where it is installed, asyncio's own where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from importlib.util import find_spec
from typing import Any, TypeVar

Result = TypeVar("Result")

NAME = "uvloop" if find_spec("uvloop") else "asyncio"


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a loop of its own."""
    loop = _new_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    if NAME == "asyncio":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415  # it may not be there

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
