"""A program that is measured: its start on a chosen core, its end, its CPU time and its memory. Reads /proc."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_LIMIT = 120.0
END_LIMIT = 5.0
"""Seconds that a program may take to listen, and to exit."""


Clock = dict[int, int]
"""From thread ids to the nanoseconds that the threads have run."""

IDLE_CHECK_INTERVAL = 0.5
MAX_IDLE_LOAD = 0.03
"""Seconds between two checks of a program's CPU time, and the share of a core below which it is idle."""


class StartError(Exception):
    """A program did not start; the message is its last line of output, if there is one."""


@dataclass(frozen=True, slots=True)
class Command:
    """The command that starts a program.

    Args:
        argv: The program and its arguments.
        port: The loopback port on which it will listen.
        cwd: Its working directory.
        settings: Variables that are added to the environment.
    """

    argv: Sequence[object]
    port: int
    cwd: Path
    settings: dict[str, str] = field(default_factory=dict)


class Program:
    """A running program and its children, from `with` to its end."""

    def __init__(self, command: Command, cores: frozenset[int]) -> None:
        self.port = command.port
        self._command = command
        self._cores = cores
        self._log = tempfile.NamedTemporaryFile(prefix="benchmark-", suffix=".log")  # noqa: SIM115  # as long as this

    def __enter__(self) -> Program:
        with on_cores(self._cores):
            self._process = subprocess.Popen(
                [str(part) for part in self._command.argv],
                cwd=self._command.cwd,
                env=_environment() | self._command.settings,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_listening()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the program, with SIGKILL if SIGTERM does not suffice. May be called twice."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()

    def clock(self) -> Clock:
        """Return the CPU time so far of each thread of the program and its children."""
        # /proc/PID/stat would count in ticks of 10 ms, which is much for one paced stream.
        found = {}
        for pid in self._family():
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
                    found[int(task.name)] = int((task / "schedstat").read_text().split()[0])
        return found

    def cpu_since(self, before: Clock) -> float:
        """Return the seconds of CPU time since `before`, user and system; threads that ended are not counted."""
        return sum(ran - before.get(thread, 0) for thread, ran in self.clock().items()) / 1e9

    def memory(self) -> int:
        """Return the memory of the program and its children in bytes, shared pages by their share (PSS)."""
        total = 0
        for pid in self._family():
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total * 1024

    def wait_until_idle(self) -> None:
        """Wait until the program is idle: remaining imports would be counted as work."""
        end = time.monotonic() + START_LIMIT
        taken = 1.0
        while taken > IDLE_CHECK_INTERVAL * MAX_IDLE_LOAD and time.monotonic() < end:
            before = self.clock()
            time.sleep(IDLE_CHECK_INTERVAL)
            taken = self.cpu_since(before)

    def last_output_line(self) -> str:
        """Return the last line of the program's output."""
        return (Path(self._log.name).read_text(errors="replace").strip().splitlines() or ["it printed nothing"])[-1]

    def _family(self) -> list[int]:
        found = [self._process.pid]
        for pid in found:
            for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in tasks.read_text().split()]
        return found

    def _wait_until_listening(self) -> None:
        end = time.monotonic() + START_LIMIT
        while not _is_listening(self.port):
            if self._process.poll() is not None:
                raise StartError(self.last_output_line())
            if time.monotonic() > end:
                raise StartError(f"it did not listen within {START_LIMIT:g} s: {self.last_output_line()}")
            time.sleep(0.05)


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Run programs that start in the `with` block on these cores only; an empty set means all cores."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_file_limit() -> int:
    """Raise the limit of open files of this process and its children to the maximum, and return it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def _is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _environment() -> dict[str, str]:
    # Variables of the caller for the service, or for an SDK, must not change the measurements.
    foreign = ("HEADRACE_", "OPENAI_", "ANTHROPIC_", "WEB_CONCURRENCY", "FLASK_", "GUNICORN_", "LOG_LEVEL")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
