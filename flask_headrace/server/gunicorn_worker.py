"""gunicorn's gevent worker for Headrace: sends tokens at once, cuts off slow clients, and lets streams finish.

`gunicorn.conf.py` uses it, also for a host application, and calls `Worker.drain` when the worker must end.
"""

from __future__ import annotations

import errno
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

import gevent
import gevent.socket
from gevent.event import Event
from gevent.server import StreamServer
from gunicorn.http import wsgi
from gunicorn.workers import ggevent

from ..blueprints.http.unread_body import is_unread
from ..core.errors import ConfigurationError
from .connections import discard_incoming, is_quiet, shutdown_connections
from .log_output import configured_by_application
from .open_access import listening_addresses
from .open_files import SPARE_CONNECTIONS, max_connections, raise_file_limit
from .served_application import check_application, extension_state
from .start_errors import end_worker
from .worker_reports import WorkerReports

DISCONNECT_ERRNOS = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH}
"""Errors of a write to a client that disappeared without closing. gunicorn would log each with a stack trace."""

FINAL_FLUSH_TIMEOUT = 2.0
"""Seconds after the drain in which clients may read the rest of their streams."""

EXIT_TIMEOUT = 5.0
"""Seconds between a worker's drain and its exit: the final flush, and gunicorn's check once a second."""

REPORT_TIMEOUT = 0.3
"""Seconds after a worker's SIGTERM in which it learns from its master whether the whole service ends."""

FIRST_REQUEST_TIMEOUT = 0.5
"""Seconds after a worker has stopped to accept connections in which the first requests of accepted ones may arrive."""


