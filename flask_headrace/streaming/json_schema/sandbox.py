"""Runs checks of untrusted schemas in processes that are killed when they take too long or their caller has gone.

A client can send a schema whose check takes unbounded time, in native code that blocks the whole process and cannot be
interrupted. So a server process (`sandbox_server.py`) forks one process for each check. It is started at the first
check, and again if it has died. Any thread may run checks: each check has its own socket, in the caller's event loop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket as plain_socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gevent
import msgspec
from gevent import socket

from ...core import exact_json
from ...core.errors import ChecksBusy
from .sandbox_server import STARTED_MARK

CHECK_TIMEOUT = 5.0
"""Seconds that one check may take, and that it may wait for a slot."""

MAX_CONCURRENT_CHECKS = 8
"""Checks of one worker that run at the same time; further checks wait for a slot."""

MAX_CONCURRENT_CHECKS_PER_OWNER = 4
"""Checks of one owner that run at the same time, so that the schemas of one key cannot block those of another."""

POLL_INTERVAL = 0.01
"""Seconds between two attempts of a check to get a slot; the interval grows with the number of waiting checks."""

_SERVER = Path(__file__).with_name("sandbox_server.py")


class CheckAbortedError(Exception):
    """A check took too much time or memory and was killed."""


class Sandbox:
    """The server process for the checks of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: plain_socket.socket | None = None
        self._process = self._owner = 0
        self._waiting = 0
        self._running: Counter[str] = Counter()  # by owner

    def check(self, schema: dict[str, Any], text: str | None = None, *, owner: str = "") -> str | None:
        """Return what is wrong with a schema, or with an answer; None if nothing is.

        Args:
            schema: The JSON Schema.
            text: The text of an answer to check against the schema; None to check the schema itself.
            owner: The owner of the request, who gets half of the slots at most; empty if owners are not told apart.

        Raises:
            CheckAbortedError: the check took too much time or memory.
            ChecksBusy: the check got no slot in time; 503.
        """
        request = exact_json.encode((CHECK_TIMEOUT, schema, text))
        self._wait_for_slot(owner)
        try:
            with gevent.Timeout(CHECK_TIMEOUT, CheckAbortedError):
                return self._run_check(request)
        finally:
            with self._lock:
                self._running -= Counter((owner,))  # keeps positive counts only

    def close(self) -> None:
        """Kill the server process; the next check starts another one. Idempotent."""
        with self._lock:
            self._stop()

    def _wait_for_slot(self, owner: str) -> None:
        expires_at = time.monotonic() + CHECK_TIMEOUT
        with self._lock:
            self._waiting += 1
        try:
            while not self._acquire_slot(owner):
                left = expires_at - time.monotonic()
                if left <= 0:
                    raise ChecksBusy("Too many schemas are being checked. Try again in a moment.", retry_after=1)
                gevent.sleep(min(left, POLL_INTERVAL * max(1, self._waiting / MAX_CONCURRENT_CHECKS)))
        finally:
            with self._lock:
                self._waiting -= 1

    def _acquire_slot(self, owner: str) -> bool:
        with self._lock:
            has_share = not owner or self._running[owner] < MAX_CONCURRENT_CHECKS_PER_OWNER
            is_free = has_share and self._running.total() < MAX_CONCURRENT_CHECKS
            if is_free:
                self._running[owner] += 1
        return is_free

    def _run_check(self, request: bytes) -> str | None:
        response = self._exchange(request)
        if not response.startswith(STARTED_MARK):
            # The server process died before it read the request: another one is started.
            response = self._exchange(request)
        if len(response) <= len(STARTED_MARK):
            raise CheckAbortedError
        return msgspec.json.decode(response[len(STARTED_MARK) :], type=str | None)

    def _exchange(self, request: bytes) -> bytes:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._send_socket(theirs.fileno())
            try:
                ours.sendall(request)
                ours.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: ours.recv(65536), b""))
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
        """Kill the server process and reap it."""
        # Once anything (such as `subprocess`) watches a child, libev reaps all children; the id may be reused then.
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(self._process, os.WNOHANG) == (0, 0):
                os.kill(self._process, signal.SIGKILL)
                os.waitpid(self._process, 0)
