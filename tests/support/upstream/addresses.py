"""Addresses at which no upstream answers. Each function is a context manager that yields a base URL.

Here connecting fails or no request is read. What an upstream sends after it has accepted a connection, scripts define.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator

UNRESOLVABLE = "http://upstream.invalid"  # RFC 6761, 6.4: this name never resolves


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """Yield an address whose port is bound but not listened on: connecting is refused at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield _url(taken)


@contextlib.contextmanager
def unanswering() -> Iterator[str]:
    """Yield an address that answers no SYN: connecting waits until the client's own limit.

    The port's accept queue is full, and Linux drops a SYN that would go into a full queue.
    """
    with socket.socket() as full, contextlib.ExitStack() as queued:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(16):
            if not _is_answered(queued.enter_context(socket.socket()), full):
                break
        else:
            raise RuntimeError("this kernel answers a SYN also when the accept queue is full")
        yield _url(full)


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Yield an address at which the kernel accepts connections, and no program reads or writes."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield _url(listening)


def _is_answered(client: socket.socket, listener: socket.socket) -> bool:
    client.setblocking(False)
    client.connect_ex(listener.getsockname())
    return bool(select.select([], [client], [], 0.2)[1])


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
