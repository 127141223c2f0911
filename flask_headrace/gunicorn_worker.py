"""gunicorn's gevent worker as Headrace needs it: tokens leave at once, nobody holds it up, and it lets streams finish.

`gunicorn.conf.py` uses it, also for an application of one's own, and sees to its drain.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import resource
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

from .blueprints.unread import is_unread
from .open_door import addresses_of, refuse_open_door
from .streaming.errors import ConfigurationError

GONE = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH}
"""What a write says to a reader that is gone without a word. gunicorn would log each with a stack trace."""

LAST_WORDS = 2.0
"""Seconds in which a reader may take what is left of its stream, after the drain."""

LEAVING = 5.0
"""Seconds that a worker may take to leave after its drain: last words, and what gunicorn looks at once a second."""

LINGER, MOST_LINGERED = 1.0, 4 * 1024 * 1024
"""Seconds, and bytes, for which a client that is refused may go on sending before it reads why."""


RESERVED_FILES = 64
"""Open files of a worker beside its connections: listeners, logs, the store, checks, whoever is to be turned away."""

FILES_OF_A_STREAM = 2
"""The connection of its reader, and the one to its model."""

SPARE = 8
"""Connections that are kept free for those who come: before the last ones are taken, idle ones are closed."""


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
        has_booted: A byte that its master sees, not 0 once a worker has served; None for a master that has none.
    """

    has_booted: mmap.mmap | None = None
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
        try:
            return self.wsgi.extensions["headrace"]
        except (AttributeError, KeyError):
            raise ConfigurationError(
                f"{self.app.app_uri} is {self.wsgi!r:.100}, and no Flask application with Headrace in it: name that "
                "one, and put what wraps it around its wsgi_app."
            ) from None

    @property
    def longest_drain(self) -> float:
        """Seconds that a drain can take before gunicorn's master, which does not know the application, kills."""
        return max(0.0, float(self.cfg.graceful_timeout - LEAVING))

    def load_wsgi(self) -> None:
        """Load the application, and see that it does not let the whole network ask.

        Raises:
            AppImportError: a setting of its is wrong, or it does; with a sentence, and gunicorn ends.
        """
        try:
            super().load_wsgi()
            if self.service.is_open:
                refuse_open_door(addresses_of(self.sockets))
        except ConfigurationError as error:
            raise AppImportError(f"Headrace cannot start. {error.message}") from None

    def run(self) -> None:
        """Serve, with a connection for each stream that may be open, and some for whoever is to be turned away."""
        self.worker_connections = min(self.service.streams.most + 100, most_connections())
        if self.has_booted is not None:
            self.has_booted[0] = 1
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
            # Who only holds a connection must not keep out who asks something.
            cut([next(iter(self.idle))])
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


def most_connections() -> int:
    """Return how many connections a worker may have, for its limit of open files."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(2 * SPARE, (limit - RESERVED_FILES) // FILES_OF_A_STREAM)


def raise_file_limit(streams: int) -> str | None:
    """Raise this process's limit of open files to what so many streams need, as far as it may be raised.

    Returns:
        A sentence where that is not far enough; None where it is.
    """
    needed = FILES_OF_A_STREAM * (streams + 100) + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft >= needed:
        return None
    return (
        f"The limit of open files is {soft}: a worker serves {most_connections()} connections at once with it, and "
        f"HEADRACE_MAX_STREAMS is {streams}, which needs {needed}. Raise it (ulimit -n, or LimitNOFILE= of systemd)."
    )


def cut(clients: Iterable[Any]) -> None:
    """Cut off connections, also where a greenlet waits in one."""
    for client in list(clients):
        with contextlib.suppress(OSError):
            getattr(client, "_sock", client).shutdown(socket.SHUT_RDWR)
