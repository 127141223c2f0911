"""Supervisor of the embedded model: starts, restarts and stops one process for all workers.

`EmbeddedModelSupervisor` runs in the process that forks the workers, or in the process of a command. It knows neither
HTTP nor chat: requests go through the OpenAI provider to the address that `get_endpoint` returns.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import secrets
import shutil
import stat
import tempfile
import threading
import time
from pathlib import Path

import msgspec

from .availability import find_model_file, model_name, unavailable_reason
from .endpoint import (
    STATE_FOLDER_PREFIX,
    STATE_VARIABLE,
    EmbeddedModelUnavailable,
    Endpoint,
    Failed,
    Ready,
    Restarting,
    Starting,
    State,
    get_endpoint,
    is_supervised,
    read_state,
    wait_until_ready,
)
from .process import ModelProcess, ServerConfig

__all__ = [
    "CONTEXT_SIZE",
    "STATE_FOLDER_PREFIX",
    "STATE_VARIABLE",
    "EmbeddedModelSupervisor",
    "EmbeddedModelUnavailable",
    "Endpoint",
    "Ready",
    "Restarting",
    "ensure_started",
    "find_model_file",
    "get_endpoint",
    "model_name",
    "read_state",
    "unavailable_reason",
    "wait_until_ready",
]

CONTEXT_SIZE = 2048
"""Tokens of the embedded model's context, for prompt and answer together."""

_MIN_RESTART_DELAY, _MAX_RESTART_DELAY = 0.5, 30.0  # seconds before a restart; the delay doubles each time
_HEALTHY_RUNTIME = 60.0  # seconds of running after which the restart delay is reset
_LOAD_TIMEOUT = 300.0  # seconds in which a model must load
_HEARTBEAT_POLL_INTERVAL = 0.5  # seconds to wait for one heartbeat before the state file is checked
_UNRESPONSIVE_TIMEOUT = 5.0  # seconds without a heartbeat before the state becomes `Restarting`
_KILL_TIMEOUT = 15.0  # seconds without a heartbeat before the process is killed
_STOP_TIMEOUT = 2.0  # seconds to wait after SIGTERM, and again after SIGKILL

STATE_FILE_NAME = "state.json"
"""Name of the state file in its folder."""

_log = logging.getLogger(__name__)
_start_lock = threading.Lock()


def ensure_started(model_path: str | None = None, *, slots: int = 4) -> None:
    """Start the embedded model from this process and return at once; do nothing if it is supervised already.

    Args:
        model_path: A GGUF file; None or empty for the bundled model.
        slots: Number of concurrent answers.
    """
    model = EmbeddedModelSupervisor(model_path, slots=slots)
    with _start_lock:
        if read_state() is not None or is_supervised():
            return
        model.register()
    model.start()


