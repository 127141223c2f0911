"""How gunicorn serves Headrace: gevent workers, the embedded model's process, and an end that lets streams finish."""

import contextlib
import errno
import gc
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from typing import ClassVar

import gevent.socket
from flask_headrace.providers.local import LocalModel, unavailable_reason
from flask_headrace.streaming.errors import ConfigurationError
from gevent.server import StreamServer
from gunicorn.http import wsgi
from gunicorn.workers import ggevent

from flask_headrace import Settings, stores, upstreams
from flask_headrace.application import refuse_open_door

GONE = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH}
"""What a write says to a reader that is gone without a word. gunicorn would log each with a stack trace."""

LAST_WORDS = 2.0
"""Seconds in which a reader may take what is left of its stream, after the drain."""

LEAVING = 5.0
"""Seconds that a worker may take to leave after its drain: last words, and what gunicorn looks at once a second."""


class ClientSocket(gevent.socket.socket):
    """A client's socket that tries to send before it waits: gevent's `sendall` asks the kernel once more each time."""

    __slots__ = ()

    def sendall(self, data, flags=0):
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


class Response(wsgi.Response):
    """gunicorn's response, which writes the chunks of a stream without asking anew how each is to be written."""

    def write(self, arg):
        """Send the next bytes of the body."""
        if arg and self.headers_sent and self.chunked:
            self.sent += len(arg)
            self.sock.sendall(b"%X\r\n%b\r\n" % (len(arg), arg))
        else:
            super().write(arg)


class Server(StreamServer):
    """gunicorn's server of one listening socket, which its worker can find."""

    all: ClassVar = []

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.all.append(self)


ggevent.StreamServer, wsgi.Response = Server, Response


class Worker(ggevent.GeventWorker):
    """gunicorn's gevent worker, with the socket above, which leaves when its streams have ended."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.clients, self.idle = set(), set()

    @property
    def service(self):
        """What the application's extension has set up: its settings, not the environment's, are those that hold."""
        return self.wsgi.extensions["headrace"]

    @property
    def longest_drain(self):
        """Seconds that a drain can take before gunicorn's master, which does not know the application, kills."""
        return max(0.0, self.cfg.graceful_timeout - LEAVING)

    def run(self):
        """Serve, with a connection for each stream that may be open, and some for whoever is to be turned away."""
        self.worker_connections = self.service.streams.most + 100
        super().run()
        # gunicorn has waited for requests alone: streams whose readers are away have their end by `drain`, too.
        self.service.streams.drain(self.longest_drain)

    def handle(self, listener, client, addr):
        """Serve one connection."""
        if type(client) is gevent.socket.socket:
            client = ClientSocket(client.family, client.type, client.proto, fileno=client.detach())
        self.clients.add(client)
        self.idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self.clients.discard(client)
            self.idle.discard(client)

    def handle_request(self, listener_name, req, sock, addr):
        """Serve one request of a connection."""
        self.idle.discard(sock)
        super().handle_request(listener_name, req, sock, addr)
        self.idle.add(sock)
        if not self.alive:
            cut(self.idle)

    def drain(self):
        """Let streams finish, end the rest, then cut what still holds the worker up: bodies and slow readers."""
        # gunicorn would accept connections for up to a second more, which other workers could serve.
        for server in Server.all:
            server.close()
        cut(self.idle)
        self.service.streams.drain(min(self.service.drain, self.longest_drain))
        gevent.sleep(LAST_WORDS)
        cut(self.clients)


def cut(clients):
    """Cut off connections, also where a greenlet waits in one."""
    for client in list(clients):
        with contextlib.suppress(OSError):
            getattr(client, "_sock", client).shutdown(socket.SHUT_RDWR)


def _settings():
    try:
        return Settings.from_mapping(os.environ)
    except ConfigurationError as error:
        sys.exit(f"Headrace cannot start. {error.message}")


def _refuse_what_is_wrong(addresses, application):
    try:
        refuse_open_door(addresses, settings)
        # Another application may have providers of its own, which the file may name.
        if application == wsgi_app:
            upstreams.catalogue(settings)
        return stores.warning(settings)
    except ConfigurationError as error:
        sys.exit(f"Headrace cannot start. {error.message}")


def _refuse_busy_port(address):
    host, port = address
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(
                f"Headrace cannot start. Its address is {_shown(address)}, which cannot be used ({error}): stop the "
                f"program that has it, or choose another, as in HEADRACE_BIND=127.0.0.1:8001 make run."
            )


