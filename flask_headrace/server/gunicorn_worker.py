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
from .open_access import addresses_of
from .open_files import SPARE, most_connections, raise_file_limit
from .served_application import refuse_application, service_of
from .worker_reports import Served

GONE = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH}
"""What a write says to a reader that is gone without a word. gunicorn would log each with a stack trace."""

LAST_WORDS = 2.0
"""Seconds in which a reader may take what is left of its stream, after the drain."""

LEAVING = 5.0
"""Seconds that a worker may take to leave after its drain: last words, and what gunicorn looks at once a second."""

LINGER, MOST_LINGERED = 1.0, 4 * 1024 * 1024
"""Seconds, and bytes, for which a client that is refused may go on sending before it reads why."""


class ClientSocket(gevent.socket.socket):  # type: ignore[misc]  # untyped
    """A client's socket that tries to send before it prepares to wait, and to receive lets others run.

    gevent's `sendall` asks the kernel for the size of its buffer each time: a system call for every token. And its
    `recv` returns at once as long as there is anything: a client that never stops sending would be the only one.
    """

    __slots__ = ("_is_ahead",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # as in the base class
        super().__init__(*args, **kwargs)
        self._is_ahead = False

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
            if error.errno not in GONE:
                raise
            raise ConnectionResetError(errno.ECONNRESET, f"the reader is gone: {error}") from error

    def recv(self, *args: Any) -> bytes:  # noqa: ANN401
        """Receive, and let others run where that goes on without a wait."""
        try:
            data: bytes = self._sock.recv(*args)
        except BlockingIOError:
            self._is_ahead = False
            waited: bytes = super().recv(*args)
            return waited
        # A piece of 8 KiB may be a thousand chunks; most requests are no more than one.
        if self._is_ahead:
            gevent.sleep(0)
        self._is_ahead = True
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

    all: ClassVar[list[Server]] = []

    def __init__(self, listener: Any, handle: partial[None], **kwargs: Any) -> None:  # noqa: ANN401  # as in the base class
        # gunicorn asks the listener for its name when it begins with a connection, which may be after it was closed.
        name = listener.getsockname()
        named = SimpleNamespace(getsockname=lambda: name)
        super().__init__(listener, handle=partial(handle.func, named), **kwargs)
        self.all.append(self)


class Worker(ggevent.GeventWorker):  # type: ignore[misc]  # untyped
    """gunicorn's gevent worker, with the socket above, which leaves when its streams have ended.

    Attributes:
        served: What its master is told of it; None for a master that asks nothing.
    """

    served: Served | None = None
    _is_quitting = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # as in the base class
        super().__init__(*args, **kwargs)
        self.clients: set[Any] = set()
        self.idle: dict[Any, None] = {}  # those between two requests, or in the head of one; the longest idle first

    @property
    def service(self) -> Any:  # noqa: ANN401
        """What the application's extension has set up: its settings, not the environment's alone, are those that hold.

        Raises:
            ConfigurationError: what gunicorn was told to load is no Flask application with the extension in it.
        """
        return service_of(self.wsgi, self.app.app_uri)

    @property
    def longest_drain(self) -> float:
        """Seconds that a drain can take before gunicorn's master, which does not know the application, kills."""
        return max(0.0, float(self.cfg.graceful_timeout - LEAVING))

    def load_wsgi(self) -> None:
        """Load the application, and see that nothing is wrong with its settings.

        Raises:
            AppImportError: one is, or it lets the whole network ask; with a sentence, and gunicorn ends.
        """
        try:
            super().load_wsgi()
            refuse_application(self.service, addresses_of(self.sockets))
            # Not in the master: it has no patches of gevent's, and what it imports for a Redis has none in workers.
            if self.served is not None and not self.served.has_begun:
                self.service.store.check_configuration(is_first=self.age == 1)
        except ConfigurationError as error:
            raise AppImportError(f"Headrace cannot start. {error.message}") from None

    def run(self) -> None:
        """Serve, with a connection for each stream that may be open, and some for whoever is to be turned away."""
        most = self.service.streams.max_streams
        told = raise_file_limit(most)
        if told and self.age == 1:  # the first of all tells it for all
            self.log.warning(told)
        self.worker_connections = min(most + 100, most_connections())
        if self.served is not None:
            self.served.begin(is_alone=self.service.store.is_process_local)
        super().run()
        # gunicorn has waited for requests alone: streams whose readers are away have their end by `drain`, too.
        self.service.streams.drain(self.longest_drain)

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
        if len(self.clients) > self.worker_connections - SPARE:
            # Who only holds a connection must not keep out who asks something. Each is cut once: many may come before
            # the first of them has gone.
            longest_idle = next(iter(self.idle))
            del self.idle[longest_idle]
            cut([longest_idle])
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
                linger(sock)
        if req.unreader.buf.tell():
            gevent.sleep(0)  # many requests may have come in one piece
        self.idle[sock] = None
        if not self.alive:
            self.cut_idle()

    def drain(self) -> None:
        """Let streams finish, end the rest, then cut what still holds the worker up: bodies and slow readers."""
        # gunicorn would accept connections for up to a second more, which other workers could serve.
        for server in Server.all:
            server.close()
        self.cut_idle()
        self.service.streams.drain(min(self.service.drain, self.longest_drain))
        gevent.sleep(LAST_WORDS)
        cut(self.clients)

    def cut_idle(self) -> None:
        """Cut off connections that ask nothing; those whose request has arrived are answered first."""
        cut([client for client in self.idle if not is_asking(client)])


ggevent.StreamServer, wsgi.Response = Server, Response


def is_asking(client: Any) -> bool:  # noqa: ANN401  # gevent's socket, or the ssl module's
    """Whether something has come in on a connection that was not read yet."""
    try:
        return bool(getattr(client, "_sock", client).recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False


def linger(client: Any) -> None:  # noqa: ANN401  # gevent's socket, or the ssl module's
    """Let a client that is still sending read its answer: closed at once, the connection would take that along."""
    with contextlib.suppress(OSError), gevent.Timeout(LINGER, False):
        client.shutdown(socket.SHUT_WR)
        left = MOST_LINGERED
        while left > 0 and (data := client.recv(65536)):
            left -= len(data)
            gevent.sleep(0)


def cut(clients: Iterable[Any]) -> None:
    """Cut off connections, also where a greenlet waits in one."""
    for client in list(clients):
        with contextlib.suppress(OSError):
            getattr(client, "_sock", client).shutdown(socket.SHUT_RDWR)
