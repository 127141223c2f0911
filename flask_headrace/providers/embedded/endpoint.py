"""The embedded model's current endpoint: its state file, which the supervisor writes and workers read.

Workers get the file's path from an environment variable, so they find the model also after a restart on another port.
This module defines the states; `supervisor.py` runs the process.
"""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

STATE_VARIABLE = "FLASK_HEADRACE_LOCAL_STATE"  # environment variable with the state file's path, inherited by workers

STATE_FOLDER_PREFIX = "headrace-local-"
"""Prefix of the state folder's name. The supervisor's process id follows, so that it can be read without the file."""


class EmbeddedModelUnavailable(Exception):
    """The embedded model accepts no requests now.

    Args:
        sentence: The reason, for the person who uses the model.
        retryable: Whether the same request can succeed later.
    """

    def __init__(self, sentence: str, *, retryable: bool) -> None:
        super().__init__(sentence)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Base URL and key of the embedded model, as arguments for the OpenAI SDK's client."""

    base_url: str
    api_key: str = field(repr=False)


class _State(msgspec.Struct, frozen=True, tag_field="state", tag=str.lower):
    supervisor: int  # its process id: if that process has ended, the file is out of date


class Starting(_State, frozen=True):
    """The process runs and loads the model."""


class Ready(_State, frozen=True):
    """The model accepts requests."""

    pid: int
    port: int
    key: str

    def __repr__(self) -> str:
        return f"<Ready on port {self.port}, process {self.pid}>"


class Restarting(_State, frozen=True):
    """The process has ended or does not respond; the supervisor starts it again."""

    reason: str


class Failed(_State, frozen=True):
    """The model cannot run here."""

    reason: str


State = Starting | Ready | Restarting | Failed


def read_state() -> State | None:
    """Return the state that the supervisor wrote last; None without a state file or if its supervisor has ended.

    If the file is unchanged since the last call, this costs one `stat`.
    """
    path = os.environ.get(STATE_VARIABLE)
    if not path:
        return None
    try:
        status = os.stat(path)
        state = _decode_state_file(path, status.st_ino, status.st_mtime_ns)
    except (OSError, msgspec.DecodeError):
        return None
    return state if _is_alive(state.supervisor) else None


def is_supervised() -> bool:
    """Whether a running supervisor is named in this process's environment, even if its state file is missing."""
    path = os.environ.get(STATE_VARIABLE, "")
    supervisor = Path(path).parent.name.removeprefix(STATE_FOLDER_PREFIX).partition("-")[0]
    return supervisor.isdecimal() and _is_alive(int(supervisor))


def get_endpoint() -> Endpoint:
    """Return the embedded model's current endpoint. A restart changes it: call this for each request.

    Raises:
        EmbeddedModelUnavailable: the model is starting or restarting (`retryable`), cannot run here, or was never
            started.
    """
    match read_state():
        case Ready(port=port, key=key):
            return Endpoint(f"http://127.0.0.1:{port}/v1", key)
        case Starting():
            raise EmbeddedModelUnavailable(
                "The embedded model is starting: try again in a few seconds.", retryable=True
            )
        case Restarting(reason=reason):
            raise EmbeddedModelUnavailable(f"{reason} It is restarting: try again in a few seconds.", retryable=True)
        case Failed(reason=reason):
            raise EmbeddedModelUnavailable(reason, retryable=False)
        case None if is_supervised():  # the state file was removed, or could not be written
            raise EmbeddedModelUnavailable(
                "The embedded model's address is not known at the moment: try again in a few seconds.", retryable=True
            )
        case None:
            raise EmbeddedModelUnavailable("The embedded model is not running: restart the service.", retryable=False)


def wait_until_ready(timeout: float = 60.0) -> Endpoint:
    """Wait up to `timeout` seconds for the embedded model, and return its endpoint.

    Raises:
        EmbeddedModelUnavailable: the model is not ready after `timeout`, or cannot run here (raised at once).
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return get_endpoint()
        except EmbeddedModelUnavailable as why:
            if not why.retryable or time.monotonic() >= deadline:
                raise
        time.sleep(0.02)


@functools.lru_cache(maxsize=1)
def _decode_state_file(path: str, inode: int, changed: int) -> State:
    """Decode the state file. `inode` and `changed` (ns) are the cache key for one version of the file."""
    state: State = msgspec.json.decode(Path(path).read_bytes(), type=State)
    return state


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # a running process of another user
    return True
