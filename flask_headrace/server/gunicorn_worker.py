"""gunicorn's gevent worker as Headrace needs it: tokens leave at once, nobody holds it up, and it lets streams finish.

`gunicorn.conf.py` uses it, also for an application of one's own, and sees to its drain.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterable
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

import gevent
import gevent.socket
from gevent.server import StreamServer
from gunicorn.errors import AppImportError
from gunicorn.http import wsgi
from gunicorn.workers import ggevent

from ..blueprints.http.unread_body import is_unread
from ..core.errors import ConfigurationError
from .open_access import listening_addresses
from .open_files import SPARE_CONNECTIONS, max_connections, raise_file_limit
from .served_application import check_application, extension_state
from .worker_reports import WorkerReports

DISCONNECT_ERRNOS = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH}
"""What a write says to a reader that is gone without a word. gunicorn would log each with a stack trace."""

FINAL_FLUSH_TIMEOUT = 2.0
"""Seconds in which a reader may take what is left of its stream, after the drain."""

EXIT_TIMEOUT = 5.0
"""Seconds that a worker may take to leave after its drain: last words, and what gunicorn looks at once a second."""

LINGER_TIMEOUT, MAX_LINGER_BYTES = 1.0, 4 * 1024 * 1024
"""Seconds, and bytes, for which a client that is refused may go on sending before it reads why."""


class ClientSocket(gevent.socket.socket):  # type: ignore[misc]  # untyped
    """A client's socket that tries to send before it prepares to wait, and to receive lets others run.

    gevent's `sendall` asks the kernel for the size of its buffer each time: a system call for every token. And its
    `recv` returns at once as long as there is anything: a client that never stops sending would be the only one.
    """

    __slots__ = ("_received_without_waiting",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # as in the base class
        super().__init__(*args, **kwargs)
        self._received_without_waiting = False

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401
        """Send all of `data`."""
        try:
            try:
                sent = self._sock.send(data, flags)
            except BlockingIOError:
                sent = 0
            if sent < len(data):
                super().sendall(memoryview(data)[sent:], flags)
        except OSError as error:
            if error.errno not in DISCONNECT_ERRNOS:
                raise
            raise ConnectionResetError(errno.ECONNRESET, f"the reader is gone: {error}") from error

    def recv(self, *args: Any) -> bytes:  # noqa: ANN401
        """Receive, and let others run where that goes on without a wait."""
        try:
            data: bytes = self._sock.recv(*args)
        except BlockingIOError:
            self._received_without_waiting = False
            waited: bytes = super().recv(*args)
            return waited
        # A piece of 8 KiB may be a thousand chunks; most requests are no more than one.
        if self._received_without_waiting:
            gevent.sleep(0)
        self._received_without_waiting = True
        return data


class Response(wsgi.Response):  # type: ignore[misc]  # untyped
    """gunicorn's response, which writes the chunks of a stream without asking anew how each is to be written."""

    def write(self, arg: bytes) -> None:
        """Send the next bytes of the body."""
        if arg and self.headers_sent and self.chunked:
            self.sent += len(arg)
            self.sock.sendall(b"%X\r\n%b\r\n" % (len(arg), arg))
        else:
            super().write(arg)

    def should_close(self) -> bool:
        """Whether the connection ends with this response; also where the request was not read to its end."""
        return is_unread(self.req.body) or super().should_close()


class Server(StreamServer):  # type: ignore[misc]  # untyped
    """gunicorn's server of one listening socket, which its worker can find."""

    instances: ClassVar[list[Server]] = []

    def __init__(self, listener: Any, handle: partial[None], **kwargs: Any) -> None:  # noqa: ANN401  # as in the base class
        # gunicorn asks the listener for its name when it begins with a connection, which may be after it was closed.
        name = listener.getsockname()
        named = SimpleNamespace(getsockname=lambda: name)
        super().__init__(listener, handle=partial(handle.func, named), **kwargs)
        self.instances.append(self)


