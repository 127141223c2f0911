"""The embedded model, kept running: one process for all workers, started, restarted and ended here.

`LocalModel` runs in the process that forks the workers, or in a command's own. It knows no HTTP and no chat: the model
is asked through the OpenAI provider, like any other upstream, at the `endpoint` of the moment.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from pathlib import Path

import msgspec

from .local_endpoint import (
    STATE_VARIABLE,
    Endpoint,
    Failed,
    LocalModelUnavailable,
    Ready,
    Restarting,
    Starting,
    State,
    endpoint,
    read_state,
    wait_until_ready,
)
from .local_install import model_file, model_name, unavailable_reason
from .local_process import ModelProcess, Orders

__all__ = [
    "STATE_VARIABLE",
    "Endpoint",
    "LocalModel",
    "LocalModelUnavailable",
    "Ready",
    "Restarting",
    "endpoint",
    "ensure_started",
    "model_file",
    "model_name",
    "read_state",
    "unavailable_reason",
    "wait_until_ready",
]

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0  # seconds before a restart, doubled each time
_HEALTHY = 60.0  # seconds of life after which the next restart is a first one again
_LOAD_LIMIT = 300.0  # seconds for a model to load
_END_LIMIT = 2.0  # seconds for the process to end by SIGTERM, and again by SIGKILL

_log = logging.getLogger(__name__)
_claiming = threading.Lock()


def ensure_started(model_path: str | None = None, *, slots: int = 4) -> None:
    """Start the embedded model in this process, unless this process or its parent already did; return at once."""
    model = LocalModel(model_path, slots=slots)
    with _claiming:
        if read_state() is not None:
            return
        model.claim()
    model.start()


class LocalModel:
    """The embedded model's process, kept running from `start` to `stop`.

    `model_path` is a GGUF file, None or empty for the bundled one; `slots` answers are given at the same time and
    further requests wait; `context` is the number of tokens, of prompt and answer together, that one slot holds.
    """

    def __init__(self, model_path: str | None = None, *, slots: int = 4, context: int = 2048) -> None:
        self._path, self._slots, self._context = model_path, slots, context
        self._owner = 0
        self._directory: Path | None = None
        self._process: ModelProcess | None = None
        self._thread = threading.Thread(target=self._supervise, name="embedded-model", daemon=True)
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def __repr__(self) -> str:
        state = "stopped" if self._stopping.is_set() else "running" if self._thread.is_alive() else "idle"
        return f"<LocalModel {model_name(self._path)} {state}, {self._slots} slots>"

    def claim(self) -> None:
        """Make this the model that `endpoint` tells of, here and in processes that are forked from here on."""
        if self._directory is None:
            self._owner = os.getpid()
            self._directory = Path(tempfile.mkdtemp(prefix="headrace-local-"))  # mode 0700: the key stands in it
            os.environ[STATE_VARIABLE] = str(self._directory / "state.json")
            self._tell(Starting(self._owner))
            atexit.register(self.stop)

    def start(self) -> None:
        """Start the process and its supervision; return at once. A second call, or one after `stop`, does nothing."""
        self.claim()
        reason = unavailable_reason(self._path)
        if reason:
            self._tell(Failed(self._owner, reason))
        elif not self._stopping.is_set() and self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """End the process, within 4 seconds at most. Can be called twice, also before `start`; never raises."""
        if os.getpid() != self._owner:  # a forked worker runs the same exit functions
            return
        with self._lock:
            self._stopping.set()
        for end in (ModelProcess.terminate, ModelProcess.kill):
            if self._process and self._thread.is_alive():
                end(self._process)
                self._thread.join(_END_LIMIT)
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _supervise(self) -> None:
        delay = _FIRST_DELAY
        while not self._stopping.is_set():
            began = time.monotonic()
            reason = self._run()
            if time.monotonic() - began > _HEALTHY:
                delay = _FIRST_DELAY
            if not self._stopping.is_set():
                self._tell(Restarting(self._owner, reason))
                _log.warning("%s It is started again in %s s.", reason, delay)
            self._stopping.wait(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    def _run(self) -> str:
        """Run the process once, to its end; return how it ended, as a sentence."""
        try:
            with self._lock:
                if self._stopping.is_set():
                    return "The embedded model was stopped."
                self._process = ModelProcess()
        except OSError as error:
            return f"The embedded model could not be started ({error})."
        with self._process as process:
            orders = self._orders()
            port = process.load(orders, _LOAD_LIMIT)
            if port:
                self._tell(Ready(self._owner, process.pid, port, orders.key))
            return process.wait()

    def _orders(self) -> Orders:
        return Orders(
            model=str(model_file(self._path)),
            alias=model_name(self._path),
            key=secrets.token_urlsafe(32),
            slots=self._slots,
            context=self._context,
            threads=_threads(),
            parent=self._owner,
            directory=str(self._directory),
        )

    def _tell(self, state: State) -> None:
        assert self._directory is not None
        draft = self._directory / "state.new"
        try:
            draft.write_bytes(msgspec.json.encode(state))
            draft.replace(self._directory / "state.json")
        except OSError as error:
            if not self._stopping.is_set():
                _log.error("The embedded model's state cannot be written: %s", error)


def _threads() -> int:
    # more than the cores that are free spin against each other
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(4, cores - 1))