def _shown(address):
    if not isinstance(address, tuple):
        return f"unix:{address}"
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _let_newborn_workers_be_ended():
    # Until it has set its own, a new worker has its master's signal handlers, which do nothing in it: a SIGTERM would
    # be lost, and the master would wait for that worker as long as it can.
    told = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}

    def begin():
        for number in told:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, told)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, told),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, told),
        after_in_child=begin,
    )


settings = _settings()

# Else each greenlet keeps the stack that it was spawned from: time at its start, and memory while it lives.
gevent.config.track_greenlet_tree = False

wsgi_app = "app:app"
bind = [address.strip() for address in settings.bind.split(",")]
worker_class = Worker
keepalive = 75
graceful_timeout = int(settings.drain) + 10
timeout = 60
control_socket_disable = True
loglevel = os.environ.get("LOG_LEVEL", "info")


def on_starting(server):
    """Look for what would stop the start, and let our log go where gunicorn's goes."""
    # Workers are told how many they are, also where the command line says it.
    os.environ["WEB_CONCURRENCY"] = str(server.cfg.workers)
    # What is bound in the end: the command line goes before the setting.
    addresses = [address for address in server.cfg.address if isinstance(address, tuple)]
    is_handed_down = {"GUNICORN_FD", "LISTEN_FDS"} & os.environ.keys()  # and busy by right
    told = [] if is_handed_down else [_shown(address) for address in addresses]
    warning = _refuse_what_is_wrong(told, server.app.app_uri)
    for address in () if is_handed_down else addresses:
        _refuse_busy_port(address)
    if server.cfg.workers > 1 and not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        # A scrape reaches one worker and is to be told of all. Afresh: what an earlier run left would be counted in.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = server.headrace_counts = tempfile.mkdtemp(prefix="headrace-metrics-")
    ours = logging.getLogger("flask_headrace")
    ours.setLevel(server.log.loglevel)
    ours.handlers = server.log.error_log.handlers
    ours.propagate = False
    if warning:
        ours.warning(warning)
    _let_newborn_workers_be_ended()


def when_ready(server):
    """Start the embedded model in the master, once for all workers, and say where the page is."""
    if settings.local:
        server.headrace_model = LocalModel(settings.local_model)
        server.headrace_model.start()
        reason = unavailable_reason(settings.local_model)
        if reason:
            server.log.warning(reason)
    for address in server.cfg.address:
        server.log.info("Headrace is at http://%s/", _shown(address))


def on_exit(server):
    """End the embedded model with the service, and clear away its workers' counts."""
    model = getattr(server, "headrace_model", None)
    if model is not None:
        model.stop()
    if counts := getattr(server, "headrace_counts", None):
        shutil.rmtree(counts, ignore_errors=True)


def child_exit(_server, worker):
    """Forget the open streams of a worker that is gone."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        # Not before: it decides while it is imported whether it counts for several processes.
        from prometheus_client import multiprocess  # noqa: PLC0415

        multiprocess.mark_process_dead(worker.pid)


def post_worker_init(worker):
    """Drain this worker's streams when it is told to leave, and import meanwhile what the first request needs.

    gunicorn's worker looks once a second whether it should stop, and then waits for its connections as long as its
    master does, which kills it: no stream would ever see its end.
    """

    def drain_in_time():
        while worker.alive:
            gevent.sleep(0.05)
        worker.drain()

    gevent.spawn(drain_in_time)
    worker.service.store.is_told |= worker.app.app_uri == wsgi_app  # by the master, when it started
    if worker.service.drain > worker.longest_drain:
        worker.log.warning(
            "HEADRACE_DRAIN is %g s in the application, and gunicorn kills a worker %g s after it is told to leave: "
            "streams have %g s to finish. Set HEADRACE_DRAIN in the environment, too.",
            *(worker.service.drain, worker.cfg.graceful_timeout, worker.longest_drain),
        )
    # In a thread: the SDKs take a second or two to import, and requests for the page need not wait for them.
    warming = gevent.get_hub().threadpool.spawn(worker.service.catalogue.warm_up)
    # The collector would look through all that the imports left behind again and again, for tens of milliseconds.
    warming.rawlink(lambda _: gc.freeze())


def worker_int(worker):
    """End this worker's streams at once: Ctrl-C gives a worker a tenth of a second."""
    worker.service.streams.drain(0)


def worker_exit(_server, _worker):
    """Let the interpreter take down what the collector was told to forget, in its usual order."""
    gc.unfreeze()
