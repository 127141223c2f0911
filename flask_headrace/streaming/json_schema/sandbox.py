"""Runs checks of what others have sent in processes that are ended when they take too long, or when nobody waits.

Whoever asks may send a schema that takes for ever, in code that lets nothing else run and cannot be told to stop. So
it is given to a process that forks one for each check (`sandbox_server.py`); it is started at the first check and
again where it has died. Any thread may call this: each check has a socket of its own, in its own event loop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket as plain_socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import gevent
import msgspec
from gevent import socket

from ...core.errors import ChecksBusy
from .sandbox_server import STARTED_MARK

CHECK_TIMEOUT = 5.0
"""Seconds that one check may take, and that it may wait for its turn."""

MAX_CONCURRENT_CHECKS = 8
"""Checks of one worker that run at the same time; the next ones wait for their turn."""

POLL_INTERVAL = 0.01
"""Seconds between two looks of a check whether it has its turn; where many wait, each of them looks less often."""

_SERVER = Path(__file__).with_name("sandbox_server.py")


class CheckAbortedError(Exception):
    """A check took too long, or too much memory, and was ended."""


class Sandbox:
    """The process for the checks of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: plain_socket.socket | None = None
        self._process = self._owner = 0
        self._running = self._waiting = 0

    def check(self, schema: dict[str, Any], text: str | None = None) -> str | None:
        """Return what is wrong with a schema, or with the text of an answer that is held to it; None for nothing.

        Raises:
            EndedError: it took more time or memory than it may.
            ChecksBusy: so many others are running that it had no turn; 503.
        """
        question = msgspec.json.encode((CHECK_TIMEOUT, schema, text))
        self._wait_for_slot()
        try:
            with gevent.Timeout(CHECK_TIMEOUT, CheckAbortedError):
                return self._run_check(question)
        finally:
            with self._lock:
                self._running -= 1

    def close(self) -> None:
        """End the process; the next check starts another one. May be called twice."""
        with self._lock:
            self._stop()

    def _wait_for_slot(self) -> None:
        until = time.monotonic() + CHECK_TIMEOUT
        with self._lock:
            self._waiting += 1
        try:
            while not self._acquire_slot():
                left = until - time.monotonic()
                if left <= 0:
                    raise ChecksBusy("Too many schemas are being checked. Try again in a moment.", retry_after=1)
                gevent.sleep(min(left, POLL_INTERVAL * max(1, self._waiting / MAX_CONCURRENT_CHECKS)))
        finally:
            with self._lock:
                self._waiting -= 1

    def _acquire_slot(self) -> bool:
        with self._lock:
            is_free = self._running < MAX_CONCURRENT_CHECKS
            self._running += is_free
        return is_free

    def _run_check(self, question: bytes) -> str | None:
        answer = self._exchange(question)
        if not answer.startswith(STARTED_MARK):
            # The process has died before it took the question: another one is asked.
            answer = self._exchange(question)
        if len(answer) <= len(STARTED_MARK):
            raise CheckAbortedError
        return msgspec.json.decode(answer[len(STARTED_MARK) :], type=str | None)

    def _exchange(self, question: bytes) -> bytes:
        here, there = socket.socketpair()
        with here:
            with there:
                self._send_socket(there.fileno())
            try:
                here.sendall(question)
                here.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: here.recv(65536), b""))
            except (BrokenPipeError, ConnectionResetError):
                return b""

    def _send_socket(self, descriptor: int) -> None:
        with self._lock:
            if self._control is None or self._owner != os.getpid():
                self._start()
            try:
                plain_socket.send_fds(self._control, [b"."], [descriptor])  # type: ignore[arg-type]
            except OSError:
                self._start()
                plain_socket.send_fds(self._control, [b"."], [descriptor])  # type: ignore[arg-type]

    def _start(self) -> None:
        self._stop()
        ours, theirs = plain_socket.socketpair()
        ours.setblocking(False)
        with theirs:
            redirected = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)]
            arguments = [sys.executable, str(_SERVER)]
            self._process = os.posix_spawn(sys.executable, arguments, os.environ, file_actions=redirected)
        self._control, self._owner = ours, os.getpid()

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
            if self._owner == os.getpid():
                self._kill()

    def _kill(self) -> None:
        """Kill the process, which takes nothing any more, and bury it."""
        # libev buries every child where anybody waits for one, as `subprocess` does. Its number is another's then.
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(self._process, os.WNOHANG) == (0, 0):
                os.kill(self._process, signal.SIGKILL)
                os.waitpid(self._process, 0)