class Worker(ggevent.GeventWorker):  # type: ignore[misc]  # untyped
    """gunicorn's gevent worker, with the socket above, which leaves when its streams have ended.

    Attributes:
        served: What its master is told of it; None for a master that asks nothing.
    """

    reports: WorkerReports | None = None
    _is_quitting = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # as in the base class
        super().__init__(*args, **kwargs)
        self.clients: set[Any] = set()
        self.idle: dict[Any, None] = {}  # those between two requests, or in the head of one; the longest idle first

    @property
    def state(self) -> Any:  # noqa: ANN401
        """What the application's extension has set up: its settings, not the environment's alone, are those that hold.

        Raises:
            ConfigurationError: what gunicorn was told to load is no Flask application with the extension in it.
        """
        return extension_state(self.wsgi, self.app.app_uri)

    @property
    def max_drain(self) -> float:
        """Seconds that a drain can take before gunicorn's master, which does not know the application, kills."""
        return max(0.0, float(self.cfg.graceful_timeout - EXIT_TIMEOUT))

    def load_wsgi(self) -> None:
        """Load the application, and see that nothing is wrong with its settings.

        Raises:
            AppImportError: one is, or it lets the whole network ask; with a sentence, and gunicorn ends.
        """
        try:
            super().load_wsgi()
            check_application(self.state, listening_addresses(self.sockets))
            # Not in the master: it has no patches of gevent's, and what it imports for a Redis has none in workers.
            if self.reports is not None and not self.reports.has_served:
                self.state.store.refuse_mistakes(is_first=self.age == 1)
        except ConfigurationError as error:
            raise AppImportError(f"Headrace cannot start. {error.message}") from None

    def run(self) -> None:
        """Serve, with a connection for each stream that may be open, and some for whoever is to be turned away."""
        max_streams = self.state.streams.most
        warning = raise_file_limit(max_streams)
        if warning and self.age == 1:  # the first of all tells it for all
            self.log.warning(warning)
        self.worker_connections = min(max_streams + 100, max_connections())
        if self.reports is not None:
            self.reports.report_serving(has_memory_store=self.state.store.is_of_one_worker)
        super().run()
        # gunicorn has waited for requests alone: streams whose readers are away have their end by `drain`, too.
        self.state.streams.drain(self.max_drain)

    def handle_quit(self, sig: int, frame: Any) -> None:  # noqa: ANN401
        """Leave at once. Ctrl-C in a terminal says so twice: the master passes on what its workers have seen too."""
        if not self._is_quitting:
            self._is_quitting = True
            super().handle_quit(sig, frame)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:  # noqa: ANN401
        """Serve one connection."""
        if type(client) is gevent.socket.socket:
            client = ClientSocket(client.family, client.type, client.proto, fileno=client.detach())
        self.clients.add(client)
        self.idle[client] = None
        if len(self.clients) > self.worker_connections - SPARE_CONNECTIONS:
            # Who only holds a connection must not keep out who asks something. Each is cut once: many may come before
            # the first of them has gone.
            longest_idle = next(iter(self.idle))
            del self.idle[longest_idle]
            shutdown_connections([longest_idle])
        try:
            super().handle(listener, client, addr)
        finally:
            self.clients.discard(client)
            self.idle.pop(client, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:  # noqa: ANN401
        """Serve one request of a connection."""
        self.idle.pop(sock, None)
        try:
            super().handle_request(listener_name, req, sock, addr)
        finally:
            if is_unread(req.body):
                discard_incoming(sock)
        if req.unreader.buf.tell():
            gevent.sleep(0)  # many requests may have come in one piece
        self.idle[sock] = None
        if not self.alive:
            self.close_idle_connections()

    def drain(self) -> None:
        """Let streams finish, end the rest, then cut what still holds the worker up: bodies and slow readers."""
        # gunicorn would accept connections for up to a second more, which other workers could serve.
        for server in Server.instances:
            server.close()
        self.close_idle_connections()
        self.state.streams.drain(min(self.state.drain, self.max_drain))
        gevent.sleep(FINAL_FLUSH_TIMEOUT)
        shutdown_connections(self.clients)

    def close_idle_connections(self) -> None:
        """Cut off connections that ask nothing; those whose request has arrived are answered first."""
        shutdown_connections([client for client in self.idle if not has_pending_data(client)])


ggevent.StreamServer, wsgi.Response = Server, Response


def has_pending_data(client: Any) -> bool:  # noqa: ANN401  # gevent's socket, or the ssl module's
    """Whether something has come in on a connection that was not read yet."""
    try:
        return bool(getattr(client, "_sock", client).recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False


def discard_incoming(client: Any) -> None:  # noqa: ANN401  # gevent's socket, or the ssl module's
    """Let a client that is still sending read its answer: closed at once, the connection would take that along."""
    with contextlib.suppress(OSError), gevent.Timeout(LINGER_TIMEOUT, False):
        client.shutdown(socket.SHUT_WR)
        remaining = MAX_LINGER_BYTES
        while remaining > 0 and (data := client.recv(65536)):
            remaining -= len(data)
            gevent.sleep(0)


def shutdown_connections(clients: Iterable[Any]) -> None:
    """Cut off connections, also where a greenlet waits in one."""
    for client in list(clients):
        with contextlib.suppress(OSError):
            getattr(client, "_sock", client).shutdown(socket.SHUT_RDWR)
