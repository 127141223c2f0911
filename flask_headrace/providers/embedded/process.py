"""One run of the embedded model's process: launched, told what to do, waited for.

It knows the pipes to `local_server.py` and what goes through them; not when to run it again (`local.py`).
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

# A worker forked while Popen runs in another thread inherits the pipe by which Popen learns that its program began,
# and Popen then waits for as long as that worker lives.
_fork_lock = threading.RLock()
os.register_at_fork(before=_fork_lock.acquire, after_in_parent=_fork_lock.release, after_in_child=_fork_lock.release)


class ServerConfig(msgspec.Struct, frozen=True):
    """What the process must know; it goes through its stdin, since every user of the machine reads command lines."""

    model: str  # path of a GGUF file
    alias: str  # the model's name in its answers
    key: str  # what a request must carry as its bearer token
    slots: int  # answers at the same time
    context: int  # tokens of one slot
    threads: int
    parent: int  # process id of the supervisor, whom it must not outlive
    directory: str  # the supervisor's, removed if that was killed


class _StartupResult(msgspec.Struct, frozen=True):
    port: int | None = None
    error: str | None = None


class ModelProcess:
    """A running `local_server.py`; as a context it is waited for at its end.

    Raises:
        OSError: it cannot be launched.

    """

    def __init__(self) -> None:
        self._error: str | None = None
        self._reason: str | None = None
        with _fork_lock:
            self._child = subprocess.Popen(  # noqa: S603 - our own file
                [sys.executable, str(_SERVER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in the terminal is for the service, which drains first
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
        """Its process id."""
        return self._child.pid

    def load(self, config: ServerConfig, timeout: float) -> int | None:
        """Have it load the model within `limit` seconds; return its port, or None if it ended instead."""
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
        """Wait so many seconds for a sign of life; return whether there was one, or None where it has ended."""
        assert self._child.stdout is not None
        if not select.select([self._child.stdout], [], [], seconds)[0]:
            return False
        # Past the reader's buffer: there is nothing in it but earlier signs.
        return bool(os.read(self._child.stdout.fileno(), 4096)) or None

    def kill_with_reason(self, reason: str) -> None:
        """End it, which does not move; `wait` tells the reason."""
        self._reason = reason
        self.kill()

    def wait(self) -> str:
        """Wait for its end; tell in a sentence how it ended."""
        assert self._child.stdout is not None
        self._child.stdout.read()  # gunicorn's master reaps every child: the pipe's end is what cannot be missed
        code = self._child.wait()
        if self._reason:
            return self._reason
        if self._error:
            return f"The embedded model could not be loaded ({self._error}); `make -B install` checks its file."
        if code < 0:
            return f"The embedded model's process was ended by signal {-code} ({signal.strsignal(-code)})."
        # reaped by another, its code is unknown, and Popen says 0
        return f"The embedded model's process ended{f' with exit code {code}' if code else ''}."

    def terminate(self) -> None:
        """Ask it to end."""
        self._child.terminate()

    def kill(self) -> None:
        """End it."""
        self._child.kill()


def _decode_startup_result(line: bytes) -> _StartupResult:
    try:
        return msgspec.json.decode(line, type=_StartupResult)
    except msgspec.DecodeError:
        return _StartupResult()  # it ended without a word
