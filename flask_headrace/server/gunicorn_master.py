"""gunicorn's master as Headrace needs it: no slip of an operator's, no full disk and no bad worker ends the service.

`gunicorn.conf.py` uses it. It knows gunicorn's signals and processes; what is right and what is wrong is
`start_checks.py`'s.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import tempfile
import time
import traceback
from typing import Any, NoReturn

from gevent import monkey
from gunicorn.app import base
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from ..core.errors import ConfigurationError
from . import shared_metrics
from .open_access import format_address, listening_addresses
from .served_application import check_application, extension_state
from .start_checks import check_before_start, reject_preloading
from .worker_reports import WorkerReports

RELOAD_CHECK_TIMEOUT = 60.0
"""Seconds that a trial of a reload may take; gunicorn gives a worker as long to start."""

RESPAWN_DELAY = 5.0
"""Seconds before a worker is tried again that could not be started."""

MAX_RESULT_BYTES = 4000
"""Bytes that a trial tells: no more than a pipe takes in one piece."""

CHECK_PASSED = "All is well."

CANNOT_START = "Headrace cannot start. "

UNREADABLE_CONFIGURATION = "gunicorn's configuration cannot be read; what Python said of it stands above."


class Master(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's master, which tries a reload before it does it, and goes on where a worker cannot start.

    Attributes:
        served: What the workers have told it.
    """

    def __init__(self, app: Any) -> None:  # noqa: ANN401
        self.reports = WorkerReports()
        self._next_spawn_at = 0.0
        super().__init__(app)
        # What a SIGUSR2 starts: gunicorn would leave `-m` out, and the folder of its own modules would hide Python's.
        self.START_CTX["args"] = [sys.executable, *sys.orig_argv[1:]]

    def setup(self, app: Any) -> None:  # noqa: ANN401
        """Take over a configuration."""
        try:
            reject_preloading(app.cfg)  # before it is done
        except ConfigurationError as error:
            sys.exit(f"{CANNOT_START}{error.message}")
        super().setup(app)

    def handle_hup(self) -> None:
        """Reload, unless that would leave nothing that serves."""
        problem = self._check_reload()
        if problem is not None:
            self.log.error("The reload is refused, and all goes on as before it. %s", problem)
            return
        self._next_spawn_at = 0.0
        super().handle_hup()

    def handle_ttin(self) -> None:
        """Start one more worker, unless it could not know of the streams of the only one there is."""
        if not self.reports.has_served:
            self.log.error("No further worker is started: the first has not loaded the application. Try again later.")
            return
        if self.reports.has_memory_store:
            self.log.error(
                "No second worker is started: the first keeps resumable streams in its memory. Start the service with "
                "WEB_CONCURRENCY=2, or name a store that both reach, as in HEADRACE_STORE=sqlite:///streams.db."
            )
            return
        counts_alone = shared_metrics.VARIABLE not in os.environ
        self.num_workers += 1
        for _ in range(self.num_workers if counts_alone else 1):
            self.spawn_worker()
        self.manage_workers()  # which lets the oldest go that is too many: the one that counts for itself

    def spawn_workers(self) -> None:
        """Start the workers that are missing, after a pause where one could not be started."""
        if time.monotonic() >= self._next_spawn_at:
            super().spawn_workers()

    def spawn_worker(self) -> int | None:
        """Start a worker; return its process id, or None where there is no room for it now."""
        try:
            pid: int = super().spawn_worker()
        except OSError as error:
            self._continue_or_halt(f"No worker could be started ({error}).", 1)
            return None
        return pid

    def reap_workers(self) -> None:
        """Take note of the workers that have ended."""
        try:
            super().reap_workers()
        except HaltServer as halt:
            self._continue_or_halt(halt.reason, halt.exit_status)

    def _continue_or_halt(self, reason: str, status: int) -> None:
        """Go on without a worker that could not start, where others could; there may be some that serve."""
        if not self.reports.has_served:
            raise HaltServer(reason, status)
        self._next_spawn_at = time.monotonic() + RESPAWN_DELAY
        self.log.error("%s The others go on; it is tried again in %g s, and at a reload.", reason, RESPAWN_DELAY)

    def _check_reload(self) -> str | None:
        """Load what a reload would load, in a process that serves nobody; return what is wrong with it, or None."""
        try:
            reading, writing = os.pipe()
        except OSError as error:
            return f"The application cannot be tried ({error})."
        try:
            pid = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            return f"The application cannot be tried ({error})."
        if pid == 0:
            os.close(reading)
            self._run_check(writing)
        os.close(writing)
        try:
            return _read_check_result(reading, pid)
        finally:
            os.close(reading)

    def _run_check(self, writing: int) -> NoReturn:
        """Load it, tell what is wrong, and end this process: whatever happens, it must not go on as a second master."""
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
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is told
            with contextlib.suppress(OSError):  # the log's disk may be full
                traceback.print_exc()
            return f"The application cannot be loaded ({type(error).__name__}: {error})."
        return CHECK_PASSED

    def _load_application(self) -> None:
        bound = [address for address in self.cfg.address if isinstance(address, tuple)]
        self.app.reload()
        cfg = self.app.cfg
        os.environ.update(cfg.env)
        os.environ["WEB_CONCURRENCY"] = str(cfg.workers)
        addresses = (
            listening_addresses(self.LISTENERS)
            if self.systemd
            else [format_address(address) for address in cfg.address]
        )
        logging.disable()  # what is loaded here says nothing that a worker will not say again
        check_before_start(cfg, self.app.app_uri, None if self.systemd else bound)
        monkey.patch_all()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            if shared_metrics.VARIABLE in os.environ:
                os.environ[shared_metrics.VARIABLE] = folder  # this process is none that is counted
            state = extension_state(self.app.wsgi(), self.app.app_uri)
            check_application(state, addresses)
            state.store.refuse_mistakes(is_first=False)


def _read_check_result(reading: int, pid: int) -> str | None:
    """Wait for what a process tells that tries a reload, and end it; return what is wrong, or None."""
    # Not until the pipe's end: processes that the application has begun may have it open for as long as they live.
    has_result = bool(select.select([reading], [], [], RELOAD_CHECK_TIMEOUT)[0])
    result = os.read(reading, MAX_RESULT_BYTES).decode(errors="replace") if has_result else ""
    if not has_result or result:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not has_result:
        return f"The application has not been loaded within {RELOAD_CHECK_TIMEOUT:g} s."
    if not result:
        return f"The process that tried it has died with exit code {os.waitstatus_to_exitcode(status)}."
    return None if result == CHECK_PASSED else result


def install() -> None:
    """Have gunicorn run this master. Its configuration is read before it makes one."""
    base.Arbiter = Master
