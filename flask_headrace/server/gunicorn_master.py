"""gunicorn's master for Headrace: an operator's error, a full disk or a failing worker must not end the service.

`gunicorn.conf.py` installs it. This module handles gunicorn's signals and processes; the checks themselves are in
`start_checks.py`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Collection
from typing import Any, NoReturn

from gevent import monkey
from gunicorn.app import base
from gunicorn.app.base import Application
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.sock import close_sockets

from ..core.errors import ConfigurationError
from . import shared_metrics
from .open_access import format_address, listening_addresses
from .served_application import check_application, extension_state
from .start_checks import Address, check_before_start, reject_preloading
from .start_errors import CANNOT_START
from .worker_reports import WorkerReports

RELOAD_CHECK_TIMEOUT = 60.0
"""Seconds in which the check before a reload must finish; gunicorn's limit for a worker's start is the same."""

RESPAWN_DELAY = 5.0
"""Seconds before the next attempt to start a worker after a failed one."""

MAX_RESULT_BYTES = 4000
"""Maximum bytes of a check's result: at most what a pipe accepts in one write."""

CHECK_PASSED = "All is well."

UNREADABLE_CONFIGURATION = "gunicorn's configuration cannot be read; see Python's message above."


class Master(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's master, which checks a reload before it does it, and continues if a worker cannot start.

    Attributes:
        reports: What the workers report to it.
    """

    LISTENERS: list[Any]

    def __init__(self, app: Any) -> None:  # noqa: ANN401
        self.reports = WorkerReports()
        self._next_spawn_at = 0.0
        self._is_stopping = False
        super().__init__(app)
        # The command of SIGUSR2: gunicorn would omit `-m`, and the folder of its modules would shadow Python's modules.
        self.START_CTX["args"] = [sys.executable, *sys.orig_argv[1:]]

    def setup(self, app: Any) -> None:  # noqa: ANN401
        """Apply a configuration. With `preload_app`, exit with a message."""
        try:
            reject_preloading(app.cfg)  # before gunicorn preloads
        except ConfigurationError as error:
            sys.exit(f"{CANNOT_START}{error.message}")
        super().setup(app)

    def handle_hup(self) -> None:
        """Reload (SIGHUP), unless the check shows that the new workers could not start."""
        problem = self._check_reload()
        if problem is not None:
            self.log.error("The reload is rejected, and the service continues unchanged. %s", problem)
            return
        self._next_spawn_at = 0.0
        super().handle_hup()

    def handle_ttin(self) -> None:
        """Start one more worker (SIGTTIN), unless the only one keeps its resumable streams in memory."""
        if not self.reports.has_served:
            self.log.error(
                "No further worker is started: the first one has not loaded the application yet. Try again later."
            )
            return
        if self.reports.has_memory_store:
            self.log.error(
                "No second worker is started: the first keeps resumable streams in its memory. Start the service with "
                "WEB_CONCURRENCY=2, or set a store that workers share, such as HEADRACE_STORE=sqlite:///streams.db."
            )
            return
        counts_alone = shared_metrics.VARIABLE not in os.environ
        self.num_workers += 1
        for _ in range(self.num_workers if counts_alone else 1):
            self.spawn_worker()
        self.manage_workers()  # ends the oldest surplus worker: the one whose metrics are not shared

    def spawn_workers(self) -> None:
        """Start the missing workers, but not before RESPAWN_DELAY after a failure."""
        if time.monotonic() >= self._next_spawn_at:
            super().spawn_workers()

    def spawn_worker(self) -> int | None:
        """Start a worker; return its process id, or None if the system could not start a process."""
        try:
            pid: int = super().spawn_worker()
        except OSError as error:
            self._continue_or_halt(f"No worker could be started ({error}).", 1)
            return None
        return pid

    def reap_workers(self) -> None:
        """Handle workers that have ended."""
        try:
            super().reap_workers()
        except HaltServer as halt:
            # While the master halts, the remaining workers may fail to start, too.
            if not self._is_stopping:
                self._continue_or_halt(halt.reason, halt.exit_status)

    def stop(self, graceful: bool = True) -> None:  # gunicorn's signature
        """Stop all workers. They answer readiness checks until they have ended, unless others take their place."""
        self._is_stopping = True
        kept = []
        if graceful and not self._shares_listeners():
            self.reports.report_ending()
            # gunicorn would remove the path of a Unix socket now, and nobody could connect to the workers any more.
            kept = [listener for listener in self.LISTENERS if listener.FAMILY == socket.AF_UNIX]
            self.LISTENERS = [listener for listener in self.LISTENERS if listener not in kept]
        super().stop(graceful)
        close_sockets(kept)

    def _shares_listeners(self) -> bool:
        """Whether another process may accept the connections of the same addresses when this service has ended."""
        is_upgrade = self.reexec_pid or self.master_pid
        are_inherited = self.systemd or any(isinstance(address, int) for address in self.cfg.address)
        return bool(is_upgrade or are_inherited or self.cfg.reuse_port)

    def _continue_or_halt(self, reason: str, status: int) -> None:
        """Continue without a worker that could not start, if one has served before; else raise HaltServer."""
        if not self.reports.has_served:
            raise HaltServer(reason, status)
        self._next_spawn_at = time.monotonic() + RESPAWN_DELAY
        self.log.error(
            "%s The other workers continue; the next attempt is in %g s, or at a reload.", reason, RESPAWN_DELAY
        )

    def _check_reload(self) -> str | None:
        """Load the new configuration and application in a forked process; return the problem as text, or None."""
        try:
            reading, writing = os.pipe()
        except OSError as error:
            return f"The application cannot be checked ({error})."
        try:
            pid = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            return f"The application cannot be checked ({error})."
        if pid == 0:
            os.close(reading)
            self._run_check(writing)
        os.close(writing)
        try:
            return _read_check_result(reading, pid)
        finally:
            os.close(reading)

    def _run_check(self, writing: int) -> NoReturn:
        """Write the check's result to the pipe `writing`, and exit: this process must not become a second master."""
        try:
            os.write(writing, self._find_problem().encode(errors="replace")[:MAX_RESULT_BYTES])
        finally:
            os._exit(1)

    def _find_problem(self) -> str:
        try:
            self._load_application()
        except ConfigurationError as error:
            return error.message
        except SystemExit as error:
            return (
                str(error.code).removeprefix(CANNOT_START) if isinstance(error.code, str) else UNREADABLE_CONFIGURATION
            )
        except BaseException as error:  # noqa: BLE001  # every error is reported
            with contextlib.suppress(OSError):  # the disk with the log may be full
                traceback.print_exc()
            return f"The application cannot be loaded ({type(error).__name__}: {error})."
        return CHECK_PASSED

    def _load_application(self) -> None:
        bound = [address for address in self.cfg.address if isinstance(address, tuple)]
        self.app.reload()
        addresses = listening_addresses(self.LISTENERS) if self.systemd else None
        logging.disable()  # the workers will log the same messages
        _check_application(self.app, None if self.systemd else bound, addresses)


def _read_check_result(reading: int, pid: int) -> str | None:
    """Wait for the result of the checking process `pid` and end it; return the problem as text, or None."""
    # Read once, not to the pipe's end: child processes of the application may keep the pipe open.
    has_result = bool(select.select([reading], [], [], RELOAD_CHECK_TIMEOUT)[0])
    result = os.read(reading, MAX_RESULT_BYTES).decode(errors="replace") if has_result else ""
    if not has_result or result:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not has_result:
        return f"The application was not loaded within {RELOAD_CHECK_TIMEOUT:g} s."
    if not result:
        return f"The checking process ended with exit code {os.waitstatus_to_exitcode(status)}."
    return None if result == CHECK_PASSED else result


def _check_application(
    application: WSGIApplication, bound: Collection[Address] | None, addresses: list[str] | None = None
) -> None:
    """Load an application in a process that serves no requests, and check all that could prevent the start.

    Args:
        application: gunicorn's application, with its configuration.
        bound: Addresses that need not be free; None if the sockets are inherited.
        addresses: The listening addresses; None for those of the configuration.

    Raises:
        ConfigurationError: a check failed.
    """
    cfg = application.cfg
    os.environ.update(cfg.env)
    name = str(application.app_uri)
    check_before_start(cfg, name, bound)
    monkey.patch_all()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if shared_metrics.VARIABLE in os.environ:
            os.environ[shared_metrics.VARIABLE] = folder  # this process must not appear in the metrics
        state = extension_state(application.wsgi(), name)
        check_application(state, addresses or [format_address(address) for address in cfg.address])
        state.store_availability.check_configuration(is_first=False)


def _run(application: WSGIApplication) -> None:
    """Run gunicorn; with `--check-config` or `--print-config`, also find what would prevent the start."""
    cfg = application.cfg
    if not (cfg.check_config or cfg.print_config):
        Application.run(application)
        return
    if cfg.print_config:
        print(cfg)  # noqa: T201  # as gunicorn does
    # gunicorn itself would extend the path only when it serves.
    sys.path[:0] = [os.path.abspath(path) for path in (cfg.pythonpath or "").split(",") if path]
    try:
        _check_application(application, [address for address in cfg.address if isinstance(address, tuple)])
    except ConfigurationError as error:
        sys.exit(f"{CANNOT_START}{error.message}")
    except Exception:  # noqa: BLE001  # any exception of the application
        traceback.print_exc()
        sys.exit("The application cannot be loaded; see Python's message above.")
    sys.exit(0)


def install() -> None:
    """Make gunicorn use `Master`, and `--check-config` check everything.

    Call it from the configuration file, which is read before a master is created.
    """
    base.Arbiter = Master
    WSGIApplication.run = _run
