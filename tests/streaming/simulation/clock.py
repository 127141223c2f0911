"""Virtual time for gevent: no real waiting, and a reproducible order of events.

When all greenlets wait, the clock jumps to the next timer. It knows gevent, but not what runs in it.
"""

from __future__ import annotations

import heapq
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import gevent
from gevent.exceptions import HubDestroyed
from gevent.hub import Hub, get_hub, set_hub

BEGIN = 1000.0
"""The time at the beginning."""


class Callback:
    """A callback of the loop's next turn; the part of gevent's interface that is used here."""

    def __init__(self, call: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self.callback: Callable[..., object] | None = call
        self.args: tuple[Any, ...] | None = arguments

    @property
    def pending(self) -> bool:
        return self.callback is not None

    def stop(self) -> None:
        self.callback = self.args = None

    close = stop

    def __bool__(self) -> bool:
        return self.args is not None


class Timer:
    """A callback at a moment, called once."""

    def __init__(self, loop: Loop, after: float) -> None:
        self._loop, self._after = loop, max(after, 0.0)
        self.callback: Callable[..., object] | None = None
        self.args: tuple[Any, ...] = ()
        self.pending = False

    @property
    def active(self) -> bool:
        return self.callback is not None

    def start(self, callback: Callable[..., object], *args: Any, update: bool = False) -> None:
        self.callback, self.args = callback, args
        self._loop.push(self._after, self)

    def stop(self) -> None:
        self.callback = None

    close = stop

    def __enter__(self) -> Timer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Loop:
    """The loop of a gevent hub, without an operating system."""

    default = False
    approx_timer_resolution = 0.0

    def __init__(self) -> None:
        self.time = BEGIN
        self.error_handler: Any = None
        self.turns = 0
        self._callbacks: deque[Callback] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = count()

    def now(self) -> float:
        return self.time

    def update_now(self) -> None:
        pass

    def push(self, after: float, timer: Timer) -> None:
        heapq.heappush(self._timers, (self.time + after, next(self._order), timer))

    def run_callback(self, call: Callable[..., object], *arguments: Any) -> Callback:
        callback = Callback(call, arguments)
        self._callbacks.append(callback)
        return callback

    run_callback_threadsafe = run_callback

    def timer(self, after: float, repeat: float = 0.0, ref: bool = True, priority: Any = None) -> Timer:
        return Timer(self, after)

    def run(self) -> None:
        """Run until nothing is left that could ever happen."""
        while self._callbacks or self._timers:
            while self._callbacks:
                self._run_one(self._callbacks.popleft())
            if self._timers:
                due, _, timer = heapq.heappop(self._timers)
                if timer.callback is not None:
                    self.time = max(self.time, due)
                    self._run_one(timer)

    def _run_one(self, one: Callback | Timer) -> None:
        call, arguments = one.callback, one.args
        if call is None or arguments is None:
            return
        self.turns += 1
        one.callback = None
        try:
            call(*arguments)
        except BaseException:  # noqa: BLE001  # as gevent's own loop does
            self.error_handler.handle_error(one, *sys.exc_info())
        finally:
            if isinstance(one, Callback):
                one.args = None

    def destroy(self) -> None:
        self._callbacks.clear()
        self._timers.clear()

    def _format(self) -> str:
        return f"virtual time {self.time}"


class QuietHub(Hub):
    """A hub that keeps what greenlets die of."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop=loop)
        self.deaths: list[BaseException] = []

    def handle_error(self, context: object, type: Any, value: Any, tb: Any) -> None:  # noqa: A002
        if isinstance(value, HubDestroyed) or not isinstance(value, Exception | gevent.GreenletExit):
            super().handle_error(context, type, value, tb)
        elif isinstance(value, Exception):
            self.deaths.append(value)


@contextmanager
def virtual_time() -> Iterator[QuietHub]:
    """Let all that runs inside be in virtual time, and its random names be the same each time."""
    real, clocks, named = get_hub(), (time.monotonic, time.time), (secrets.token_urlsafe, secrets.token_hex)
    loop, names = Loop(), count()
    hub = QuietHub(loop)
    spawned: list[gevent.Greenlet] = []
    set_hub(hub)
    gevent.Greenlet.add_spawn_callback(spawned.append)
    time.monotonic = time.time = loop.now
    secrets.token_urlsafe = secrets.token_hex = lambda size=None: f"name-{next(names)}"  # type: ignore[assignment]
    try:
        yield hub
    finally:
        (time.monotonic, time.time), (secrets.token_urlsafe, secrets.token_hex) = clocks, named
        gevent.Greenlet.remove_spawn_callback(spawned.append)
        gevent.killall([one for one in spawned if not one.dead], block=False)
        gevent.sleep(0)
        hub.destroy()
        set_hub(real)