class EmbeddedModelSupervisor:
    """Keeps the embedded model's process running from `start` to `stop`.

    Args:
        model_path: A GGUF file; None or empty for the bundled model.
        slots: Number of concurrent answers; further requests wait.
        context: Context size of one slot in tokens, for prompt and answer together.
    """

    def __init__(self, model_path: str | None = None, *, slots: int = 4, context: int = CONTEXT_SIZE) -> None:
        self._path, self._slots, self._context = model_path, slots, context
        self._supervisor_pid = 0
        self._published_state: State | None = Starting(0)  # differs from every real state; None after a failed write
        self._directory: Path | None = None
        self._process: ModelProcess | None = None
        self._thread = threading.Thread(target=self._supervise, name="embedded-model", daemon=True)
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def __repr__(self) -> str:
        state = "stopped" if self._stopping.is_set() else "running" if self._thread.is_alive() else "idle"
        return f"<EmbeddedModelSupervisor {model_name(self._path)} {state}, {self._slots} slots>"

    def register(self) -> None:
        """Create the state file and set the environment variable by which this process and its later forks find it.

        Idempotent.
        """
        if self._directory is None:
            self._supervisor_pid = os.getpid()
            # mkdtemp creates it with mode 0700: the state file contains the key.
            self._directory = Path(tempfile.mkdtemp(prefix=f"{STATE_FOLDER_PREFIX}{self._supervisor_pid}-"))
            os.environ[STATE_VARIABLE] = str(self._directory / STATE_FILE_NAME)
            self._publish_state(Starting(self._supervisor_pid))
            atexit.register(self.stop)

    def start(self) -> None:
        """Start the process and its supervision in a thread; return at once.

        A second call, or a call after `stop`, does nothing. If the model cannot run here, the state becomes `Failed`.
        """
        self.register()
        reason = unavailable_reason(self._path)
        if reason:
            self._publish_state(Failed(self._supervisor_pid, reason))
        elif not self._stopping.is_set() and self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """End the process within 4 seconds and remove the state file. Idempotent, also before `start`; never raises."""
        if os.getpid() != self._supervisor_pid:  # a forked worker inherits this atexit function
            return
        with self._lock:
            self._stopping.set()
        for end in (ModelProcess.terminate, ModelProcess.kill):
            if self._process and self._thread.is_alive():
                end(self._process)
                self._thread.join(_STOP_TIMEOUT)
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)
            if os.environ.get(STATE_VARIABLE) == str(self._directory / STATE_FILE_NAME):
                del os.environ[STATE_VARIABLE]

    def _supervise(self) -> None:
        delay = _MIN_RESTART_DELAY
        while not self._stopping.is_set():
            began = time.monotonic()
            reason = self._run_process()
            if time.monotonic() - began > _HEALTHY_RUNTIME:
                delay = _MIN_RESTART_DELAY
            if not self._stopping.is_set():
                self._publish_state(Restarting(self._supervisor_pid, reason))
                _log.warning("%s It will be restarted in %s s.", reason, delay)
            self._stopping.wait(delay)
            delay = min(delay * 2, _MAX_RESTART_DELAY)

    def _run_process(self) -> str:
        """Run the process once, until it ends; return one sentence that says how it ended."""
        try:
            with self._lock:
                if self._stopping.is_set():
                    return "The embedded model was stopped."
                self._process = ModelProcess()
        except OSError as error:
            return f"The embedded model could not be started ({error})."
        with self._process as process:
            orders = self._server_config()
            port = process.load(orders, _LOAD_TIMEOUT)
            if port:
                self._monitor(process, Ready(self._supervisor_pid, process.pid, port, orders.key))
            return process.wait()

    def _monitor(self, process: ModelProcess, ready: Ready) -> None:
        """Publish the state until the process ends; kill a process that sends no heartbeats."""
        missed_polls = 0  # count polls, not time: time also passes while the supervisor itself is stopped
        self._publish_state(ready)
        while (has_heartbeat := process.wait_for_heartbeat(_HEARTBEAT_POLL_INTERVAL)) is not None:
            missed_polls = 0 if has_heartbeat else missed_polls + 1
            if missed_polls * _HEARTBEAT_POLL_INTERVAL >= _KILL_TIMEOUT:
                process.kill_with_reason(f"The embedded model's process has not responded for {_KILL_TIMEOUT:g} s.")
                return
            if missed_polls * _HEARTBEAT_POLL_INTERVAL >= _UNRESPONSIVE_TIMEOUT:
                self._publish_state(Restarting(self._supervisor_pid, "The embedded model's process does not respond."))
            elif has_heartbeat:
                self._publish_state(ready)

    def _server_config(self) -> ServerConfig:
        return ServerConfig(
            model=str(find_model_file(self._path)),
            alias=model_name(self._path),
            key=secrets.token_urlsafe(32),
            slots=self._slots,
            context=self._context,
            threads=_thread_count(),
            parent=self._supervisor_pid,
            directory=str(self._directory),
        )

    def _publish_state(self, state: State) -> None:
        """Write `state` for the workers, unless the state file has it already; rewrite a file that was removed.

        A failure, such as a full disk, is logged once and retried at the next call.
        """
        assert self._directory is not None
        draft, state_file = self._directory / "state.new", self._directory / STATE_FILE_NAME
        encoded = msgspec.json.encode(state)
        try:
            if state == self._published_state and state_file.stat().st_size == len(encoded):
                return
        except OSError:
            _log.warning("The embedded model's state file in %s is missing; writing it again.", self._directory)
        try:
            _ensure_private_directory(self._directory)
            draft.write_bytes(encoded)
            draft.replace(state_file)
        except OSError as error:
            if not self._stopping.is_set() and self._published_state is not None:
                _log.error("The embedded model's state file cannot be written and will be retried: %s", error)
            self._published_state = None
        else:
            self._published_state = state


def _ensure_private_directory(directory: Path) -> None:
    """Create `directory` with mode 0700 if it is missing; raise PermissionError if other users can access it."""
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise PermissionError(f"{directory} must belong to this user and be closed to all others")


def _thread_count() -> int:
    # more threads than free cores would spin against each other
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(4, cores - 1))
