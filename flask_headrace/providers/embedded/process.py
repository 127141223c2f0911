"""One run of the embedded model's process: start it, configure it, watch its heartbeats, end it.

This module knows the pipes to `server.py` and their messages; `supervisor.py` decides when to start it again.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

import msgspec

_SERVER = Path(__file__).with_name("server.py")

# If a worker is forked while Popen runs in another thread, the worker inherits the pipe by which Popen learns that its
# program has started, and Popen blocks until that worker ends.
_fork_lock = threading.RLock()
os.register_at_fork(before=_fork_lock.acquire, after_in_parent=_fork_lock.release, after_in_child=_fork_lock.release)


class ServerConfig(msgspec.Struct, frozen=True):
    """Configuration of the model's process, sent through its stdin: every user of a machine can read command lines."""

    model: str  # path of a GGUF file
    alias: str  # the model's name in its responses
    key: str  # the bearer token that requests must carry
    slots: int  # concurrent answers
    context: int  # context size of one slot, in tokens
    threads: int
    parent: int  # process id of the supervisor; the model's process ends with it
    directory: str  # the supervisor's state folder, removed by the model's process if the supervisor is killed


class _StartupResult(msgspec.Struct, frozen=True):
    port: int | None = None
    error: str | None = None


class ModelProcess:
    """A running `server.py`. Used as a context manager, it waits for the process at the end of the block.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self) -> None:
        self._error: str | None = None
        self._reason: str | None = None
        with _fork_lock:
            self._child = subprocess.Popen(  # noqa: S603  # our own file
                [sys.executable, str(_SERVER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in the terminal must not reach it: the service drains first
            )

    def __enter__(self) -> ModelProcess:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._child.__exit__(None, None, None)

    def __repr__(self) -> str:
        return f"<ModelProcess {self.pid}>"

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def load(self, config: ServerConfig, timeout: float) -> int | None:
        """Send the configuration and wait for the model to load; return its port, or None if the process ended instead.

        If loading takes longer than `timeout` seconds, the process is killed.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        timer = threading.Timer(timeout, self.kill)
        timer.daemon = True
        timer.start()
        with contextlib.suppress(BrokenPipeError), self._child.stdin as stdin:
            stdin.write(msgspec.json.encode(config) + b"\n")
        answer = _decode_startup_result(self._child.stdout.readline())
        timer.cancel()
        self._error = answer.error
        return answer.port

    def wait_for_heartbeat(self, seconds: float) -> bool | None:
        """Wait up to `seconds` for a heartbeat; return whether one has come, or None if the process has ended."""
        assert self._child.stdout is not None
        if not select.select([self._child.stdout], [], [], seconds)[0]:
            return False
        # Read from the descriptor itself: the file object's buffer holds earlier heartbeats at most.
        return bool(os.read(self._child.stdout.fileno(), 4096)) or None

    def kill_with_reason(self, reason: str) -> None:
        """Kill the process; `wait` then returns `reason`."""
        self._reason = reason
        self.kill()

    def wait(self) -> str:
        """Wait for the process to end; return one sentence that says how it ended."""
        assert self._child.stdout is not None
        self._child.stdout.read()  # gunicorn's master may reap this child first: the end of the pipe is reliable
        code = self._child.wait()
        if self._reason:
            return self._reason
        if self._error:
            return f"The embedded model could not be loaded ({self._error}); `make -B install` checks its file."
        if code < 0:
            return f"The embedded model's process was ended by signal {-code} ({signal.strsignal(-code)})."
        # if the master has reaped the child, Popen does not know the exit code and returns 0
        return f"The embedded model's process ended{f' with exit code {code}' if code else ''}."

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._child.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._child.kill()


def _decode_startup_result(line: bytes) -> _StartupResult:
    try:
        return msgspec.json.decode(line, type=_StartupResult)
    except msgspec.DecodeError:
        return _StartupResult()  # the process ended without a message
