"""The server process of `sandbox.py`: it forks one process for each check, which the kernel can kill at any time.

It runs as a file, not as a module of the package, so that it starts without Flask and the SDKs. Its stdin is a socket
over which `sandbox.py` sends the socket of each check. The kernel kills the process of a check when its time is over or
its caller closes the socket.
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
"""Bytes of address space of one check."""

STARTED_MARK = b"+"
"""The first byte that the process of a check sends: it has started."""


def load_checks() -> types.ModuleType:
    """Import and return `checks.py` with its own imports, and no other module of the package."""
    package = types.ModuleType("flask_headrace")  # in place of the real one, which imports Flask and the SDKs
    package.__path__ = [str(Path(__file__).parents[2])]
    sys.modules["flask_headrace"] = package
    sys.path.pop(0)  # the folder of this file, whose modules must not be importable as top-level ones
    from flask_headrace.streaming.json_schema import checks  # noqa: PLC0415

    return checks


def serve(control: socket.socket, checks: types.ModuleType) -> None:
    """Fork a process for each socket that arrives, until the other side closes `control`."""
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
    """Read one request from a socket, run its check and send the result: what is wrong, or null."""
    import msgspec  # noqa: PLC0415  # imported before, with the checks

    client.setblocking(True)  # gevent creates sockets that are not blocking
    client.sendall(STARTED_MARK)
    limit, schema, text = checks.decode(b"".join(iter(lambda: client.recv(65536), b"")))
    limit_process(client, limit)
    try:
        problem = checks.schema_error(schema) if text is None else checks.answer_error(schema, text)
    except (MemoryError, RecursionError) as error:
        problem = f"it is too large to be checked ({type(error).__name__})"
    client.sendall(msgspec.json.encode(problem))


def limit_process(client: socket.socket, limit: float) -> None:
    """Let the kernel kill this process after `limit` seconds, or when the other side closes `client`."""
    signal.setitimer(signal.ITIMER_REAL, limit)
    fcntl.fcntl(client, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(client, fcntl.F_SETFL, fcntl.fcntl(client, fcntl.F_GETFL) | os.O_ASYNC)
    hung_up = select.poll()
    hung_up.register(client, 0)
    if hung_up.poll(0):
        os._exit(0)  # the other side has closed it before the signal was enabled
    with contextlib.suppress(OSError, ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


def main() -> None:
    """Serve the control socket on stdin."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the service drains first, and then closes the socket
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the processes of checks
    for number in (signal.SIGALRM, signal.SIGIO):
        signal.signal(number, signal.SIG_DFL)  # kill the process
    checks = load_checks()
    os.nice(10)  # streams have priority; not earlier, because the first check waits for the imports
    with socket.socket(fileno=0) as control:
        control.setblocking(True)  # as above
        serve(control, checks)


if __name__ == "__main__":
    main()
