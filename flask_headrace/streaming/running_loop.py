"""Gives each greenlet of a thread a running loop of its own.

asyncio keeps the running loop, and from Python 3.14 on also the current task, for each thread. In the thread of the
agents greenlets stand in for the threads that libraries start, and some of these run a loop of their own: LangChain
does, and so does a tool that calls `asyncio.run`. Without this, asyncio would refuse such a loop as one within the loop
of the agents.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

import greenlet

_swap_current_task: Any = getattr(asyncio.tasks, "_swap_current_task", None)  # from Python 3.12 on


def keep_running_loops_apart() -> None:
    """Let all greenlets of the current thread have running loops of their own, from now on."""
    suspended: WeakKeyDictionary[greenlet.greenlet, tuple[asyncio.AbstractEventLoop, Any]] = WeakKeyDictionary()
    previous = greenlet.gettrace()

    def on_switch(event: Any, greenlets: Any) -> None:  # noqa: ANN401  # greenlet's arguments
        origin, target = greenlets
        loop = asyncio._get_running_loop()  # in `asyncio.__all__`
        if loop is not None:
            suspended[origin] = loop, _swap_current_task and _swap_current_task(loop, None)
        resumed = suspended.pop(target, None)
        asyncio._set_running_loop(resumed and resumed[0])
        if resumed is not None and resumed[1] is not None:
            _swap_current_task(*resumed)
        if previous is not None:
            previous(event, greenlets)

    greenlet.settrace(on_switch)
