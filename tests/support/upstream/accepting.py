"""The listening socket of the upstream, which accepts connections or does not, as the test demands."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import select
import socket
import ssl
import struct
import time
from collections.abc import Sequence

from tests.support.upstream.connection import Answering, Connection
from tests.support.upstream.records import Closed, Entry, Ledger, Peer

AT_ONCE = 256  # connections accepted in one turn of the loop, so that open connections are served in between
# The peer has sent FIN, or worse. Without epoll (no Linux, or patched by gevent), unread connections stay open for us.
GONE = select.EPOLLRDHUP if hasattr(select, "epoll") else 0


class Accept(enum.Enum):
    """The treatment of a new connection."""

    SERVE = "its requests are answered"
    UNREAD = "accepted, and never read from"
    CLOSE = "accepted, and closed at once"
    RESET = "accepted, and reset at once"
    HOLD = "not accepted: the kernel completes its handshake, and clients wait until this is changed"


class Acceptor:
    """Accepts connections on a listening socket and keeps the open ones."""

    def __init__(
        self, listener: socket.socket, upstream: Answering, ledger: Ledger, context: ssl.SSLContext | None
    ) -> None:
        listener.setblocking(False)
        self._listener, self._upstream, self._ledger, self._context = listener, upstream, ledger, context
        self._ways = [Accept.SERVE]
        self._connections: set[Connection] = set()
        self._unread: dict[int, tuple[socket.socket, Entry[Peer]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start accepting, in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._watch = select.epoll() if GONE else None
        if self._watch:
            self._loop.add_reader(self._watch.fileno(), self._see_unread_leave)
        self.change(self._ways)

    async def stop(self) -> None:
        """Stop accepting, and close every connection."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for connection in list(self._connections):
            connection.drop()
        for number in list(self._unread):
            self._close_unread(number, Closed.OURS)
        if self._watch:
            self._loop.remove_reader(self._watch.fileno())
            self._watch.close()
        await asyncio.sleep(0)  # lets the transports close their sockets

    def change(self, ways: Sequence[Accept]) -> None:
        """Treat new connections in these ways, one after the other; the last repeats."""
        self._ways = list(ways)
        self._loop.add_reader(self._listener, self._accept_some)

    def _accept_some(self) -> None:
        for _ in range(AT_ONCE):
            if self._ways[0] is Accept.HOLD:
                self._loop.remove_reader(self._listener)
                return
            try:
                client, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:
                self._loop.remove_reader(self._listener)  # out of descriptors: the loop would try again for ever
                raise
            way = self._ways.pop(0) if len(self._ways) > 1 else self._ways[0]
            self._take(client, self._ledger.add_peer(), way)

    def _take(self, client: socket.socket, peer: Entry[Peer], way: Accept) -> None:
        client.setblocking(False)
        match way:
            case Accept.SERVE:
                task = self._loop.create_task(self._serve(client, peer))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                task.add_done_callback(self._upstream.report)
            case Accept.UNREAD:
                self._unread[client.fileno()] = client, peer
                if self._watch:
                    self._watch.register(client, GONE)
            case Accept.CLOSE | Accept.RESET:
                if way is Accept.RESET:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                peer.update(closed=Closed.OURS, closed_at=time.monotonic())

    async def _serve(self, client: socket.socket, peer: Entry[Peer]) -> None:
        connection = Connection(self._upstream, peer, self._connections.discard)
        try:
            await self._loop.connect_accepted_socket(lambda: connection, client, ssl=self._context)
        except OSError:  # the peer disconnected during the TLS handshake, or does not trust the certificate
            peer.update(closed=Closed.RESET, closed_at=time.monotonic())
            return
        if not connection.is_closed:
            self._connections.add(connection)

    def _see_unread_leave(self) -> None:
        assert self._watch
        for number, events in self._watch.poll(0):
            self._close_unread(number, Closed.RESET if events & select.EPOLLERR else Closed.FIN)

    def _close_unread(self, number: int, how: Closed) -> None:
        client, peer = self._unread.pop(number)
        with contextlib.closing(client):
            if self._watch:
                self._watch.unregister(number)
        peer.update(closed=how, closed_at=time.monotonic())
