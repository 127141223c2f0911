"""A process that forks another for each check, so that a check which takes too long can be ended, whatever it is at.

It is run as a file rather than as a module of the package, so that it starts without Flask and the SDKs. Its stdin is
a socket from `sandbox.py`, over which the sockets of single checks come. Each check is a process of its own, which the
kernel ends after its time, or as soon as nobody waits for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import signal
import socket
import sys
import types
from pathlib import Path

MAX_MEMORY_BYTES = 512 * 1024 * 1024
"""Bytes of address space that one check may have."""

STARTED_MARK = b"+"
"""What a check says first: that it is one."""


def load_checks() -> types.ModuleType:
    """Import the checks beside this file, with their own imports, and nothing else of the package."""
    package = types.ModuleType("flask_headrace")  # in place of the real one, which imports Flask and the SDKs
    package.__path__ = [str(Path(__file__).parents[2])]
    sys.modules["flask_headrace"] = package
    sys.path.pop(0)  # the folder of this file, whose names are none of the top level
    from flask_headrace.streaming.json_schema import checks  # noqa: PLC0415

    return checks


def serve(control: socket.socket, checks: types.ModuleType) -> None:
    """Fork for each socket that comes, until the other side is gone."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return
        for descriptor in descriptors:
            if os.fork() == 0:
                control.close()
                with socket.socket(fileno=descriptor) as client, contextlib.suppress(BrokenPipeError):
                    check(client, checks)
                os._exit(0)
            os.close(descriptor)


def check(client: socket.socket, checks: types.ModuleType) -> None:
    """Read one question and answer it: what is wrong, or null."""
    import msgspec  # noqa: PLC0415  # imported before, with the checks

    client.setblocking(True)  # gevent's, which it comes from, are not
    client.sendall(STARTED_MARK)
    limit, schema, text = msgspec.json.decode(b"".join(iter(lambda: client.recv(65536), b"")))
    limit_process(client, limit)
    try:
        mistake = checks.schema_error(schema) if text is None else checks.answer_error(schema, text)
    except (MemoryError, RecursionError) as error:
        mistake = f"it is too large to be checked ({type(error).__name__})"
    client.sendall(msgspec.json.encode(mistake))


def limit_process(client: socket.socket, limit: float) -> None:
    """Have the kernel end this process after its time, or when its client has gone."""
    signal.setitimer(signal.ITIMER_REAL, limit)
    fcntl.fcntl(client, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(client, fcntl.F_SETFL, fcntl.fcntl(client, fcntl.F_GETFL) | os.O_ASYNC)
    hung_up = select.poll()
    hung_up.register(client, 0)
    if hung_up.poll(0):
        os._exit(0)  # it has gone before the kernel was told to look
    with contextlib.suppress(OSError, ValueError):  # macOS sets no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


def main() -> None:
    """Serve the socket that is this process's stdin."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # for the service, which drains first and closes the socket then
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the checks
    for number in (signal.SIGALRM, signal.SIGIO):
        signal.signal(number, signal.SIG_DFL)  # which end a process
    checks = load_checks()
    os.nice(10)  # streams go first; not before, since the first check waits for what is loaded
    with socket.socket(fileno=0) as control:
        control.setblocking(True)  # as above
        serve(control, checks)


if __name__ == "__main__":
    main()
