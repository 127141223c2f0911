"""How gunicorn serves Headrace: gevent workers, the embedded model's process, and an end that lets streams finish."""

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
from flask_headrace.server import gunicorn_master, shared_metrics
from flask_headrace.server.gunicorn_worker import Worker
from flask_headrace.server.open_access import format_address
from flask_headrace.server.start_checks import check_before_start


def _settings():
    try:
        return Settings.from_mapping(os.environ)
    except ConfigurationError as error:
        sys.exit(f"Headrace cannot start. {error.message}")


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

gunicorn_master.install()
wsgi_app = "app:app"
bind = [address.strip() for address in settings.bind.split(",")]
worker_class = Worker
keepalive = 75
graceful_timeout = int(settings.drain) + 10
timeout = 60
control_socket_disable = True
loglevel = os.environ.get("LOG_LEVEL", "info")


def _share_counts(server):
    if not os.environ.get(shared_metrics.VARIABLE):
        # A scrape reaches one worker and is to be told of all. Afresh: what an earlier run left would be counted in.
        server.headrace_metrics_folder = os.path.join(tempfile.gettempdir(), f"headrace-metrics-{secrets.token_hex(8)}")
        os.environ[shared_metrics.VARIABLE] = server.headrace_metrics_folder  # made before each fork


def _prepare(server):
    if server.cfg.workers > 1:
        _share_counts(server)
    ours = logging.getLogger("flask_headrace")
    ours.setLevel(server.log.loglevel)
    ours.handlers = server.log.error_log.handlers
    ours.propagate = False


def on_starting(server):
    """Look for what would stop the start, and let our log go where gunicorn's goes."""
    # Workers are told how many they are, also where the command line says it.
    os.environ["WEB_CONCURRENCY"] = str(server.cfg.workers)
    is_handed_down = {"GUNICORN_FD", "LISTEN_FDS"} & os.environ.keys()  # and busy by right
    try:
        check_before_start(server.cfg, server.app.app_uri, None if is_handed_down else ())
    except ConfigurationError as error:
        sys.exit(f"Headrace cannot start. {error.message}")
    _prepare(server)
    _let_newborn_workers_be_ended()


def on_reload(server):
    """Prepare for workers as the start does; what would stop it was looked at before."""
    os.environ["WEB_CONCURRENCY"] = str(server.cfg.workers)
    _prepare(server)


def nworkers_changed(server, new_value, old_value):
    """Count together from the second worker on, which a SIGTTIN may ask for."""
    if old_value is not None and new_value > 1:
        _share_counts(server)


def pre_fork(server, worker):
    """Make anew what a worker needs and a cleaner may have removed."""
    worker.reports = server.reports
    shared_metrics.ensure_folder()


def pre_exec(server):
    """Let the service that a SIGUSR2 starts beside this one have a folder of its own."""
    if hasattr(server, "headrace_metrics_folder"):
        server.cfg.env_orig.pop(shared_metrics.VARIABLE, None)


def when_ready(server):
    """Start the embedded model in the master, once for all workers, and say where the page is."""
    if settings.local:
        server.embedded_model = EmbeddedModelSupervisor(settings.local_model)
        server.embedded_model.start()
        reason = unavailable_reason(settings.local_model)
        if reason:
            server.log.warning(reason)
    for address in server.cfg.address:
        server.log.info("Headrace is at http://%s/", format_address(address))


def on_exit(server):
    """End the embedded model with the service, and clear away its workers' counts."""
    model = getattr(server, "embedded_model", None)
    if model is not None:
        model.stop()
    if counts := getattr(server, "headrace_metrics_folder", None):
        shutil.rmtree(counts, ignore_errors=True)


def child_exit(_server, worker):
    """Forget the open streams of a worker that is gone."""
    if os.environ.get(shared_metrics.VARIABLE):
        # Not before: it decides while it is imported whether it counts for several processes.
        from prometheus_client import multiprocess  # noqa: PLC0415

        try:
            multiprocess.mark_process_dead(worker.pid)
        except OSError as error:  # which gunicorn's master would end of
            worker.log.warning("The metrics of worker %d go on to count its open streams: %s", worker.pid, error)


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
    if worker.state.drain > worker.max_drain:
        worker.log.warning(
            "HEADRACE_DRAIN is %g s in the application, and gunicorn kills a worker %g s after it is told to leave: "
            "streams have %g s to finish. Set HEADRACE_DRAIN in the environment, too.",
            *(worker.state.drain, worker.cfg.graceful_timeout, worker.max_drain),
        )
    # In a thread: the SDKs take a second or two to import, and requests for the page need not wait for them.
    worker.preload_task = ThreadTask(worker.state.catalogue.preload)

    def warm_up():
        try:
            worker.preload_task.result()
        finally:
            # The collector would look through all that the imports left behind, again and again, for tens of
            # milliseconds.
            gc.freeze()

    gevent.spawn(warm_up)


def worker_int(worker):
    """End this worker's streams at once: Ctrl-C gives a worker a tenth of a second."""
    worker.state.streams.drain(0)


def worker_exit(_server, worker):
    """Let the interpreter take down what the collector was told to forget, in its usual order.

    Not while a thread of this worker's imports: the two would wait for each other for ever. Nor is that waited for: on
    a busy machine it takes longer than an operator likes to.
    """
    if (preload_task := getattr(worker, "preload_task", None)) and not preload_task.is_done:
        code = getattr(sys.exc_info()[1], "code", 0)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else bool(code))
    gc.unfreeze()
