"""A real gunicorn with the project's configuration, as its own process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
CLEARED = ("HEADRACE_", "OPENAI_", "ANTHROPIC_", "WEB_CONCURRENCY", "FLASK_")


def free_port() -> int:
    """Return a free loopback port that the kernel does not assign to other programs for the next minute.

    Tests run in several processes, and a service takes a second to listen. A connection to the port that this side has
    closed first (TIME_WAIT) keeps the kernel from assigning the port, while a service can still bind it by number.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        probe.listen()
        with socket.create_connection(probe.getsockname()):
            probe.accept()[0].close()
        port: int = probe.getsockname()[1]
        return port


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment without variables that configure the service, and with `settings`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(CLEARED)} | settings


class Service:
    """The service, as a context manager. Settings are environment variables.

    Attributes:
        command: The command that starts it.
        folder: The command's working directory.
    """

    def __init__(self, *, arguments: tuple[str, ...] = (), **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {"HEADRACE_BIND": f"127.0.0.1:{self.port}", "HEADRACE_EMBEDDED": "0", **settings}
        self.command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", *arguments]
        self.folder = ROOT
        self._log = tempfile.NamedTemporaryFile(prefix="service-", suffix=".log")  # noqa: SIM115  # as long as this

    def __enter__(self) -> Service:
        self.process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=environment(**self.settings),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.wait_until(self._is_up, 30)
        return self

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.stop(signal.SIGINT)  # as Ctrl-C does, since gunicorn takes a second or two to leave in good order
        self._log.close()

    def stop(self, how: signal.Signals = signal.SIGTERM, limit: float = 20) -> int:
        """Send the signal `how` and return the exit code; kill the process and fail after `limit` seconds."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"it was there {limit} s after {how.name}:\n{self.log()}") from None

    def log(self) -> str:
        """Return the log so far."""
        return Path(self._log.name).read_text()

    def workers(self) -> list[int]:
        """Return the process ids of its workers."""
        found = []
        for pid in children(self.process.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return found

    def wait_until(self, condition, limit: float = 10):
        """Wait until `condition()` is true and return its value; fail with the log after `limit` seconds."""
        end = time.monotonic() + limit
        while not (value := condition()):
            assert self.process.poll() is None, f"the service has ended:\n{self.log()}"
            assert time.monotonic() < end, f"not within {limit} s: {condition}\n{self.log()}"
            time.sleep(0.01)
        return value

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/healthz", timeout=2) as response:
                return response.status == 200
        except (urllib.error.URLError, OSError):
            return False


def children(pid: int) -> list[int]:
    """Return the process ids of a process's children."""
    found = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in tasks.read_text().split()]
    return found
