"""gunicorn's configuration: gevent workers, the embedded model's process, and a shutdown that lets streams finish."""

import atexit
import gc
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile

import gevent

from flask_headrace import Settings
from flask_headrace.core.errors import ConfigurationError
from flask_headrace.providers.embedded.supervisor import EmbeddedModelSupervisor, unavailable_reason
from flask_headrace.providers.http.native_thread import ThreadTask
from flask_headrace.server import gunicorn_master, log_output, shared_metrics
from flask_headrace.server.gunicorn_worker import Worker
from flask_headrace.server.open_access import format_address
from flask_headrace.server.start_checks import check_before_start
from flask_headrace.server.start_errors import CANNOT_START


def _settings():
    try:
        return Settings.from_mapping(os.environ)
    except ConfigurationError as error:
        sys.exit(f"{CANNOT_START}{error.message}")


def _handle_signals_in_new_workers():
    # A new worker first has its master's signal handlers, which do nothing in a worker: a SIGTERM at that moment would
    # be lost, and the master would wait for the worker until the timeout.
    exit_signals = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}

    def reset_handlers():
        for number in exit_signals:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, exit_signals)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, exit_signals),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, exit_signals),
        after_in_child=reset_handlers,
    )


settings = _settings()

# Otherwise each greenlet stores the stack that spawned it, which costs time at its start, and memory until its end.
gevent.config.track_greenlet_tree = False

gunicorn_master.install()
wsgi_app = "app:app"
bind = [address.strip() for address in settings.bind.split(",")]
worker_class = Worker
keepalive = 75
graceful_timeout = int(settings.drain) + 10
timeout = 60
control_socket_disable = True
loglevel = os.environ.get("LOG_LEVEL", "info")


def _share_metrics(server):
    if not os.environ.get(shared_metrics.VARIABLE):
        # A scrape reaches one worker, and must include all. The folder is new: an old one has stale files.
        server.headrace_metrics_folder = os.path.join(tempfile.gettempdir(), f"headrace-metrics-{secrets.token_hex(8)}")
        os.environ[shared_metrics.VARIABLE] = server.headrace_metrics_folder  # created before each fork


def _prepare(server):
    if server.cfg.workers > 1:
        _share_metrics(server)
    log_output.PACKAGE_LOG.setLevel(logging.NOTSET)  # a reload may have another level
    log_output.send_to_gunicorn(server.log.loglevel)


def on_starting(server):
    """Check what would prevent the start, and send Headrace's log to gunicorn's."""
    is_inherited = {"GUNICORN_FD", "LISTEN_FDS"} & os.environ.keys()  # sockets are inherited, so the ports are in use
    try:
        check_before_start(server.cfg, server.app.app_uri, None if is_inherited else ())
    except ConfigurationError as error:
        sys.exit(f"{CANNOT_START}{error.message}")
    _prepare(server)
    _handle_signals_in_new_workers()


def on_reload(server):
    """Prepare for workers as at the start; the master has checked the configuration before."""
    _prepare(server)


def nworkers_changed(server, new_value, old_value):
    """Share metrics as soon as there is a second worker, for example after SIGTTIN."""
    if old_value is not None and new_value > 1:
        _share_metrics(server)


def pre_fork(server, worker):
    """Connect the worker to its master's reports, and create the metrics folder again if it was removed."""
    worker.reports = server.reports
    shared_metrics.ensure_folder()


def pre_exec(server):
    """Give the service that SIGUSR2 starts its own metrics folder."""
    if hasattr(server, "headrace_metrics_folder"):
        server.cfg.env_orig.pop(shared_metrics.VARIABLE, None)


def when_ready(server):
    """Start the embedded model in the master, once for all workers, and log the service's URLs."""
    if settings.embedded:
        server.embedded_model = EmbeddedModelSupervisor(settings.embedded_model)
        server.embedded_model.start()
        reason = unavailable_reason(settings.embedded_model)
        if reason:
            server.log.warning(reason)
    for address in server.cfg.address:
        server.log.info("Headrace is at http://%s/", format_address(address))


def on_exit(server):
    """Stop the embedded model, and remove the metrics folder."""
    model = getattr(server, "embedded_model", None)
    if model is not None:
        model.stop()
    if folder := getattr(server, "headrace_metrics_folder", None):
        shutil.rmtree(folder, ignore_errors=True)


def child_exit(_server, worker):
    """Remove an ended worker's open streams from the metrics."""
    if os.environ.get(shared_metrics.VARIABLE):
        # Imported late: at import, it decides by the environment whether it is in multiprocess mode.
        from prometheus_client import multiprocess  # noqa: PLC0415

        try:
            multiprocess.mark_process_dead(worker.pid)
        except OSError as error:  # an exception here would end gunicorn's master
            worker.log.warning("The metrics still count the open streams of the ended worker %d: %s", worker.pid, error)


def post_worker_init(worker):
    """Start the greenlet that drains this worker's streams on shutdown, and preload what the first request needs.

    gunicorn's worker checks once a second whether it should stop, and then waits for its connections as long as the
    master does, which kills it: no stream would get its terminal event.
    """

    def drain_on_stop():
        while worker.alive:
            gevent.sleep(0.05)
        worker.drain()

    gevent.spawn(drain_on_stop)
    if worker.state.drain_timeout > worker.max_drain:
        worker.log.warning(
            "HEADRACE_DRAIN is %g s in the application, but gunicorn kills a worker %g s after it must stop: streams "
            "have %g s to finish. Set HEADRACE_DRAIN in the environment, too.",
            *(worker.state.drain_timeout, worker.cfg.graceful_timeout, worker.max_drain),
        )
    # In a thread: importing the SDKs takes a second or two, which other requests should not wait for.
    preload_task = ThreadTask(worker.state.registry.preload)

    def freeze_after_preload():
        try:
            preload_task.result()
        finally:
            # Otherwise the garbage collector would scan all imported modules again and again, for tens of
            # milliseconds each time.
            gc.freeze()

    gevent.spawn(freeze_after_preload)


def worker_int(worker):
    """End this worker's streams at once: after Ctrl-C a worker has a tenth of a second."""
    worker.state.streams.drain(0)


def worker_exit(_server, worker):
    """Exit a worker's process without the interpreter's shutdown.

    Native threads may still import an SDK, look up a host name that hangs, or destroy their event loop. The shutdown
    and such a thread can wait for each other forever, and the thread can take long on a busy machine.
    """
    if worker.pid != os.getpid():
        return  # gunicorn calls this hook in the master, too, for a worker that is gone
    code = getattr(sys.exc_info()[1], "code", 0)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else bool(code))