class ClientSocket(gevent.socket.socket):  # type: ignore[misc]  # untyped
    """A client's socket whose `sendall` first tries to send without waiting, and whose `recv` lets other greenlets run.

    gevent's `sendall` makes a system call for the buffer's size each time, so once for every token. gevent's `recv`
    does not switch while data is available: a client that never stops sending would block all others.
    """

    __slots__ = ("_received_without_waiting",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # as in the base class
        super().__init__(*args, **kwargs)
        self._received_without_waiting = False

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401
        """Send all of `data`.

        Raises:
            OSError: the connection broke; ConnectionResetError for the errors in DISCONNECT_ERRNOS.
        """
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
            raise ConnectionResetError(errno.ECONNRESET, f"the client is gone: {error}") from error

    def recv(self, *args: Any) -> bytes:  # noqa: ANN401
        """Receive as `socket.recv` does; let other greenlets run between two reads that need no wait."""
        try:
            data: bytes = self._sock.recv(*args)
        except BlockingIOError:
            self._received_without_waiting = False
            waited: bytes = super().recv(*args)
            return waited
        # 8 KiB can be a thousand chunks; most requests are a single read.
        if self._received_without_waiting:
            gevent.sleep(0)
        self._received_without_waiting = True
        return data


class Response(wsgi.Response):  # type: ignore[misc]  # untyped
    """gunicorn's response, with a fast path for the chunks of a stream."""

    def write(self, arg: bytes) -> None:
        """Send the next bytes of the body, as a chunk if the response is chunked."""
        if arg and self.headers_sent and self.chunked:
            self.sent += len(arg)
            self.sock.sendall(b"%X\r\n%b\r\n" % (len(arg), arg))
        else:
            super().write(arg)

    def should_close(self) -> bool:
        """Whether the connection closes after this response; also if the request's body was not read completely."""
        return is_unread(self.req.body) or super().should_close()


class Server(StreamServer):  # type: ignore[misc]  # untyped
    """gunicorn's server of one listening socket, which goes on when gunicorn closes it: the worker stops it.

    Attributes:
        instances: All servers of this process.
    """

    instances: ClassVar[list[Server]] = []

    def __init__(self, listener: Any, handle: partial[None], **kwargs: Any) -> None:  # noqa: ANN401  # as in the base class
        # gunicorn calls `getsockname` for each new connection, when the listener may already be closed.
        name = listener.getsockname()
        named = SimpleNamespace(getsockname=lambda: name)
        super().__init__(listener, handle=partial(handle.func, named), **kwargs)
        self.instances.append(self)

    def close(self) -> None:
        """Do nothing: gunicorn closes all servers within a second after the worker must leave."""

    def stop_listening(self) -> None:
        """Close the listening socket. Idempotent."""
        super().close()


class Worker(ggevent.GeventWorker):  # type: ignore[misc]  # untyped
    """gunicorn's gevent worker, which uses `ClientSocket`, and exits when its streams have ended.

    Attributes:
        reports: Where it reports to its master; None if the master is not `Master`.
        clients: The sockets of all open connections.
        idle: The sockets without a request that is being handled, the longest idle first, each with whether it has
            had a request before.
    """

    reports: WorkerReports | None = None
    wsgi: Any
    _is_quitting = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # as in the base class
        super().__init__(*args, **kwargs)
        self.clients: set[Any] = set()
        self.idle: dict[Any, bool] = {}

    @property
    def state(self) -> Any:  # noqa: ANN401
        """The extension's state in the loaded application. Its settings may differ from the environment's.

        Raises:
            ConfigurationError: the loaded object is not a Flask application with the extension.
        """
        return extension_state(self._application, self.app.app_uri)

    @property
    def max_drain(self) -> float:
        """Maximum seconds for a drain: gunicorn's graceful timeout, after which the master kills, less EXIT_TIMEOUT."""
        return max(0.0, float(self.cfg.graceful_timeout - EXIT_TIMEOUT))

    def load_wsgi(self) -> None:
        """Load the application and check its settings.

        Exits if a setting is wrong, or the application is open to the network without a key; gunicorn's master ends.
        """
        try:
            with configured_by_application(self.log):
                super().load_wsgi()
            self._application = self.wsgi
            check_application(self.state, listening_addresses(self.sockets))
            # The method itself: the call of an object costs each request a deeper stack, which it keeps while it waits.
            self.wsgi = self._application.__call__
            # Not in the master: gevent has not patched it, and workers would inherit its unpatched imports for Redis.
            # The first worker always does: another may have begun to serve before it, and only the first one logs it.
            is_first = self.age == 1
            if self.reports is not None and (is_first or not self.reports.has_served):
                self.state.store_availability.check_configuration(is_first=is_first)
        except ConfigurationError as error:
            end_worker(error)

    def run(self) -> None:
        """Serve, with a connection for each allowed stream, and some more for requests that are rejected."""
        max_streams = self.state.streams.max_streams
        warning = raise_file_limit(max_streams)
        if warning and self.age == 1:  # only the first worker logs it
            self.log.warning(warning)
        self.worker_connections = min(max_streams + 100, max_connections())
        if self.reports is not None:
            self.reports.report_serving(has_memory_store=self.state.store_availability.is_process_local)
        self._has_drained = Event()
        super().run()
        # gunicorn has waited for requests only: `drain` also ends streams without readers.
        while not self._has_drained.wait(1.0):
            self.notify()

    def handle_quit(self, sig: int, frame: Any) -> None:  # noqa: ANN401
        """Exit at once. A second signal is ignored: Ctrl-C reaches a worker directly and through the master."""
        if not self._is_quitting:
            self._is_quitting = True
            super().handle_quit(sig, frame)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:  # noqa: ANN401
        """Serve one connection until it closes; close the longest idle one if too many are open."""
        if type(client) is gevent.socket.socket:
            client = ClientSocket(client.family, client.type, client.proto, fileno=client.detach())
        self.clients.add(client)
        self.idle[client] = False
        if len(self.clients) > self.worker_connections - SPARE_CONNECTIONS:
            # Idle connections must not block new requests. Each is shut down once: many clients may connect before the
            # first idle one has closed.
            longest_idle = next(iter(self.idle))
            del self.idle[longest_idle]
            shutdown_connections([longest_idle])
        try:
            super().handle(listener, client, addr)
        finally:
            self.clients.discard(client)
            self.idle.pop(client, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:  # noqa: ANN401
        """Serve one request of a connection; then discard input that the application did not read."""
        self.idle.pop(sock, None)
        try:
            super().handle_request(listener_name, req, sock, addr)
        finally:
            if is_unread(req.body):
                discard_incoming(sock)
        if req.unreader.buf.tell():
            gevent.sleep(0)  # further pipelined requests are buffered: let other greenlets run first
        self.idle[sock] = True
        if not self.alive and is_quiet(sock):
            shutdown_connections([sock])

    def drain(self) -> None:
        """Let streams finish, end the rest, then close the other connections: unfinished bodies and slow readers.

        If the whole service ends, the worker goes on to accept connections meanwhile, so that readiness checks and new
        requests get a 503. Otherwise other workers accept them, so this one must not.
        """
        try:
            if not self._is_service_ending():
                self._stop_listening()
                self._await_first_requests()
            shutdown_connections(client for client, is_kept in list(self.idle.items()) if is_kept and is_quiet(client))
            self.state.streams.drain(min(self.state.drain_timeout, self.max_drain))
            self._stop_listening()
            shutdown_connections(client for client in list(self.idle) if is_quiet(client))
            with gevent.Timeout(FINAL_FLUSH_TIMEOUT, False):
                while self.clients:
                    gevent.sleep(0.02)
            shutdown_connections(self.clients)
        finally:
            self._has_drained.set()

    def _is_service_ending(self) -> bool:
        # systemd sends SIGTERM to all processes at once: the master's report may come a moment later.
        if self.reports is None:
            return False
        with gevent.Timeout(REPORT_TIMEOUT, False):
            while not self.reports.is_ending:
                gevent.sleep(0.02)
        return self.reports.is_ending

    def _await_first_requests(self) -> None:
        # This worker has accepted connections whose first request is still on its way: nobody else can answer it.
        with gevent.Timeout(FIRST_REQUEST_TIMEOUT, False):
            gevent.sleep(0.02)  # accepted connections are not in `idle` yet
            while not all(self.idle.values()):
                gevent.sleep(0.02)

    @staticmethod
    def _stop_listening() -> None:
        for server in Server.instances:
            server.stop_listening()


ggevent.StreamServer, wsgi.Response = Server, Response
