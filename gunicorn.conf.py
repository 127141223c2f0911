"""How gunicorn serves Headrace: gevent workers, the embedded model's process, and an end that lets streams finish."""

import gc
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile

import gevent
from flask_headrace.providers.local import LocalModel, unavailable_reason
from flask_headrace.providers.own_thread import Errand
from flask_headrace.streaming.errors import ConfigurationError

from flask_headrace import Settings, stores, upstreams
from flask_headrace.gunicorn_worker import Worker, raise_file_limit
from flask_headrace.open_door import refuse_open_door, shown

LAST_IMPORT = 10.0
"""Seconds that a worker which leaves waits for what it still imports."""


def _settings():
    try:
        return Settings.from_mapping(os.environ)
    except ConfigurationError as error:
        sys.exit(f"Headrace cannot start. {error.message}")


def _refuse_what_is_wrong(addresses, application):
    try:
        # Another application may have keys or a login of its own, which its workers look for when they have loaded it,
        # and providers of its own, which the file may name.
        if application == wsgi_app:
            if not settings.api_keys:
                refuse_open_door(addresses)
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
                f"Headrace cannot start. Its address is {shown(address)}, which cannot be used ({error}): stop the "
                f"program that has it, or choose another, as in HEADRACE_BIND=127.0.0.1:8001 make run."
            )


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
    told = [] if is_handed_down else [shown(address) for address in addresses]
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
    for told in (warning, raise_file_limit(settings.max_streams)):
        if told:
            ours.warning(told)
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
        server.log.info("Headrace is at http://%s/", shown(address))


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
    worker.warming = Errand(worker.service.catalogue.warm_up)

    def warm_up():
        try:
            worker.warming.result()
        finally:
            # The collector would look through all that the imports left behind, again and again, for tens of
            # milliseconds.
            gc.freeze()

    gevent.spawn(warm_up)


def worker_int(worker):
    """End this worker's streams at once: Ctrl-C gives a worker a tenth of a second."""
    worker.service.streams.drain(0)


def worker_exit(_server, worker):
    """Let the interpreter take down what the collector was told to forget, in its usual order, and alone.

    A thread that imports meanwhile would end while the interpreter does, and the two could wait for each other.
    """
    if warming := getattr(worker, "warming", None):
        warming.wait(LAST_IMPORT)
    gc.unfreeze()
